"""An abstract pickle machine: follows every instruction of the protocols 0 to 5, and never runs one.

It keeps the stacks and the memo as an unpickler would, with globals as mere names, so that a name that travels through
the memo, a nested list or a computed text is still known when it is called. Where unpicklers differ, it goes on: what
is read too much can only make a verdict worse. Where all of them stop, it stops, and what ran before counts.
"""

import pickle
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from caponier.detect.model_files.pickles import arrays
from caponier.detect.model_files.pickles.calls import Calls
from caponier.detect.model_files.pickles.carried import HEADS, SHORTEST
from caponier.detect.model_files.pickles.ledger import Ledger
from caponier.detect.model_files.pickles.rules import GlobalRole, Rules, canonical
from caponier.detect.model_files.pickles.stream import BrokenError, LimitError, Stream
from caponier.detect.model_files.pickles.values import COMPUTED, Blob, Box, Global, Guess, Made

_TEXT: Final = 1 << 16
"""Longest text that is kept as one; longer ones name nothing."""
_OFTEN: Final = (1 << 8) - 1
_NUMBER: Final = re.compile(rb"\s*[+-]?[0-9][0-9a-fA-FxXoO_]*\s*")
_ESCAPE: Final = re.compile(r"\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.|$)", re.DOTALL)
_ESCAPED: Final = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\", "'": "'", '"': '"'
}  # fmt: skip
_CARRYING: Final = (Global, tuple)
"""What may be, or hold, a function that is called."""
_CONSTANTS: Final = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}


