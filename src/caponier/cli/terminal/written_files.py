"""No command writes its result over a file that it reads or that is not its own, or works for one it cannot write.

Every command is asked before it begins.
"""

from codecs import getincrementaldecoder
from collections.abc import Callable
from functools import wraps
from os.path import abspath, exists, getsize, isfile, samefile
from pathlib import Path
from typing import Any, Final

from caponier.errors import InputError
from caponier.formats.atomic_file import refuse_unwritable

WRITTEN: Final = {
    "out": "--out",
    "report": "--report",
    "page": "--page",
    "picture": "--picture",
    "drawn": "--picture",
    "quarantine": "--quarantine",
    "rejected": "--rejected",
    "write_manifest": "--write-manifest",
}
"""Options that name a file to write, from its beginning, by parameter; all else that names a file is read."""

_START: Final = 4096
"""Bytes at the start of a file by which its form is known."""
PARQUET: Final = b"PAR1"
TAR: Final = b"ustar"
TAR_AT: Final = 257
"""Where these bytes stand."""


def guarded(command: Any) -> Any:
    """Let a command, or each of a group, look at what it will write before it begins; return it."""
    for inner in getattr(command, "commands", {}).values():
        guarded(inner)
    # A result that must be named has a form of its own: its command looks for that itself.
    formed = {one.name for one in getattr(command, "params", ()) if one.required}
    work = command.callback
    files = {one.name for one in getattr(command, "params", ()) if one.metavar == "FILE" and one.name in WRITTEN}
    if work is not None:

        @wraps(work)
        def asked(*given: Any, **named: Any) -> Any:
            refuse_overwriting(named)
            for name in files:
                if (file := named.get(name)) is not None and str(file) != "-":
                    refuse_unwritable(Path(file))
                    if name not in formed:
                        refuse_foreign(Path(file), "text", is_text)
            return work(*given, **named)

        command.callback = asked
    return command


def refuse_foreign(path: Path, what: str, ours: Callable[[Path], bool]) -> None:
    """Refuse to replace a file that is not of the form in which the command writes: it cannot be its earlier result.

    Args:
        path: The file to write.
        what: What the command writes, in words.
        ours: Tells whether a file that exists is of that form.

    Raises:
        InputError: If there is such a file.
    """
    if isfile(path) and getsize(path) and not ours(path):
        raise InputError(
            f"exists, and is not {what}, which is what this command writes; it is left as it is",
            where=str(path),
            hint="Name another file, or move this one away.",
        )


def is_text(path: Path) -> bool:
    """Tell whether a file begins as text; models, archives and tables in binary forms do not."""
    with path.open("rb") as file:
        start = file.read(_START)
    try:
        # A character may be cut at the end.
        getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return b"\0" not in start


def begins(magic: bytes, at: int = 0) -> Callable[[Path], bool]:
    """Return what tells whether a file has these bytes at a place."""

    def told(path: Path) -> bool:
        with path.open("rb") as file:
            return file.read(at + len(magic))[at:] == magic

    return told


def refuse_overwriting(named: dict[str, Any]) -> None:
    """Refuse arguments and options of which one names a file to write and another the same file.

    Args:
        named: What was given, by the names of the command's parameters; files as paths or as text.

    Raises:
        InputError: If there are such.
    """
    for name, option in WRITTEN.items():
        written = named.get(name)
        if written is None or str(written) == "-":
            continue
        for other, value in named.items():
            if other != name and any(_same(written, one, new=other in WRITTEN) for one in _each(value)):
                raise InputError(
                    f"{option} would write over this file, which is named for something else, too",
                    where=str(written),
                    hint=f"Give {option} another file.",
                )


def _each(value: Any) -> list[Any]:
    return [one for one in (value if isinstance(value, list | tuple) else [value]) if isinstance(one, str | Path)]


def _same(written: str | Path, other: str | Path, *, new: bool) -> bool:
    """Tell whether two names are one file, by its name where neither is there yet; a device takes everybody's words."""
    try:
        if isfile(written):
            return samefile(written, other)
        return new and not exists(written) and abspath(written) == abspath(other)
    except (OSError, ValueError):
        return False
