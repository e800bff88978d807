"""Numbers in base64 without a word about their type: the bytes of an array, as programs send vectors and pictures."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

KINDS: Final = ("float32", "float64", "uint8")
"""Types of numbers that are told by their bytes; little end first."""
MOST: Final = 2**22
"""Bytes of an array."""
_SAMPLED: Final = 50
_LEAST_ARRAYS: Final = 20
"""Arrays from which it is no chance that all are as long."""
_LEAST: Final = 8
"""Numbers of an array: a digest of 32 bytes looks like eight of them very seldom, and in all rows never."""
_SMALLEST, _LARGEST = 1e-12, 1e12
"""Amounts between which the numbers that a model takes lie, if they are not zero. The exponents of bytes that are no
floats lie anywhere."""


def bytes_of(value: Any) -> bytes | None:
    """Return what stands in base64, in the alphabet of addresses too; None where it is none, or too much."""
    if not isinstance(value, str) or len(value) > 2 * MOST:
        return None
    text = value.partition(",")[2] if value.startswith("data:") else value.strip()
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None


def numbers_of(value: Any, kind: str) -> list[float] | None:
    """Return the numbers of an array; None where its bytes are none of a type.

    Args:
        value: Its bytes in base64.
        kind: One of `KINDS`.
    """
    data = bytes_of(value)
    held = None if data is None else _as(data, kind)
    return None if held is None else [float(one) for one in held]


def kind_of(values: Sequence[Any], sizes: Sequence[Any] = ()) -> str | None:
    """Return the type of the numbers in texts; None where they may be anything else: a picture's file, or a digest.

    Arrays of floats are told by what they hold. Bytes are told by their number alone, which has to stand beside them.

    Args:
        values: Arrays in base64.
        sizes: Whole numbers that stand beside them in all rows, or lists of them: how many numbers there are.
    """
    arrays = [bytes_of(value) for value in values[:_SAMPLED]]
    held = [one for one in arrays if one]
    if len(held) < max(_LEAST_ARRAYS, len(arrays)) or len({len(one) for one in held}) != 1 or len(set(held)) == 1:
        return None
    if all(one.isascii() and one.decode("ascii").isprintable() for one in held):
        # A row of numbers in text, closed in base64: its digits would be exponents of floats as well.
        return None
    told = _counts(sizes)
    fitting = [kind for kind in ("float32", "float64") if all(_are_floats(one, kind) for one in held)]
    if len(fitting) > 1:
        size = len(held[0])
        known = [kind for kind in fitting if size // np.dtype(kind).itemsize in told]
        # Whole numbers as doubles are, as halves, a zero before each number.
        are_doubles = all(not np.frombuffer(one, "<u4")[::2].any() for one in held)
        fitting = known if len(known) == 1 else ["float64" if are_doubles else "float32"]
    if fitting:
        return fitting[0]
    return "uint8" if len(held[0]) in told else None


def _counts(sizes: Sequence[Any]) -> set[int]:
    """Return how many numbers sizes may mean: one of them, or the product of several, as of a width and a height."""
    numbers = [size for size in sizes if type(size) is int and 1 < size <= MOST]
    found = {one for one in numbers if one >= _LEAST}
    for size in sizes:
        if isinstance(size, list) and size and all(type(one) is int and one > 0 for one in size):
            found.add(int(np.prod(size, dtype=np.float64)))
    for at, one in enumerate(numbers):
        for behind, other in enumerate(numbers[at + 1 :], at + 1):
            found |= {one * other * times for times in (1, 3, 4)}
            found |= {one * other * third for third in numbers[behind + 1 :]}
    return found


def _are_floats(data: bytes, kind: str) -> bool:
    held = _as(data, kind)
    if held is None or held.size < _LEAST or not np.isfinite(held).all():
        return False
    sizes = np.abs(held[held != 0])
    return sizes.size > 0 and bool((sizes > _SMALLEST).all() and (sizes < _LARGEST).all())


def _as(data: bytes, kind: str) -> NDArray[Any] | None:
    each = np.dtype(kind).newbyteorder("<")
    return None if not data or len(data) > MOST or len(data) % each.itemsize else np.frombuffer(data, each)
