"""Find the files that a user means: named ones, and all in folders, through links but never round in circles."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Final

from caponier.errors import InputError

_PIECE: Final = 1 << 20
_Places = frozenset[tuple[int, int]]
"""Device and number of each folder above."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A path to look at, or the reason why that is not possible."""

    path: Path
    problem: str | None = None
    is_folder: bool = False
    """Whether it is a folder that cannot be looked into."""


def walk(paths: Sequence[Path], *, through_links: bool = True) -> Iterator[FoundFile]:
    """Yield regular files in a stable order; what is none, or cannot be reached, has a problem.

    A folder to which several links lead is looked at through the first of them only: links to folders of links would
    otherwise double the paths with every one. A link to a folder outside of what was named is a problem: whoever made
    the files could have a scan walk through all of the machine, `/proc` included.

    Args:
        paths: Files and folders.
        through_links: Whether links to folders are followed; else they are left out without a word.

    Raises:
        InputError: If a named path does not exist.
    """
    for path in paths:
        if not os.path.lexists(path):
            raise InputError("there is no such file or folder", where=shown(path))
    named = [os.path.realpath(path) for path in paths]
    for path in paths:
        yield from _walk(path, named if through_links else None)


@contextmanager
def open_regular(path: Path) -> Iterator[FileIO]:
    """Open a regular file for reading; never waits for a pipe, even one that was put there this moment.

    Raises:
        OSError: If it cannot be opened, or is no regular file any more.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("it is no regular file any more")
    with FileIO(descriptor, "rb") as file:
        yield file


def read_file(path: Path, most: int) -> bytes:
    """Return the content of a regular file of so many bytes at most.

    Raises:
        OSError: If it cannot be read, is no regular file any more, or gives more, whatever its size is said to be.
    """
    pieces, left = list[bytes](), most
    with open_regular(path) as file:
        while (piece := file.read(min(_PIECE, left + 1))) != b"":
            if piece is None:
                raise OSError("it has nothing to read at this moment")
            pieces.append(piece)
            left -= len(piece)
            if left < 0:
                raise OSError(f"it has more than {most:,} bytes")
    return b"".join(pieces)


def shown(path: Path) -> str:
    """Return a path as text that every format can hold, whatever bytes its name has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _walk(start: Path, named: Sequence[str] | None) -> Iterator[FoundFile]:
    # Without recursion: folders in folders may go deeper than Python does.
    waiting: list[tuple[Path, _Places]] = [(start, frozenset())]
    linked: set[tuple[int, int]] = set()
    while waiting:
        path, above = waiting.pop()
        try:
            status = path.stat()
        except OSError as failed:
            yield FoundFile(path, _unreachable(path, failed))
            continue
        place = status.st_dev, status.st_ino
        if stat.S_ISREG(status.st_mode):
            yield FoundFile(path)
        elif not stat.S_ISDIR(status.st_mode):
            yield FoundFile(path, f"is {_kind(status.st_mode)}, not a file")
        elif os.path.islink(path) and path != start and (named is None or (place in linked and place not in above)):
            continue
        elif place in above:
            yield FoundFile(path, "is a link to a folder above it: a loop", True)
        elif path != start and named is not None and (target := _outside(path, named)) is not None:
            yield FoundFile(path, f"is a link to a folder that was not named: name {target} as well", True)
        else:
            if os.path.islink(path):
                linked.add(place)
            try:
                waiting += [(entry, above | {place}) for entry in sorted(path.iterdir(), reverse=True)]
            except OSError as failed:
                yield FoundFile(path, f"cannot be listed: {failed.strerror}", True)


def _outside(path: Path, named: Sequence[str]) -> str | None:
    """Return where a link to a folder leads, if that lies outside of everything that was named."""
    if not os.path.islink(path):
        return None
    target = Path(os.path.realpath(path))
    return None if any(target.is_relative_to(home) for home in named) else shown(target)


def _unreachable(path: Path, failed: OSError) -> str:
    if os.path.islink(path):
        return f"is a link that leads nowhere: {failed.strerror}"
    return f"cannot be reached: {failed.strerror}"


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    return kinds.get(stat.S_IFMT(mode), "something else")
