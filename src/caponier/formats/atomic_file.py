"""Write a file whole or not at all: the one place where Caponier puts files into somebody's folders."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from caponier.errors import InputError

NOT_WRITTEN: Final = "cannot be written"
HALF: Final = ".caponier-"
"""How the name begins of a file that is not yet complete, and of what is left of one if the process is killed."""
_ADVICE: Final = "Name a file in a folder that exists and that you may write to."


def write_bytes(path: Path, data: bytes, *, failing: str = NOT_WRITTEN) -> None:
    """Put a file in place in one step, so that nobody ever reads half of it; see `replacing`.

    Args:
        path: The file.
        data: Its content.
        failing: What to say if that fails.

    Raises:
        InputError: If the folder does not exist or cannot be written to.
    """
    with replacing(path, failing=failing) as beside:
        beside.write_bytes(data)


def write_new(path: Path, data: bytes, mode: int = 0o644, *, failing: str = NOT_WRITTEN) -> bool:
    """Write a file that is then there completely and on disk, or not at all; leave one that exists, and return False.

    Args:
        path: The file.
        data: Its content.
        mode: Who may read it; nobody else could at any moment.
        failing: What to say if that fails.

    Raises:
        InputError: If the folder does not exist or cannot be written to.
    """
    with _told(path, failing), _beside(path) as name:
        with name.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        name.chmod(mode)
        try:
            # A link, not a rename: it fails if somebody else was faster.
            os.link(name, path)
        except FileExistsError:
            return False
    return True


def refuse_unwritable(path: Path) -> None:
    """Make sure that a file can be written where it is named, before the work that it is to hold.

    Raises:
        InputError: If the folder does not exist or cannot be written to.
    """
    target = Path(os.path.realpath(path))
    with _told(path, NOT_WRITTEN):
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if target.is_file() or not target.exists():
            with _beside(target):
                pass


@contextmanager
def replacing(path: Path, *, failing: str = NOT_WRITTEN) -> Iterator[Path]:
    """Give a file beside `path` to be filled; it takes its place once that is done, and goes if it fails.

    A link is followed, not replaced; a file that was there keeps its mode. A pipe or a device is given itself: it must
    be written to, and never replaced.

    Raises:
        InputError: If the folder does not exist or cannot be written to.
    """
    target = Path(os.path.realpath(path))
    with _told(path, failing):
        mode = target.stat().st_mode if target.exists() else stat.S_IFREG | _usual_mode()
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            yield target
            return
        with _beside(target) as name:
            yield name
            name.chmod(stat.S_IMODE(mode))
            os.replace(name, target)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give an empty file in the same folder that only its owner may read, and take away what is left of it."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=HALF)
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


@contextmanager
def _told(path: Path, failing: str) -> Iterator[None]:
    try:
        yield
    except OSError as failed:
        advice = _ADVICE if failing == NOT_WRITTEN else None
        raise InputError(f"{failing}: {failed.strerror or failed}", where=str(path), hint=advice) from failed


def _usual_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
