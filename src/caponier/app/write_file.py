"""Write a file whole or not at all."""

import os
import tempfile
from pathlib import Path

from caponier.errors import InputError


def write_bytes(path: Path, data: bytes) -> None:
    """Put a file in place in one step, so that nobody ever reads half of it.

    Raises:
        InputError: If the folder does not exist or cannot be written to.
    """
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            _fill(descriptor, name, data)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as failed:
        raise InputError(f"cannot be written: {failed.strerror}", where=str(path)) from failed


def _fill(descriptor: int, name: str, data: bytes) -> None:
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(name, 0o666 & ~mask)