class Machine:
    """One pickle in a stream of bytes.

    Args:
        data: All bytes.
        start: Where the pickle begins.
        rules: What is allowed.
        ledger: Takes what is noteworthy.
        joblib: Whether raw arrays follow their descriptions, as in joblib's files.
        bare: Whether this is what `pickle.load` makes of it: objects outside of the file then end the reading.
        nesting: How many pickles this one lies in.
    """

    def __init__(
        self,
        data: memoryview,
        start: int,
        rules: Rules,
        ledger: Ledger,
        *,
        joblib: bool = True,
        bare: bool = False,
        nesting: int = 0,
    ) -> None:
        self.stream = Stream(data, start, ledger.limits.text_bytes)
        self.rules, self.ledger, self.nesting = rules, ledger, nesting
        self.joblib, self.bare = joblib, bare
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.protocol = 0
        self.frame_end = 0
        self.arrays = 0
        self.result: Any = None
        self.calls = Calls(rules, ledger, self.stream)

    def run(self) -> int:
        """Follow the pickle to its end, and return the byte after it; `result` is then its value.

        Raises:
            BrokenError: If it cannot go on: everything up to here would have run.
            LimitError: If it asks for more work than a scan may do.
        """
        try:
            return self._run()
        finally:
            self.calls.finish()

    def _run(self) -> int:
        limit, stream, expense = self.ledger.limits.stack, self.stream, self.ledger.expense
        most, data, size = self.ledger.limits.opcodes, stream.data, stream.size
        while True:
            # Written out, because this is where the time of a scan goes.
            expense.opcodes = done = expense.opcodes + 1
            if done > most:
                raise LimitError(f"has more than {most:,} pickle instructions")
            start = stream.pos
            if start >= size:
                raise BrokenError(f"ends early: 1 bytes are announced at byte {start:,} and are not there")
            stream.pos = start + 1
            code = data[start]
            if code == _STOP:
                self.result = self.pop()
                return stream.pos
            step = _STEPS[code]
            if step is None:
                raise BrokenError(f"byte {start:,} is no pickle instruction")
            step(self)
            if start < self.frame_end < stream.pos:
                self._leaves_frame()
            # An instruction adds one value at most.
            if not done & _OFTEN and len(self.stack) + len(self.marks) + len(self.memo) > limit:
                raise LimitError(f"holds more than {limit:,} values")

    def _leaves_frame(self) -> None:
        # Python's own reader loses its place then, and takes for instructions what nobody else does.
        self.ledger.doubt("has an instruction that does not end with its frame, so readers differ in what follows")

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def pop(self) -> Any:
        """Take a value from the stack.

        Raises:
            BrokenError: If there is none.
        """
        if not self.stack:
            raise BrokenError("takes a value from an empty stack")
        return self.stack.pop()

    def top(self) -> Any:
        """Return the uppermost value, and leave it there."""
        if not self.stack:
            raise BrokenError("uses a value of an empty stack")
        return self.stack[-1]

    def pop_mark(self) -> list[Any]:
        """Take everything down to the last mark.

        Raises:
            BrokenError: If there is no mark.
        """
        if not self.marks:
            raise BrokenError("looks for a mark that is not there")
        taken, self.stack = self.stack, self.marks.pop()
        return taken

    def text(self, raw: memoryview) -> Any:
        """Return a text, or its bytes if it is too long to name anything.

        Raises:
            BrokenError: If it is no text: every unpickler stops there.
        """
        if len(raw) > _TEXT:
            return Blob(raw, text=True)
        try:
            return str(raw, "utf-8", "surrogatepass")
        except UnicodeDecodeError as wrong:
            raise BrokenError("holds a text that is none") from wrong

    def name(self, module: Any, name: Any) -> Global:
        """Return a global, and note that it is named."""
        if isinstance(module, str) and isinstance(name, str):
            what = canonical(module, name, translated=self.protocol < 3)
        elif all(isinstance(part, str) or self.calls.may_be_text(part) for part in (module, name)):
            what = COMPUTED
        else:
            raise BrokenError("names something by what is no text")
        if not what.module:
            raise BrokenError("names something of no module")
        self.ledger.name(str(what))
        self.calls.named(what)
        if not what.name:
            # The module is imported by then, and that is all.
            raise BrokenError("names something without a name")
        return what

    def arguments(self, args: Any) -> tuple[Any, ...]:
        """Return arguments as a tuple; some loaders take any iterable, and what it gives is not certain."""
        if isinstance(args, tuple):
            return args
        self.ledger.doubt("calls something with arguments that are no tuple")
        if isinstance(args, Box):
            # Copied each time: a long list may be handed on from the memo again and again.
            self.ledger.visit(len(args.items))
            return tuple(args.items)
        return (args,)

    def remember(self, index: int) -> None:
        """Put the uppermost value into the memo."""
        if index < 0:
            raise BrokenError("uses a memo place below 0")
        self.memo[index] = self.top()

    def recall(self, index: int) -> None:
        """Put a value of the memo on the stack."""
        if index not in self.memo:
            raise BrokenError("reads a memo place that was never written")
        self.push(self.memo[index])

    def fill(self, values: list[Any]) -> None:
        """Add values to the uppermost list, set or dictionary, or to an object that acts like one.

        What cannot be filled stops some unpicklers and not others: nothing added is nothing to object to.
        """
        target = self.top()
        if isinstance(target, Box):
            self.calls.hold(values)
            target.items.extend(values)
        elif isinstance(target, Blob):
            target.changed = True
        elif isinstance(target, Global | Made):
            self.calls.fill(target, values)

    def build(self) -> None:
        """Give the uppermost object its state; in joblib's files an array may follow.

        Unpicklers let an empty state pass for anything, even for a number.
        """
        state, target = self.pop(), self.top()
        if isinstance(target, Global | Made):
            self.calls.build(target, state)
        if isinstance(target, Made) and target.origin == arrays.WRAPPER:
            self.arrays += 1
            if self.joblib:
                self.stack[-1] = self.array(target)

    def array(self, wrapper: Made) -> Made:
        """Step over the raw array that follows its description in joblib's files."""
        if self.stream.pos < self.frame_end:
            # Unpicklers differ in where the array begins then, and so it could hide instructions.
            raise BrokenError("describes an array in the middle of a frame")
        self.frame_end = 0
        subclass = arrays.subclass(wrapper)
        self.calls.invoke(subclass, GlobalRole.NEW)
        held: tuple[Any, ...] = ()
        if arrays.holds_objects(wrapper, self.ledger):
            self.nested()
        else:
            held = (Blob(arrays.skip(self.stream, wrapper, self.ledger)), wrapper)
        return Made(subclass if isinstance(subclass, Global) else COMPUTED, held)

    def nested(self) -> None:
        """Follow a pickle inside this one, with a stack and a memo of its own."""
        if self.nesting >= self.ledger.limits.depth:
            raise LimitError(f"has pickles inside pickles, more than {self.ledger.limits.depth} deep")
        inner = Machine(
            self.stream.data, self.stream.pos, self.rules, self.ledger, joblib=False, nesting=self.nesting + 1
        )
        self.stream.pos = inner.run()

    # One method an instruction from here on; they are called as pickletools calls the instructions.

    def _mark(self) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def _pop(self) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.pop_mark()

    def _dup(self) -> None:
        self.push(self.top())

    def _proto(self) -> None:
        self.protocol = self.stream.byte()

    def _frame(self) -> None:
        if self.stream.pos - 1 < self.frame_end:
            self._leaves_frame()
        length = self.stream.number("<Q", 8)
        self.frame_end = self.stream.pos + length

    def _int(self) -> None:
        self.push(_whole(self.stream.line()))

    def _long(self) -> None:
        self.push(_whole(self.stream.line().removesuffix(b"L")))

    def _long_1(self) -> None:
        self._long_n(self.stream.byte())

    def _long_4(self) -> None:
        self._long_n(self.stream.number("<i", 4))

    def _long_n(self, width: int) -> None:
        raw = self.stream.take(width)
        self.push(int.from_bytes(raw, "little", signed=True) if width <= 1024 else Blob(raw))

    def _float(self) -> None:
        for line in _readings(self.stream.line()):
            with suppress(ValueError):
                return self.push(float(line))
        raise BrokenError("holds a number that is none")

    def _bin_float(self) -> None:
        self.stream.take(8)
        self.push(0.0)

    def _string(self) -> None:
        line = self.stream.line().decode("latin-1").strip(" \t\r\n\v\f")
        if len(line) < 2 or line[0] != line[-1] or line[0] not in "\"'":
            raise BrokenError("holds a text without quotes")
        text = _ESCAPE.sub(_unescape, line[1:-1])
        self.ledger.carry(memoryview(text.encode("latin-1", "replace")))
        self.push(_old_text(text))

    def _unicode(self) -> None:
        try:
            text = self.stream.line().decode("raw_unicode_escape")
        except UnicodeDecodeError as wrong:
            raise BrokenError("holds a text that is none") from wrong
        self.ledger.carry(memoryview(text.encode("utf-8", "replace")))
        self.push(text)

    def _buffer(self) -> None:
        self._beyond()
        self.ledger.doubt("needs buffers that are not in the file")
        self.push(Blob(self.stream.data[:0]))

    def _read_only_buffer(self) -> None:
        self.top()

    def _list(self) -> None:
        self._box("list")

    def _box(self, kind: str) -> None:
        values = self.pop_mark()
        self.calls.hold(values)
        self.ledger.keep()
        self.push(Box(kind, values))

    def _tuple(self) -> None:
        self.push(self.calls.holdings.tuple(tuple(self.pop_mark())))

    def _tuple_n(self, count: int) -> None:
        if len(self.stack) < count:
            raise BrokenError("takes a value from an empty stack")
        self.stack[-count:] = [self.calls.holdings.tuple(tuple(self.stack[-count:]))]

    def _dict(self) -> None:
        self._box("dict")

    def _set(self) -> None:
        self._box("set")

    def _append(self) -> None:
        value = self.pop()
        target = self.stack[-1] if self.stack else None
        if target.__class__ is Box and value.__class__ not in _CARRYING:
            target.items.append(value)
        else:
            self.fill([value])

    def _appends(self) -> None:
        self.fill(self.pop_mark())

    def _set_item(self) -> None:
        value, key = self.pop(), self.pop()
        self.fill([key, value])

    def _set_items(self) -> None:
        self.fill(self.pop_mark())

    def _add_items(self) -> None:
        self.fill(self.pop_mark())

    def _memoize(self) -> None:
        self.remember(len(self.memo))

    def _global(self) -> None:
        self.push(self.name(*self._two_lines()))

    def _two_lines(self) -> tuple[str, str]:
        module, name = self.stream.line(), self.stream.line()
        return module.decode("utf-8", "replace"), name.decode("utf-8", "replace")

    def _stack_global(self) -> None:
        name, module = self.pop(), self.pop()
        self.push(self.name(module, name))

    def _beyond(self) -> None:
        """Stop where an unpickler that knows nothing but the file would stop."""
        if self.bare:
            raise BrokenError("needs something that is not in the file")

    def _ext(self, form: str, width: int) -> None:
        self._beyond()
        self.push(self.name("copyreg extension", str(self.stream.number(form, width))))

    def _reduce(self) -> None:
        args, target = self.pop(), self.pop()
        self.push(self.calls.call(target, self.arguments(args)))

    def _inst(self) -> None:
        # Python's own reader imports the module before it looks for the mark.
        target = self.name(*self._two_lines())
        self.push(self.calls.call(target, tuple(self.pop_mark())))

    def _obj(self) -> None:
        target, *args = self.pop_mark() or [None]
        self.push(self.calls.call(target, tuple(args)))

    def _new_obj(self) -> None:
        args, target = self.pop(), self.pop()
        self.push(self.calls.new(target, self.arguments(args)))

    def _new_obj_ex(self) -> None:
        words, args, target = self.pop(), self.pop(), self.pop()
        given = self.arguments(args)
        self.ledger.visit(len(given))
        self.push(self.calls.new(target, (*given, words)))

    def _pers_id(self) -> None:
        self._beyond()
        self.push(self.calls.persistent(self.stream.line().decode("latin-1")))

    def _bin_pers_id(self) -> None:
        self._beyond()
        self.push(self.calls.persistent(self.pop()))


