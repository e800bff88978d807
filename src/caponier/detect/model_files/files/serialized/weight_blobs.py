"""The weights of a Core ML program: blocks of numbers, each behind what says its kind, its size and its place."""

import struct
from typing import Final

from caponier.detect.model_files.files.part import PartReport
from caponier.detect.model_files.files.spans import only_zeros

_HEAD: Final = struct.Struct("<II")
_BLOCK: Final = struct.Struct("<IIQQ")
_VERSION, _SIGN, _STEP = 2, 0xDEADBEEF, 64
_MOST, _KINDS = 1_000_000, 64


def read(content: memoryview) -> PartReport | None:
    """Read the file; None if this is none."""
    if len(content) < 2 * _STEP or _HEAD.unpack_from(content)[1] != _VERSION:
        return None
    count, at = _HEAD.unpack_from(content)[0], _STEP
    if not 0 < count <= _MOST or not only_zeros(content[_HEAD.size : _STEP]):
        return None
    for _ in range(count):
        if at + _STEP > len(content):
            return None
        sign, kind, size, place = _BLOCK.unpack_from(content, at)
        if sign != _SIGN or kind >= _KINDS or place != at + _STEP or not only_zeros(content[at + 32 : at + _STEP]):
            return None
        end = place + size
        at = -(-end // _STEP) * _STEP
        if end > len(content) or not only_zeros(content[end:at]):
            return None
    return PartReport("core ml weights") if at >= len(content) else None
