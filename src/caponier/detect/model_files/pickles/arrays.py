"""Arrays in pickles: how long one is that joblib writes as raw bytes after its description."""

from math import prod
from typing import Any, Final

from caponier.detect.model_files.pickles.ledger import Ledger
from caponier.detect.model_files.pickles.rules import TYPE_NAME
from caponier.detect.model_files.pickles.stream import BrokenError, Stream
from caponier.detect.model_files.pickles.values import Blob, Box, Global, Made

WRAPPER: Final = Global("joblib.numpy_pickle", "NumpyArrayWrapper")

DTYPE: Final = Global("numpy", "dtype")
RECORDS: Final = frozenset(Global(home, "record") for home in ("numpy", "numpy._core.records", "numpy.core.records"))
"""Numpy names this class, by one of its homes, instead of a size; the size is in the state."""
_CHARACTER: Final = {"S": 1, "U": 4, "V": 1}
_SINGLE: Final = {"?": 1, "b": 1, "i": 4, "f": 4, "c": 1, "m": 8, "M": 8}
"""What a letter alone means: `f` is a float of four bytes, `c` a single character; `u` alone is none."""
_NAMED_SIZES: Final = {
    "b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8, 12, 16), "c": (8, 16, 24, 32), "m": (8,), "M": (8,)
}  # fmt: skip
_SUBARRAY, _FIELDS, _ELEMENT_SIZE, _FLAGS = 2, 4, 5, 7
_HAS_OBJECTS: Final = 0x01
_AS_OBJECTS: Final = 0x03
"""Objects are in there, and are pickled as such."""
_POINTER: Final = 8
_ATTRIBUTES: Final = {"subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"}
"""What joblib's description of an array consists of."""
_MOST_LENGTHS: Final = 64
"""Dimensions that numpy allows."""


def is_type_name(value: Any) -> bool:
    """Return whether a value is the plain name of a numpy type, as numpy's own pickles have it."""
    return isinstance(value, str | Blob) and TYPE_NAME.fullmatch(_text(value)) is not None


def type_size(name: str) -> int | None:
    """Return the bytes of one element of a type by its name; None for Python objects.

    Raises:
        BrokenError: If numpy knows no such type.
    """
    match = TYPE_NAME.fullmatch(name)
    if match is None:
        raise BrokenError("describes an array of a type that is not known")
    kind, digits = match["kind"], match["size"]
    if kind == "O":
        return None
    if kind in _CHARACTER:
        return _CHARACTER[kind] * int(digits or 0)
    size = int(digits) if digits else _SINGLE.get(kind)
    if size is None or (digits and size not in _NAMED_SIZES.get(kind, ())):
        raise BrokenError("describes an array of a type that is not known")
    return size


def subclass(wrapper: Made) -> Any:
    """Return the class of a wrapped array."""
    return _state(wrapper).get("subclass")


def holds_objects(wrapper: Made, ledger: Ledger) -> bool:
    """Return whether a wrapped array is written as a pickle of its own."""
    return _Sizes(ledger).of(_state(wrapper).get("dtype"), 0) is None


def overrides(state: Any) -> bool:
    """Return whether a description brings attributes that would stand in for the methods of its class."""
    if not isinstance(state, Box) or len(state.items) > 8 * len(_ATTRIBUTES):
        return state is not None
    return not all(isinstance(key, str) and key in _ATTRIBUTES for key in state.items[::2])


def skip(stream: Stream, wrapper: Made, ledger: Ledger) -> memoryview:
    """Step over the padding and the raw bytes of a wrapped array, and return these bytes.

    Raises:
        BrokenError: If its length is not known for sure, or the bytes are not there.
    """
    state = _state(wrapper)
    size, shape = _Sizes(ledger).of(state.get("dtype"), 0), state.get("shape")
    if size is None or not isinstance(shape, tuple) or len(shape) > _MOST_LENGTHS:
        raise BrokenError("describes an array of unknown length")
    if not all(isinstance(n, int) and 0 <= n < 1 << 48 for n in shape):
        raise BrokenError("describes an array of unknown length")
    if state.get("numpy_array_alignment_bytes") is not None:
        stream.take(stream.byte())
    count = 1
    for length in shape:
        count *= length
    return stream.take(count * size)


def _state(wrapper: Made) -> dict[str, Any]:
    if not isinstance(wrapper.state, Box) or wrapper.state.kind != "dict" or overrides(wrapper.state):
        raise BrokenError("describes an array in a way that is not known")
    return wrapper.state.entries()