Step = Callable[[Machine], None]


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) == 3 and code[0] == "x":
        return chr(int(code[1:], 16))
    if code in ("", "x"):
        raise BrokenError("holds a text that is none")
    # What is no escape stands for itself, with its backslash.
    return chr(int(code, 8) & 0xFF) if code[0] in "01234567" else _ESCAPED.get(code, f"\\{code}")


def _old_text(text: str) -> str:
    """Return a text of Python 2, which every loader reads alike only if it is ASCII."""
    return text if text.isascii() else Guess(text)


def _whole(line: bytes) -> int | bool:
    """Read a number as any of the unpicklers would: decimal, or with a prefix as in Python or C."""
    if line in (b"00", b"01"):
        return line == b"01"
    found = next((reading for reading in _readings(line) if not reading or _NUMBER.fullmatch(reading)), None)
    if found is None:
        raise BrokenError("holds a number that is none")
    try:
        return int(found, 0)
    except ValueError:
        return 0  # nothing or octal, as in C, or longer than Python reads unless it is told to; it names nothing


def _index(line: bytes) -> int:
    for reading in _readings(line):
        with suppress(ValueError):
            return int(reading)
    raise BrokenError("uses a memo place that is no number")


def _readings(line: bytes) -> tuple[bytes, ...]:
    """Return a number as Python reads it, and as C does, for which a zero ends it."""
    return (line, line.partition(b"\0")[0]) if b"\0" in line else (line,)


