"""Objects of R as `saveRDS` and `save` write them in XDR form: the graph is read to its last byte.

Data are harmless, whatever class they say that they have. What R carries out is a function, a promise, which R
carries out as soon as somebody touches it, and a call that a model keeps of itself or of its formula, which R carries
out to predict. Calls are held against what formulas use; functions and promises are never clean.
"""

import struct
from typing import Final

from caponier.detect.model_files.files.part import ArchiveMember, Budget, PartReport
from caponier.detect.model_files.files.pickle_file import carries
from caponier.detect.model_files.files.serialized.r_calls import (
    CONTRASTS,
    HARMFUL,
    HOME,
    HOMES,
    LOUD_CLASSES,
    PLAIN_CODECS,
    QUIET,
    foreign,
    is_loud,
    makes_contrasts,
)
from caponier.detect.model_files.pickles.carried import pickled

_START: Final = b"X\n"
_IMAGES: Final = (b"RDX2\n", b"RDX3\n")
"""What `save` writes before the same."""
_ADVICE: Final = "export to PMML or ONNX, or save its data alone"
_UNREAD: Final = f"is R's own form of objects, which R may run, and cannot be read here: {_ADVICE}"
_NIL, _GLOBAL, _UNBOUND, _MISSING, _BASE_SPACE = 254, 253, 252, 251, 247
_CONSTANTS: Final = frozenset({241, 242, 250, 251, 252, 253, 254})
"""Nothing, a missing value, and the environments that every R has."""
_REFERENCE, _PACKED, _NAMESPACE, _PACKAGE = 255, 238, 249, 248
_SYMBOL, _PAIRS, _CLOSURE, _ENVIRONMENT, _PROMISE, _CALL = 1, 2, 3, 4, 5, 6
_LETTERS, _DOTS, _TEXTS, _LIST, _EXPRESSION, _POINTER, _WEAK, _RAW, _S4 = 9, 17, 16, 19, 20, 22, 23, 24, 25
_INNER: Final = frozenset({7, 8})
"""Functions that are built in, by name."""
_NUMBERS: Final = {10: 4, 13: 4, 14: 8, 15: 16}
"""Vectors of truth values, whole numbers, numbers and complex numbers, by the bytes of each."""
_ATTRIBUTES, _TAG, _LEVELS = 0x200, 0x400, 12
_ACTIVE: Final = 1 << 15
"""A name in an environment by which R calls a function."""
_PACKED_AS: Final = frozenset({
    "compact_intseq", "compact_realseq", "deferred_string", "wrap_complex", "wrap_integer", "wrap_list",
    "wrap_logical", "wrap_raw", "wrap_real", "wrap_string",
})  # fmt: skip
"""Ways of base R to write a vector short; others are methods of a package, or map a file."""
_WRAPS: Final = frozenset({"wrap_list", "wrap_string"})
_DEEPEST: Final = 150
_EACH: Final = 4
"""A value takes so many times as long to read as the field of a protocol buffer."""
_SHORTEST_RAW: Final = 16
_LONGEST_NAME: Final = 200
_MOST_WORDS: Final = 5
_FLAGS: Final = 4
"""Bytes that say what an object is, before it."""
_MOST_ELEMENTS: Final = 1_000
"""A list, or a vector of texts, that is longer is none of names and none of a model's parts."""
_RENDERED: Final = b"\\Sexpr"
"""What R carries out of a text when it prints it as a reference."""


class _RError(Exception):
    pass