class _Sizes:
    """The sizes of a type and its parts; each part once, because types may share parts without end."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.known: dict[int, int | None] = {}

    def of(self, dtype: Any, depth: int) -> int | None:
        """Return the bytes of an element; None if there are Python objects in it."""
        if not isinstance(dtype, Made) or dtype.origin != DTYPE or not dtype.args or depth > 8:
            raise BrokenError("describes an array of a type that is not known")
        if id(dtype) not in self.known:
            self.known[id(dtype)] = self._of(dtype, depth)
        return self.known[id(dtype)]

    def _of(self, dtype: Made, depth: int) -> int | None:
        size = type_size(_text(dtype.args[0]))
        state = dtype.state if isinstance(dtype.state, tuple) else ()
        objects = size is None or self._parts_hold_objects(state, depth)
        if objects != _says_objects(state, objects):
            # Either could be what the loader goes by, and they put the end of the array at different places.
            raise BrokenError("describes an array that may or may not hold objects")
        declared = state[_ELEMENT_SIZE] if len(state) > _ELEMENT_SIZE else -1
        if size is not None and declared not in (-1, size):
            raise BrokenError("describes an array whose elements have two sizes")
        return None if objects else size

    def _parts_hold_objects(self, state: tuple[Any, ...], depth: int) -> bool:
        """Return whether a field, or what a subarray consists of, is an object."""
        fields = state[_FIELDS] if len(state) > _FIELDS else None
        inner = state[_SUBARRAY] if len(state) > _SUBARRAY else None
        if not (fields is None or isinstance(fields, Box)) or not (inner is None or isinstance(inner, tuple)):
            raise BrokenError("describes an array with parts that are not known")
        self.ledger.visit(len(fields.items) if fields else 0)
        values = fields.entries().values() if fields else ()
        parts = [value[0] for value in values if isinstance(value, tuple) and value]
        return any(self.of(part, depth + 1) is None for part in [*parts, *(inner or ())[:1]])


class Layout:
    """What is said of types and their parts, held against what can be true; each part once."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.known: dict[int, tuple[int, bool]] = {}
        self.reaches: dict[tuple[int, int], tuple[int, bool]] = {}

    def contradicts(self, dtype: Made) -> bool:
        """Return whether what is said of a type cannot be true: numpy believes it, and takes bytes for objects."""
        try:
            self.of(dtype, 0)
        except BrokenError:
            return True
        return False

    def of(self, dtype: Any, depth: int) -> tuple[int, bool]:
        """Return the bytes of an element, and whether there are Python objects in it.

        Raises:
            BrokenError: If it contradicts itself, or is no type.
        """
        if not isinstance(dtype, Made) or dtype.origin != DTYPE or not dtype.args or depth > 8:
            raise BrokenError("describes an array of a type that is not known")
        if id(dtype) not in self.known:
            self.known[id(dtype)] = self._of(dtype, depth)
        return self.known[id(dtype)]

    def _of(self, dtype: Made, depth: int) -> tuple[int, bool]:
        state = dtype.state if isinstance(dtype.state, tuple) else ()
        declared = state[_ELEMENT_SIZE] if len(state) > _ELEMENT_SIZE else -1
        if dtype.args[0] in RECORDS and isinstance(declared, int):
            said: int | None = declared
        else:
            said = type_size(_text(dtype.args[0]))
        size, objects = (_POINTER, True) if said is None else (said, False)
        for extent, inner_objects in (self._fields(state, depth), self._subarray(state, depth)):
            objects |= inner_objects
            if extent > size:
                raise BrokenError("describes an array whose parts lie outside of it")
        flags = state[_FLAGS] if len(state) > _FLAGS else None
        wrong = isinstance(flags, int) and flags & _AS_OBJECTS != (_AS_OBJECTS if objects else 0)
        if wrong or declared not in (-1, size):
            raise BrokenError("describes an array in two ways")
        return size, objects

    def _fields(self, state: tuple[Any, ...], depth: int) -> tuple[int, bool]:
        """Return how far the fields of a type reach, and whether they hold objects; many types may share them."""
        fields = state[_FIELDS] if len(state) > _FIELDS else None
        if fields is None:
            return 0, False
        if not isinstance(fields, Box):
            raise BrokenError("describes an array with parts that are not known")
        key = id(fields), len(fields.items)
        if key not in self.reaches:
            self.reaches[key] = self._reach(fields.items[1::2], depth)
        return self.reaches[key]

    def _reach(self, values: list[Any], depth: int) -> tuple[int, bool]:
        self.ledger.visit(len(values))
        reach, objects = 0, False
        for value in values:
            known = isinstance(value, tuple) and len(value) > 1 and isinstance(value[1], int) and value[1] >= 0
            if not known:
                raise BrokenError("describes an array with parts that are not known")
            size, holds = self.of(value[0], depth + 1)
            reach, objects = max(reach, value[1] + size), objects or holds
        return reach, objects

    def _subarray(self, state: tuple[Any, ...], depth: int) -> tuple[int, bool]:
        inner = state[_SUBARRAY] if len(state) > _SUBARRAY else None
        if inner is None:
            return 0, False
        if not isinstance(inner, tuple) or len(inner) != 2:
            raise BrokenError("describes an array with parts that are not known")
        shape = inner[1] if isinstance(inner[1], tuple) else inner[1:]
        if len(shape) > _MOST_LENGTHS or not all(isinstance(n, int) and 0 <= n < 1 << 48 for n in shape):
            raise BrokenError("describes an array of unknown length")
        size, objects = self.of(inner[0], depth + 1)
        return size * prod(shape), objects


def _says_objects(state: tuple[Any, ...], otherwise: bool) -> bool:
    flags = state[_FLAGS] if len(state) > _FLAGS else None
    return bool(flags & _HAS_OBJECTS) if isinstance(flags, int) else otherwise


def _text(value: Any) -> str:
    if isinstance(value, Blob):
        return bytes(value.view[:64]).decode("latin-1")
    return value if isinstance(value, str) else ""