def _constant(value: Any) -> Step:
    return lambda machine: machine.stack.append(value)


def _empty(kind: str) -> Step:
    def step(machine: Machine) -> None:
        machine.ledger.keep()
        machine.stack.append(Box(kind, []))

    return step


def _sized(form: str, width: int, *, text: bool) -> Step:
    def step(machine: Machine) -> None:
        stream = machine.stream
        raw = stream.take(stream.byte() if width == 1 else stream.number(form, width))
        if len(raw) >= SHORTEST and raw[0] in HEADS:
            machine.ledger.carry(raw)
        if text:
            machine.stack.append(machine.text(raw))
        else:
            machine.ledger.keep()
            machine.stack.append(Blob(raw))

    return step


def _old(form: str, width: int) -> Step:
    def step(machine: Machine) -> None:
        machine.ledger.carry(raw := machine.stream.take(machine.stream.number(form, width)))
        machine.push(_old_text(str(raw, "latin-1")) if len(raw) <= _TEXT else Blob(raw))

    return step


def _fixed(form: str, width: int) -> Step:
    return lambda machine: machine.push(machine.stream.number(form, width))


def _memo(form: str, width: int, *, put: bool) -> Step:
    def step(machine: Machine) -> None:
        index = machine.stream.number(form, width) if width else _index(machine.stream.line())
        (machine.remember if put else machine.recall)(index)

    return step


