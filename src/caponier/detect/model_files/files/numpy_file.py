"""Numpy's own format, `.npy`: numbers are harmless, Python objects are a pickle."""

import re
import struct
from typing import Any, Final

from caponier.detect.model_files.files.part import Budget, PartReport
from caponier.detect.model_files.files.pickle_file import carries
from caponier.detect.model_files.files.quiet_python import literal
from caponier.detect.model_files.pickles.arrays import type_size
from caponier.detect.model_files.pickles.carried import pickled
from caponier.detect.model_files.pickles.stream import BrokenError

MAGIC: Final = b"\x93NUMPY"
_LONGEST: Final = 1 << 16
_LONG_NUMBER: Final = re.compile(r"([(,\s]\d{1,20})L(?=[,\s)])")
_OF_PYTHON_2: Final = 2
_MOST_ELEMENTS: Final = 1 << 62


def read(content: memoryview, budget: Budget) -> tuple[PartReport, memoryview | None]:
    """Read the header of an array.

    Returns:
        The report, and the pickle behind the header where the array holds Python objects.
    """
    part = PartReport("numpy")
    try:
        start, header = _header(content)
        size = _element(header["descr"], 0)
        count = _count(header["shape"])
    except (
        BrokenError,
        ValueError,
        SyntaxError,
        KeyError,
        TypeError,
        IndexError,
        MemoryError,
        RecursionError,
        struct.error,
    ):
        part.unknown.append("has a header that cannot be read")
        return part, None
    if size is None:
        part.kind = "numpy (objects)"
        return part, content[start:]
    expected = start + size * count
    if expected > len(content):
        part.unknown.append(f"ends early: {expected - len(content):,} bytes are missing")
    elif expected < len(content):
        part.unknown.append(f"{len(content) - expected:,} bytes follow the array")
    if (inner := pickled(content[start:])) is not None:
        carries([inner], budget, part)
    return part, None


def _header(content: memoryview) -> tuple[int, dict[str, Any]]:
    form, width = ("<H", 2) if content[6] == 1 else ("<I", 4)
    (length,) = struct.unpack(form, content[8 : 8 + width])
    start = 8 + width + length
    if length > _LONGEST or start > len(content):
        raise BrokenError("the header is too long")
    words = bytes(content[8 + width : start]).decode("latin-1").strip()
    # Python 2 wrote lengths as long numbers, and numpy still reads them in its first two versions.
    header = literal(_LONG_NUMBER.sub(r"\1", words) if content[6] <= _OF_PYTHON_2 else words)
    if not isinstance(header, dict):
        raise BrokenError("the header is no dictionary")
    return start, header


def _element(descr: Any, depth: int) -> int | None:
    """Return the bytes of an element, or None if there are Python objects in it."""
    if depth > 8:
        raise BrokenError("the type is too deep")
    if isinstance(descr, str):
        return type_size(descr)
    if isinstance(descr, tuple):
        base = _element(descr[0], depth + 1)
        return None if base is None else base * _count(descr[1])
    sizes = [_field(field, depth) for field in descr]
    return None if any(size is None for size in sizes) else sum(size or 0 for size in sizes)


def _field(field: Any, depth: int) -> int | None:
    size = _element(field[1], depth + 1)
    return size if size is None or len(field) < 3 else size * _count(field[2])


def _count(shape: Any) -> int:
    lengths = (shape,) if isinstance(shape, int) else shape
    count = 1
    for length in lengths:
        if not isinstance(length, int) or not 0 <= length < 1 << 48:
            raise BrokenError("the shape is none")
        count *= length
        if count > _MOST_ELEMENTS:
            raise BrokenError("the shape is too large")
    return count
