"""The bytes of a pickle, read with limits."""

import struct
from typing import Final

_CHUNK: Final = 4096


class BrokenError(Exception):
    """The stream cannot go on here: a real unpickler would stop, too."""


class LimitError(Exception):
    """The stream asks for more work than a scan may do."""


class Stream:
    """A position in bytes."""

    __slots__ = ("data", "longest", "pos", "size")

    def __init__(self, data: memoryview, pos: int, longest: int) -> None:
        self.data = data
        self.pos = pos
        self.size = len(data)
        self.longest = longest

    def take(self, count: int) -> memoryview:
        """Return the next bytes.

        Raises:
            BrokenError: If there are not so many.
        """
        end = self.pos + count
        if count < 0 or end > self.size:
            raise BrokenError(f"ends early: {count:,} bytes are announced at byte {self.pos:,} and are not there")
        taken = self.data[self.pos : end]
        self.pos = end
        return taken

    def byte(self) -> int:
        """Return the next byte."""
        at = self.pos
        if at >= self.size:
            raise BrokenError(f"ends early: 1 bytes are announced at byte {at:,} and are not there")
        self.pos = at + 1
        return self.data[at]

    def number(self, form: str, width: int) -> int:
        """Return the next number in a `struct` format of so many bytes."""
        return int(struct.unpack(form, self.take(width))[0])

    def line(self) -> bytes:
        """Return what stands before the next newline.

        At the end of the file the newline may be missing: Python's own unpickler, which joblib uses, then takes the
        last byte for it, and goes on; where nothing is left at all, the line is empty.

        Raises:
            LimitError: If the line is too long.
        """
        at, width = self.pos, _CHUNK
        while at < self.size:
            chunk = bytes(self.data[at : at + width])
            found = chunk.find(b"\n")
            if found >= 0:
                return self._line_to(at + found)
            at += len(chunk)
            if at - self.pos > self.longest:
                raise LimitError(f"a line is longer than {self.longest:,} bytes")
            width *= 4
        return self._line_to(self.size - 1)

    def _line_to(self, end: int) -> bytes:
        line = bytes(self.data[self.pos : max(self.pos, end)])
        self.pos = min(self.size, end + 1)
        return line
