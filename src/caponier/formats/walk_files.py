"""Find the files that a user means: named ones, and all in folders, through links but never round in circles."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from caponier.errors import InputError

_Places = frozenset[tuple[int, int]]
"""Device and number of each folder above."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A path to look at, or the reason why that is not possible."""

    path: Path
    problem: str | None = None


def walk(paths: Sequence[Path]) -> Iterator[FoundFile]:
    """Yield regular files in a stable order; what is none, or cannot be reached, has a problem.

    A folder to which several links lead is looked at through the first of them only: links to folders of links would
    otherwise double the paths with every one.

    Raises:
        InputError: If a named path does not exist.
    """
    for path in paths:
        if not os.path.lexists(path):
            raise InputError("there is no such file or folder", where=shown(path))
        yield from _walk(path)


def read_file(path: Path) -> bytes:
    """Return the content of a regular file; never waits for a pipe, even one that was put there this moment.

    Raises:
        OSError: If it cannot be read, or is no regular file any more.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("is no regular file any more")
        return file.read()


def shown(path: Path) -> str:
    """Return a path as text that every format can hold, whatever bytes its name has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _walk(start: Path) -> Iterator[FoundFile]:
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
        elif place in above:
            yield FoundFile(path, "is a link to a folder above it: a loop")
        elif os.path.islink(path) and place in linked:
            continue
        else:
            if os.path.islink(path):
                linked.add(place)
            try:
                waiting += [(entry, above | {place}) for entry in sorted(path.iterdir(), reverse=True)]
            except OSError as failed:
                yield FoundFile(path, f"cannot be listed: {failed.strerror}")


def _unreachable(path: Path, failed: OSError) -> str:
    if os.path.islink(path):
        return f"is a link that leads nowhere: {failed.strerror}"
    return f"cannot be reached: {failed.strerror}"


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    return kinds.get(stat.S_IFMT(mode), "something else")
