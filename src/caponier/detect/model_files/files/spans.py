"""Questions about long stretches of bytes, answered a piece at a time: a copy of a whole file is never made."""

from typing import Final

_STEP: Final = 1 << 24
_ZEROS: Final = bytes(_STEP)


def only_zeros(content: memoryview) -> bool:
    """Return whether there is nothing but zeros, or nothing at all."""
    pieces = (bytes(content[at : at + _STEP]) for at in range(0, len(content), _STEP))
    return all(piece == _ZEROS[: len(piece)] for piece in pieces)


def find(content: memoryview, what: bytes, start: int, end: int) -> int:
    """Return where `what` begins first between two places, or -1."""
    for at in range(start, end, _STEP):
        found = bytes(content[at : min(at + _STEP + len(what) - 1, end)]).find(what)
        if found >= 0:
            return at + found
    return -1