class _Reader:
    """One stream of objects."""

    def __init__(self, content: memoryview, at: int, budget: Budget) -> None:
        self.content, self.at, self.budget = content, at, budget
        self.names: list[str | None] = []
        """What later places refer back to, in the order of their beginning: names, or None for what is none."""
        self.kinds: dict[str, None] = {}
        self.calls: dict[str, None] = {}
        self.harm: dict[str, None] = {}
        self.terms: dict[str, None] = {}
        """What a text calls, if R took it for a term of a formula."""
        self.homes: dict[str, None] = {}
        self.loud: dict[str, None] = {}
        """Classes whose methods run something, and texts in calls that name what runs something."""
        self.calling = 0
        self.codec: str | None = None
        self.texts: dict[int, list[str]] = {}
        """The short vectors of texts, by where they begin."""
        self.lists: dict[int, list[int]] = {}
        """Where the elements of a list begin, by where it begins."""
        self.named: dict[int, int] = {}
        """Where names begin, by where the attributes begin that they are one of."""
        self.contrasts: list[int] = []
        self.raw: list[memoryview] = []
        self.held: list[memoryview] = []

    def number(self) -> int:
        """Return the next whole number."""
        return int(struct.unpack(">i", self.take(4))[0])

    def take(self, count: int) -> memoryview:
        """Return the next bytes."""
        if count < 0 or self.at + count > len(self.content):
            raise _RError
        self.at += count
        return self.content[self.at - count : self.at]

    def length(self) -> int:
        """Return the length of a vector; a long one has its length in two halves."""
        length = self.number()
        if length == -1:
            length = (self.number() << 32) + (self.number() & 0xFFFFFFFF)
        if not 0 <= length <= len(self.content):
            raise _RError
        return length

    def item(self, depth: int) -> tuple[int, str | None]:
        """Read one object, and return its kind, with its text if it is a name or letters."""
        self.budget.fields_left -= _EACH
        if depth > _DEEPEST or self.budget.fields_left < 0:
            raise _RError
        flags = self.number()
        kind = flags & 0xFF
        if kind in _CONSTANTS:
            return kind, None
        if kind == _REFERENCE:
            at = (flags >> 8) or self.number()
            if not 0 < at <= len(self.names):
                raise _RError
            name = self.names[at - 1]
            return (_SYMBOL if name is not None else kind), name
        if kind in (_PAIRS, _CLOSURE, _PROMISE, _CALL, _DOTS):
            self._pairs(flags, depth)
            return kind, None
        return kind, self._other(kind, flags, depth)

    def _other(self, kind: int, flags: int, depth: int) -> str | None:
        if kind == _SYMBOL:
            _, name = self.item(depth + 1)
            self.names.append(name or "")
            return name or ""
        if kind == _LETTERS:
            return self._letters(flags)
        if kind in (_NAMESPACE, _PACKAGE):
            self._home()
        elif kind == _PACKED:
            self._packed(depth)
        elif kind == _ENVIRONMENT:
            self._environment(depth)
        elif kind in _INNER:
            self.kinds["a function"] = None
            self.take(self.number())
        else:
            start = self.at
            self._vector(kind, depth)
            if flags & _ATTRIBUTES:
                names = self.at
                self.item(depth + 1)
                self._elements(self.lists.get(start, []), self.named.get(names, 0))
        return None

    def _letters(self, flags: int) -> str | None:
        length = self.number()
        if flags & _ATTRIBUTES:
            raise _RError
        if length == -1:
            return None
        letters = self.take(length)
        if _RENDERED in bytes(letters):
            self.loud["Sexpr"] = None
        if (inner := pickled(letters)) is not None:
            self.held.append(inner)
        if not self.terms and b"(" in bytes(letters):
            # R makes formulas anew of the labels of their terms, and carries out what it reads there.
            called = foreign(bytes(letters).decode("utf-8", "replace"))
            self.terms |= {called: None} if called is not None else {}
        return bytes(letters[:_LONGEST_NAME]).decode("utf-8", "replace")

    def _vector(self, kind: int, depth: int) -> None:
        if kind in _NUMBERS:
            self.take(_NUMBERS[kind] * self.length())
        elif kind == _RAW:
            raw = self.take(self.length())
            if len(raw) >= _SHORTEST_RAW:
                self.raw.append(raw)
        elif kind == _TEXTS:
            self._words()
        elif kind in (_LIST, _EXPRESSION):
            start, places = self.at, list[int]()
            for _ in range(self.length()):
                if len(places) < _MOST_ELEMENTS:
                    places.append(self.at)
                self.item(depth + 1)
            self.lists[start] = places
        elif kind in (_POINTER, _WEAK):
            # What a pointer led to is gone; R keeps what stands beside it.
            self.names.append(None)
            for _ in range(2 if kind == _POINTER else 0):
                self.item(depth + 1)
        elif kind != _S4:
            # Functions that were compiled, and objects that somebody else's hook makes.
            raise _RError

    def _words(self) -> None:
        start, words = self.at, list[str]()
        for _ in range(self.length()):
            flags = self.number()
            self.budget.fields_left -= 1
            if flags & 0xFF != _LETTERS or self.budget.fields_left < 0:
                raise _RError
            word = self._letters(flags)
            if len(words) < _MOST_ELEMENTS:
                words.append(word or "")
            elif word is not None and word.startswith(CONTRASTS):
                self.loud[CONTRASTS] = None
            if self.calling and word is not None and is_loud(word):
                self.loud[word] = None
        self.texts[start] = words

    def _elements(self, places: list[int], names: int) -> None:
        """Note the elements of a list by which R makes contrasts; a name may be longer than what R asks for."""
        for place, name in zip(places, self.texts.get(names, []), strict=False):
            if name.startswith(CONTRASTS):
                self.contrasts.append(place)

    def _tagged(self, name: str | None, pairs: int, depth: int) -> None:
        """Read what stands under a name, and note it: in attributes, in an environment, or in a call."""
        start, inner = self.at, self.at + _FLAGS
        self.item(depth + 1)
        if name == "names":
            self.named[pairs] = inner
        elif name is not None and name.startswith(CONTRASTS):
            self.contrasts.append(start)
        elif name == "class":
            self.loud |= dict.fromkeys(LOUD_CLASSES.intersection(self.texts.get(inner, ())))

    def called_by_name(self) -> list[str]:
        """Return the names of functions by which R would make contrasts, and which make none."""
        found = dict[str, None]()
        for start in self.contrasts:
            inner = start + _FLAGS
            for place in (inner, *(at + _FLAGS for at in self.lists.get(inner, ()))):
                if max(len(self.texts.get(place, ())), len(self.lists.get(place, ()))) >= _MOST_ELEMENTS:
                    found["more than is read here"] = None
                found |= {word: None for word in self.texts.get(place, ()) if not makes_contrasts(word)}
        return list(found)

    def _pairs(self, flags: int, depth: int) -> None:
        """Read a chain of pairs to its end: a list, a call, a function or a promise."""
        is_call = flags & 0xFF == _CALL
        self.calling += is_call
        self._chain(flags, depth)
        self.calling -= is_call

    def _chain(self, flags: int, depth: int) -> None:
        start, first = self.at - _FLAGS, True
        while True:
            kind = flags & 0xFF
            if kind == _CLOSURE:
                self.kinds["a function"] = None
            elif kind == _PROMISE:
                self.kinds["a promise, which R carries out when it is touched"] = None
            if flags >> _LEVELS & _ACTIVE:
                self.kinds["a name by which R calls a function"] = None
            if flags & _ATTRIBUTES:
                self.item(depth + 1)
            name = self.item(depth + 1)[1] if flags & _TAG else None
            if kind == _CALL and first:
                flags = self._called(depth)
                first = False
            else:
                self._tagged(name, start, depth)
                flags = self.number()
            self.budget.fields_left -= _EACH
            if self.budget.fields_left < 0:
                raise _RError
            if flags & 0xFF not in (_PAIRS, _CALL, _DOTS):
                # The end is an object as any other: read it where it begins.
                self.at -= 4
                self.item(depth + 1)
                return
            first = flags & 0xFF == _CALL

    def _called(self, depth: int) -> int:
        """Read what a call calls, and return the flags of its first argument."""
        start = self.at
        kind, name = self.item(depth + 1)
        if kind == _SYMBOL and name is not None:
            self._name(name)
        elif kind != _CALL or not self._is_of_a_home(start):
            self.calls["what it computes"] = None
        return self.number()

    def _is_of_a_home(self, start: int) -> bool:
        """Return whether a call calls `package::name`; the name is held against the others."""
        again = _Reader(self.content, start, self.budget)
        again.names = self.names
        words = []
        try:
            for at in range(3):
                # Attributes would come first, and a reader of them would see another call.
                if again.number() != (_PAIRS if at else _CALL):
                    return False
                words.append(again._plain_name())
        except _RError:
            return False
        if words[0] not in HOME or words[1] not in HOMES or words[2] is None:
            return False
        self._name(words[2])
        return True

    def _plain_name(self) -> str | None:
        """Return a name that was read before, or stands here; nothing is added to what may be referred to."""
        flags = self.number()
        if flags & 0xFF == _REFERENCE:
            at = (flags >> 8) or self.number()
            return self.names[at - 1] if 0 < at <= len(self.names) else None
        if flags & 0xFF != _SYMBOL or self.number() & 0xFF != _LETTERS:
            return None
        return bytes(self.take(self.number())[:_LONGEST_NAME]).decode("utf-8", "replace")

    def _name(self, name: str) -> None:
        if name in HARMFUL:
            self.harm[name] = None
        elif name not in QUIET:
            self.calls[name] = None

    def _home(self) -> None:
        """Read the name of a package; R loads a package whose namespace is named."""
        if self.number() != 0:
            raise _RError
        for at in range(self.length()):
            kind, name = self.item(_DEEPEST)
            if kind != _LETTERS:
                raise _RError
            if not at and name not in HOMES:
                self.homes[name or ""] = None
        self.names.append(None)

    def _packed(self, depth: int) -> None:
        """Read a vector that is written short: what it is, its content and its attributes."""
        start = self.at
        self.item(depth + 1)
        again = _Reader(self.content, start, self.budget)
        again.names = self.names
        words = []
        for _ in range(2):
            if again.number() != _PAIRS:
                raise _RError
            words.append(again._plain_name())
        if words[0] not in _PACKED_AS or words[1] != "base":
            raise _RError
        state = self.at
        self.item(depth + 1)
        # What is wrapped is the first of a chain of pairs.
        wrapped, names = state + 2 * _FLAGS, self.at
        self.texts[start] = self.texts.get(wrapped, [])
        self.lists[start] = self.lists.get(wrapped, [])
        if words[0] in _WRAPS and not (wrapped in self.texts or wrapped in self.lists):
            raise _RError
        self.item(depth + 1)
        self._elements(self.lists[start], self.named.get(names, 0))

    def _environment(self, depth: int) -> None:
        self.number()
        self.names.append(None)
        for _ in range(4):
            self.item(depth + 1)


