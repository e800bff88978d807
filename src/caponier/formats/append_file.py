"""Append to a file whole or not at all: half of a record must not stand before the same one that is written again."""

import os
from contextlib import suppress


def append_whole(opened: int, data: bytes) -> None:
    """Write data to the end of a file.

    Args:
        opened: Descriptor of a file that was opened for appending, and that nobody else writes to.
        data: What is written.

    Raises:
        OSError: If it cannot be; then the file is as long as it was.
    """
    size, left = os.fstat(opened).st_size, memoryview(data)
    try:
        while left:
            left = left[os.write(opened, left) :]
    except OSError:
        with suppress(OSError):
            os.ftruncate(opened, size)
        raise
