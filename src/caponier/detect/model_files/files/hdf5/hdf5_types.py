"""Types of HDF5: which are numbers or texts of one size, and which are sequences that lie elsewhere."""

from dataclasses import dataclass
from typing import Final

from caponier.detect.model_files.files.hdf5.hdf5_bytes import Hdf5Error

_STRING, _OPAQUE, _COMPOUND, _REFERENCE, _ENUMERATION, _SEQUENCE, _ARRAY = 3, 5, 6, 7, 8, 9, 10
_PROPERTIES: Final = {0: 4, 1: 12, 2: 2, 4: 4, _REFERENCE: 0}
"""Bytes that follow the head of a number's type."""
_HEAD: Final = 8
_DEEPEST: Final = 8
_MOST_FIELDS: Final = 10_000
_OLD_SHAPE: Final = 28
"""What the first version says of the shape of a record's field."""


@dataclass(frozen=True, slots=True)
class Type:
    """What a value is."""

    size: int
    plain: bool
    """Whether it is a number, a text, or a record of them: nothing that may be loaded as more."""
    text: bool = False
    sequence: bool = False
    """Whether its bytes lie in the file's heap, as those of texts of any length."""
    element: int = 1
    """Bytes of each element of a sequence."""


def read_type(content: bytes) -> Type:
    """Read the description of a type.

    Raises:
        Hdf5Error: If it cannot be read.
    """
    return _read(content, 0, 0)[0]


def _read(content: bytes, at: int, depth: int) -> tuple[Type, int]:
    """Return a type, and the byte after its description."""
    if len(content) < at + _HEAD or depth > _DEEPEST:
        raise Hdf5Error("has a type that cannot be read")
    kind, version, bits = content[at] & 15, content[at] >> 4, content[at + 1]
    size, end = int.from_bytes(content[at + 4 : at + 8], "little"), at + _HEAD
    if kind in _PROPERTIES:
        return Type(size, plain=True), end + _PROPERTIES[kind]
    if kind == _STRING:
        return Type(size, plain=True, text=True), end
    if kind == _OPAQUE:
        return Type(size, plain=False, text=True), end + bits
    if kind == _SEQUENCE:
        inner, end = _read(content, end, depth + 1)
        is_text = bits & 15 == 1
        return Type(size, is_text, text=True, sequence=True, element=max(1, inner.size)), end
    if kind == _ARRAY:
        dimensions = content[end] if len(content) > end else 0
        inner, end = _read(content, end + (1 + 4 * dimensions if version >= 3 else 4 + 8 * dimensions), depth + 1)
        return Type(size, plain=inner.plain and not inner.sequence), end
    if kind in (_COMPOUND, _ENUMERATION):
        return _fields(content, at, end, depth)
    raise Hdf5Error("has a type that is not known here")


def _fields(content: bytes, at: int, end: int, depth: int) -> tuple[Type, int]:
    """Read the fields of a record, or the names and numbers of an enumeration."""
    kind, version = content[at] & 15, content[at] >> 4
    count, size = int.from_bytes(content[at + 1 : at + 3], "little"), int.from_bytes(content[at + 4 : at + 8], "little")
    if count > _MOST_FIELDS:
        raise Hdf5Error("has a type of more fields than a scan looks at")
    if kind == _ENUMERATION:
        base, end = _read(content, end, depth + 1)
        for _ in range(count):
            end = _after_name(content, end, padded=version < 3)
        return Type(size, plain=True), end + count * base.size
    plain, wide = True, next(width for width in (1, 2, 3, 4) if size < 1 << 8 * width or width == 4)
    for _ in range(count):
        end = _after_name(content, end, padded=version < 3)
        end += wide if version >= 3 else 4 + (_OLD_SHAPE if version == 1 else 0)
        inner, end = _read(content, end, depth + 1)
        plain &= inner.plain and not inner.sequence
    return Type(size, plain=plain), end


def _after_name(content: bytes, at: int, *, padded: bool) -> int:
    end = content.find(b"\0", at)
    if end < 0:
        raise Hdf5Error("has a type that cannot be read")
    length = end + 1 - at
    return at + (-(-length // 8) * 8 if padded else length)