def read(content: memoryview, budget: Budget) -> PartReport | None:
    """Read objects; None if these are none."""
    head = bytes(content[:5])
    at = 5 if head in _IMAGES else 0
    if not (at or (head[:2] == _START and bytes(content[2:5]) == b"\0\0\0")):
        return PartReport("r objects", unknown=[_UNREAD]) if head[:3] == b"RDX" else None
    part = PartReport("r objects")
    reader = _Reader(content, at, budget)
    try:
        _head(reader)
        kind, _ = reader.item(0)
    except (_RError, struct.error):
        part.unknown.append(_UNREAD)
    else:
        if reader.at != len(content):
            part.unknown.append(f"{len(content) - reader.at:,} bytes follow the objects")
        if kind == _PROMISE:
            part.unsafe.append("is a promise, which R carries out as soon as it is read")
    _judge(part, reader, budget)
    return part


def _head(reader: _Reader) -> None:
    if bytes(reader.take(2)) != _START:
        raise _RError
    version = reader.number()
    reader.take(8)
    if version not in (2, 3):
        raise _RError
    if version == 3:
        codec = bytes(reader.take(reader.number()))[: _LONGEST_NAME + 1].decode("latin-1")
        if PLAIN_CODECS.fullmatch(codec) is None:
            # R reads every text and every name by this codec; here they would be others.
            reader.codec = codec


