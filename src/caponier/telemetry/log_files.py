"""Which files of logs are meant, and what becomes of one that cannot be read.

A file that was named and cannot be read is a wrong request. One that a folder happens to hold is not: it is told like a
row that cannot be used, and the others are read.
"""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from caponier.errors import InputError
from caponier.formats.walk_files import shown, walk
from caponier.telemetry.rejections import Rejection
from caponier.telemetry.streams import STDIN


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file to read, or the reason why that is not possible."""

    path: Path
    named: bool = True
    """Whether it was named, or only lies in a folder that was."""
    problem: str | None = None


def log_files(paths: Sequence[Path], is_log: Callable[[Path], bool], kinds: str) -> Iterator[LogFile]:
    """Yield the files behind paths.

    Args:
        paths: Files, folders, and `-`. Links to folders in a folder are not followed: a log would be read twice.
        is_log: Tells by the name whether a file in a folder is meant.
        kinds: What is meant, for the message that a folder has none.

    Raises:
        InputError: If a path cannot be reached, or a folder holds nothing that is meant.
    """
    for path in paths:
        if path == STDIN or not _is_folder(path):
            yield LogFile(path)
            continue
        # A pipe or a link into nowhere is told if it is called like a log; a folder that is closed, in any case.
        found = [
            LogFile(one.path, False, one.problem)
            for one in walk([path], through_links=False)
            if one.is_folder or is_log(one.path)
        ]
        if not found:
            raise InputError(f"holds no {kinds} file", where=str(path))
        yield from found


class Rejecting(Protocol):
    """A part of what was read, which can hold a rejection alone."""

    def __init__(self, *, rejections: list[Rejection]) -> None: ...


P = TypeVar("P", bound=Rejecting)


def spared(file: LogFile, read: Callable[[], Iterator[P]], part: type[P]) -> Iterator[P]:
    """Read a file; one that lies in a folder and cannot be read becomes a rejection.

    Args:
        file: The file.
        read: Reads it, part by part.
        part: What a part is.

    Raises:
        InputError: If a file that was named cannot be read.
    """
    if file.problem:
        yield part(rejections=[_rejected(file, file.problem)])
        return
    try:
        yield from read()
    except InputError as wrong:
        if file.named:
            raise
        yield part(rejections=[_rejected(file, wrong.what)])


def _rejected(file: LogFile, reason: str) -> Rejection:
    return Rejection(shown(file.path), 1, reason)


def _is_folder(path: Path) -> bool:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise InputError("does not exist", where=shown(path)) from None
    except OSError as failed:
        raise InputError(f"cannot be reached: {failed.strerror}", where=shown(path)) from failed
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        # It need not end: nobody would be told anything, ever.
        raise InputError("is a device, not a file", where=shown(path), hint="Give - to read standard input")
    return stat.S_ISDIR(mode)