def _values() -> dict[str, Step]:
    """Return the instructions that push a value."""
    return {
        **{name: _constant(value) for name, value in _CONSTANTS.items()},
        "EMPTY_LIST": _empty("list"),
        "EMPTY_DICT": _empty("dict"),
        "EMPTY_SET": _empty("set"),
        "INT": Machine._int,
        "BININT": _fixed("<i", 4),
        "BININT1": _fixed("<B", 1),
        "BININT2": _fixed("<H", 2),
        "LONG": Machine._long,
        "LONG1": Machine._long_1,
        "LONG4": Machine._long_4,
        "FLOAT": Machine._float,
        "BINFLOAT": Machine._bin_float,
        "STRING": Machine._string,
        "UNICODE": Machine._unicode,
        # Texts of Python 2 are texts or bytes, as the loader likes; only a text can name something.
        "BINSTRING": _old("<i", 4),
        "SHORT_BINSTRING": _old("<B", 1),
        "SHORT_BINUNICODE": _sized("<B", 1, text=True),
        "BINUNICODE": _sized("<I", 4, text=True),
        "BINUNICODE8": _sized("<Q", 8, text=True),
        "SHORT_BINBYTES": _sized("<B", 1, text=False),
        "BINBYTES": _sized("<I", 4, text=False),
        "BINBYTES8": _sized("<Q", 8, text=False),
        "BYTEARRAY8": _sized("<Q", 8, text=False),
        "NEXT_BUFFER": Machine._buffer,
        "READONLY_BUFFER": Machine._read_only_buffer,
    }


def _actions() -> dict[str, Step]:
    """Return the instructions that do something with values."""
    return {
        "MARK": Machine._mark,
        "POP": Machine._pop,
        "POP_MARK": lambda machine: void(machine.pop_mark()),
        "DUP": Machine._dup,
        "PROTO": Machine._proto,
        "FRAME": Machine._frame,
        "LIST": Machine._list,
        "APPEND": Machine._append,
        "APPENDS": Machine._appends,
        "TUPLE": Machine._tuple,
        "TUPLE1": lambda machine: machine._tuple_n(1),
        "TUPLE2": lambda machine: machine._tuple_n(2),
        "TUPLE3": lambda machine: machine._tuple_n(3),
        "DICT": Machine._dict,
        "SETITEM": Machine._set_item,
        "SETITEMS": Machine._set_items,
        "ADDITEMS": Machine._add_items,
        "FROZENSET": Machine._set,
        "PUT": _memo("", 0, put=True),
        "BINPUT": _memo("<B", 1, put=True),
        "LONG_BINPUT": _memo("<I", 4, put=True),
        "MEMOIZE": Machine._memoize,
        "GET": _memo("", 0, put=False),
        "BINGET": _memo("<B", 1, put=False),
        "LONG_BINGET": _memo("<I", 4, put=False),
        "GLOBAL": Machine._global,
        "STACK_GLOBAL": Machine._stack_global,
        "EXT1": lambda machine: machine._ext("<B", 1),
        "EXT2": lambda machine: machine._ext("<H", 2),
        "EXT4": lambda machine: machine._ext("<i", 4),
        "REDUCE": Machine._reduce,
        "BUILD": Machine.build,
        "INST": Machine._inst,
        "OBJ": Machine._obj,
        "NEWOBJ": Machine._new_obj,
        "NEWOBJ_EX": Machine._new_obj_ex,
        "PERSID": Machine._pers_id,
        "BINPERSID": Machine._bin_pers_id,
    }


def _table() -> list[Step | None]:
    table: list[Step | None] = [None] * 256
    for name, step in (_values() | _actions()).items():
        table[getattr(pickle, name)[0]] = step
    return table


def void(_: object) -> None:
    """Forget a value."""


_STOP: Final = pickle.STOP[0]
_STEPS: Final = _table()
