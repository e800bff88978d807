"""MessagePack, as Flax keeps parameters: maps, lists, numbers, texts and arrays, read to the last byte.

It has no way to call anything. What other loaders make of bytes in it, they make with pickle, and so those are judged.
"""

import re
import struct
from typing import Final

from caponier.detect.model_files.files.part import Budget, PartReport
from caponier.detect.model_files.files.pickle_file import carries
from caponier.detect.model_files.pickles.carried import pickled

_ARRAYS: Final = frozenset({1, 2, 3})
"""Flax's own kinds: an array, a complex number, a number of numpy's."""
_OBJECTS: Final = re.compile(
    rb"(?:\xa4|\xd9\x04|\xda\0\x04|\xdb\0\0\0\x04|\xc4\x04|\xc5\0\x04|\xc6\0\0\0\x04)kind"
    rb"(?:\xa1|\xd9\x01|\xda\0\x01|\xdb\0\0\0\x01|\xc4\x01|\xc5\0\x01|\xc6\0\0\0\x01)O"
)
"""By this entry msgpack-numpy knows that the bytes beside it are a pickle, however that begins."""
_TIME: Final = 255
_SIZED: Final = {
    0xC4: ("B", 0), 0xC5: (">H", 0), 0xC6: (">I", 0), 0xC7: ("B", 1), 0xC8: (">H", 1), 0xC9: (">I", 1),
    0xD9: ("B", 0), 0xDA: (">H", 0), 0xDB: (">I", 0),
}  # fmt: skip
"""Bytes, kinds and texts by their first byte: how their length is written, and whether a kind stands before them."""
_FIXED: Final = {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
_KINDS: Final = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_MANY: Final = {0xDC: (">H", 1), 0xDD: (">I", 1), 0xDE: (">H", 2), 0xDF: (">I", 2)}
_EMPTY: Final = b"\x80"
"""A map of nothing, by which spaCy says that a table has no rows; all that a pickle has of it is half a protocol."""
_NOTHING: Final = frozenset({0xC0, 0xC2, 0xC3})


def read(content: memoryview, budget: Budget) -> PartReport | None:
    """Read a map; None if this is none, or does not end with the file."""
    if bytes(content[:2]) == _EMPTY:
        return PartReport("msgpack")
    if len(content) < 2 or not (0x81 <= content[0] <= 0x8F or content[0] in (0xDE, 0xDF)):
        return None
    kinds, held = set[int](), list[memoryview]()
    try:
        if not _read(content, budget, kinds, held):
            return None
    except (struct.error, IndexError):
        return None
    part = PartReport("msgpack")
    if _OBJECTS.search(content):
        part.unknown.append("has arrays of objects, which msgpack-numpy reads with pickle")
    if foreign := sorted(kinds - _ARRAYS - {_TIME}):
        part.unknown.append(f"has values of a kind that its loader has to know: {foreign[0]}")
    carries(held, budget, part)
    return part


def _read(content: memoryview, budget: Budget, kinds: set[int], held: list[memoryview]) -> bool:
    """Return whether the content is one value to its last byte."""
    at, left, size = 0, 1, len(content)
    while left:
        budget.fields_left -= 1
        if budget.fields_left < 0 or left > size - at:
            return False
        first, at, left = content[at], at + 1, left - 1
        if first < 0x80 or first >= 0xE0 or first in _NOTHING:
            continue
        if first < 0xA0:
            left += (first & 15) * (2 if first < 0x90 else 1)
        elif first in _MANY:
            form, each = _MANY[first]
            width = struct.calcsize(form)
            left, at = left + each * struct.unpack(form, content[at : at + width])[0], at + width
        elif first in _FIXED:
            at += _FIXED[first]
        else:
            start, at = _body(content, at, first, kinds)
            if at > size:
                return False
            if (inner := pickled(content[start:at])) is not None:
                held.append(inner)
    return at == size


def _body(content: memoryview, at: int, first: int, kinds: set[int]) -> tuple[int, int]:
    """Return where bytes, a text or a value of a kind begins, and where it ends."""
    if first < 0xC0:
        return at, at + (first & 31)
    if first in _KINDS:
        kinds.add(content[at])
        return at + 1, at + 1 + _KINDS[first]
    if first not in _SIZED:
        raise IndexError
    form, has_kind = _SIZED[first]
    width = struct.calcsize(form)
    length, at = struct.unpack(form, content[at : at + width])[0], at + width
    if has_kind:
        kinds.add(content[at])
    return at + has_kind, at + has_kind + length
