"""Read a file that somebody else made: whole where it may be held, by its beginning where it is too large for that.

A large file is not read into memory but mapped: what is looked at of it is there, and nothing else.
"""

import errno
import hashlib
import mmap
import os
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Final

from caponier.formats.walk_files import open_regular

HEAD: Final = 32 << 20
"""Bytes of a file that is too large which are looked at all the same: whatever runs first stands there."""
READ: Final = 256 << 20
"""Bytes of the largest file that is read into memory."""
HASHED: Final = 64 << 30
"""Bytes of the largest file that is looked at. A file with holes claims more than any disk has, at no cost for whoever
made it."""
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Content:
    """What was read of a file."""

    data: memoryview
    sha256: str | None
    """Of the whole file; None where it is too large to be held, see `Digests`."""
    problem: str | None = None
    """Why `data` is only the beginning."""
    mapped: bool = False
    """Whether `data` is the file itself: who shortens it meanwhile ends the process that reads it."""


def read_content(path: Path, most: int, mapped: int | None = None) -> Content:
    """Read a regular file; never waits for a pipe, and never holds more than it was allowed to.

    Args:
        path: The file.
        most: Bytes that may be held.
        mapped: Bytes of a file that may be mapped; by default as many.

    Raises:
        OSError: If it cannot be read, is no regular file any more, or is larger than `HASHED` and `most`.
        MemoryError: If there is less memory than `most`.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size <= min(most, READ):
            return _whole(file, size)
        reach = max(most, mapped or 0)
        return _mapped(file, size) if size <= reach else _beginning(file, size, reach)


@dataclass(frozen=True, slots=True)
class Digests:
    """Digests of whole files that are not held: made once a file, however many links lead to it."""

    known: dict[tuple[int, ...], str] = field(default_factory=dict)
    """By device, inode, time of the last change and size."""

    def of(self, path: Path) -> str:
        """Return the digest of a file; this takes some seconds for every ten gigabytes.

        Raises:
            OSError: If it cannot be read, or has no end.
        """
        with open_regular(path) as file:
            status = os.fstat(file.fileno())
            key = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
            if key not in self.known:
                self.known[key] = _digest(file)
            return self.known[key]


def _digest(file: FileIO) -> str:
    whole, chunk, left = hashlib.sha256(), memoryview(bytearray(_CHUNK)), HASHED
    while count := _fill(file, chunk):
        whole.update(chunk[:count])
        left -= count
        if left < 0:
            raise OSError(f"it gives more than {HASHED:,} bytes")
    return whole.hexdigest()


def _whole(file: FileIO, size: int) -> Content:
    # The kernel's own files are said to be empty and may have no end; others grow while they are read.
    held = bytearray(size + 1)
    count = _fill(file, memoryview(held))
    if count > size:
        raise OSError(f"it gives more than the {size:,} bytes that it is said to have")
    data = memoryview(held)[:count]
    return Content(data, hashlib.sha256(data).hexdigest())


def _mapped(file: FileIO, size: int) -> Content:
    sha256 = _digest(file)
    try:
        data = memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))
    except ValueError as failed:
        raise OSError(f"it gives less than the {size:,} bytes that it is said to have") from failed
    except OSError as failed:
        if failed.errno != errno.ENOMEM:
            raise
        raise MemoryError from failed
    return Content(data, sha256, mapped=True)


def _beginning(file: FileIO, size: int, most: int) -> Content:
    if size > HASHED:
        raise OSError(f"{size:,} bytes are more than a scan reads")
    held = memoryview(bytearray(min(size, HEAD, most)))
    problem = f"is too large to be read whole: it has {size:,} bytes, and {most:,} may be held here (see --largest)"
    return Content(held[: _fill(file, held)], None, problem)


def _fill(file: FileIO, place: memoryview) -> int:
    """Read until a place is full or the file ends, and return the bytes that were read."""
    at = 0
    while at < len(place):
        count = file.readinto(place[at:])
        if count is None:
            raise OSError("it has nothing to read at this moment, and a scan does not wait")
        if not count:
            break
        at += count
    return at
