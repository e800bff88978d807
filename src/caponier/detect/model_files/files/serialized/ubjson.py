"""Universal binary JSON, in which XGBoost keeps its models: plain values, read to the last byte.

The format is told at https://ubjson.org: a letter says what follows, numbers are big-endian, and a container may say
how many values it has and of which type.
"""

from typing import Final

from caponier.detect.model_files.files.part import Budget, PartReport

_INTEGERS: Final = {b"i": 1, b"U": 1, b"I": 2, b"l": 4, b"L": 8}
_SIZES: Final = _INTEGERS | {b"Z": 0, b"N": 0, b"T": 0, b"F": 0, b"d": 4, b"D": 8, b"C": 1}
_TEXTS: Final = (b"S", b"H")
_OF_XGBOOST: Final = frozenset({b"learner", b"Model", b"Config", b"version"})
"""What stands at the top of a model, and of a model with its settings."""
_DEEPEST: Final = 64


class _BrokenError(Exception):
    """This is none, or not to its end."""


def is_ubjson(content: memoryview) -> bool:
    """Return whether content begins like an object whose first key has a length; JSON as text never does."""
    return len(content) > 3 and content[0] == 0x7B and bytes(content[1:2]) in (*_INTEGERS, b"#", b"$")


def read(content: memoryview, budget: Budget) -> PartReport:
    """Judge a document."""
    part, reader = PartReport("ubjson"), _Reader(content, budget)
    try:
        reader.value(reader.letter(), 0)
    except _BrokenError:
        part.unknown.append("cannot be read to its end")
        return part
    if reader.at != len(content):
        part.unknown.append(f"{len(content) - reader.at:,} bytes follow the document")
    elif not reader.keys & _OF_XGBOOST:
        part.unknown.append("is UBJSON of a library that is not known here")
    else:
        part.kind = "xgboost (ubjson)"
    return part


class _Reader:
    """A position in a document, and the keys at its top."""

    def __init__(self, content: memoryview, budget: Budget) -> None:
        self.content, self.budget, self.at = content, budget, 0
        self.keys: set[bytes] = set()

    def take(self, count: int) -> memoryview:
        if count < 0 or self.at + count > len(self.content):
            raise _BrokenError
        self.at += count
        return self.content[self.at - count : self.at]

    def letter(self) -> bytes:
        return bytes(self.take(1))

    def length(self) -> int:
        """Read an integer with its type."""
        kind = self.letter()
        if kind not in _INTEGERS:
            raise _BrokenError
        return int.from_bytes(self.take(_INTEGERS[kind]), "big", signed=kind != b"U")

    def value(self, kind: bytes, depth: int) -> None:
        """Step over one value."""
        self.budget.fields_left -= 1
        if self.budget.fields_left < 0 or depth > _DEEPEST:
            raise _BrokenError
        if kind in _SIZES:
            self.take(_SIZES[kind])
        elif kind in _TEXTS:
            self.take(self.length())
        elif kind in (b"[", b"{"):
            self._container(depth, keyed=kind == b"{")
        else:
            raise _BrokenError

    def _container(self, depth: int, *, keyed: bool) -> None:
        kind = count = None
        if self._is_next(b"$"):
            kind = self.letter()
        if self._is_next(b"#"):
            count = self.length()
        if (kind is not None and count is None) or (count is not None and count < 0):
            raise _BrokenError
        if kind in _SIZES and count is not None and not keyed:
            self.take(_SIZES[kind] * count)
            return
        end = b"}" if keyed else b"]"
        while count is None or count > 0:
            if count is None and self._is_next(end):
                return
            count = None if count is None else count - 1
            if keyed:
                self._key(depth)
            self.value(kind or self.letter(), depth + 1)

    def _key(self, depth: int) -> None:
        key = self.take(self.length())
        if depth == 0 and len(self.keys) < 100:
            self.keys.add(bytes(key[:100]))

    def _is_next(self, letter: bytes) -> bool:
        if bytes(self.content[self.at : self.at + 1]) != letter:
            return False
        self.at += 1
        return True
