"""Write a file whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from caponier.errors import InputError


def write_bytes(path: Path, data: bytes) -> None:
    """Put a file in place in one step, so that nobody ever reads half of it.

    Raises:
        InputError: If the folder does not exist or cannot be written to.
    """
    with replacing(path) as beside:
        beside.write_bytes(data)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file beside `path` to be filled; it takes its place once that is done, and goes if it fails.

    Raises:
        InputError: If the folder does not exist or cannot be written to.
    """
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        os.close(descriptor)
        try:
            yield Path(name)
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(name, 0o666 & ~mask)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as failed:
        raise InputError(f"cannot be written: {failed.strerror}", where=str(path)) from failed