def _judge(part: PartReport, reader: _Reader, budget: Budget) -> None:
    part.certain = False
    for name in list(reader.harm)[:_MOST_WORDS]:
        part.unsafe.append(f"has R call {name}, once somebody prints it, predicts with it or touches it")
    if reader.kinds:
        part.unknown.append(f"holds {', '.join(reader.kinds)}: R runs it, and it is not read here ({_ADVICE})")
    for name in list(reader.calls)[:_MOST_WORDS]:
        part.unknown.append(f"keeps a call of {name[:100]!r}, which is not known here, and which R may carry out")
    for name in reader.terms:
        part.unknown.append(f"has a text that calls {name[:100]!r}, if R takes it for a term of a formula")
    if reader.codec is not None:
        part.unknown.append(f"says that its texts are in {reader.codec[:40]!r}, in which they may say something else")
    for name in list(reader.loud)[:_MOST_WORDS]:
        part.unknown.append(f"names {name[:100]!r}, by which R runs what is written in it, or opens places")
    for name in reader.called_by_name()[:_MOST_WORDS]:
        part.unknown.append(f"makes contrasts by {name[:100]!r}: R calls whatever has that name")
    for name in list(reader.homes)[:_MOST_WORDS]:
        part.unknown.append(f"has R load the package {name[:100]!r}, which is not known here")
    carries(reader.held, budget, part)
    part.members = (ArchiveMember(f"raw {at}", raw) for at, raw in enumerate(reader.raw))
