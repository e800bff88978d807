"""No command writes its result over a file that it reads, or works for a file that cannot be written.

Every command is asked before it begins.
"""

from functools import wraps
from os.path import abspath, exists, isfile, samefile
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


def guarded(command: Any) -> Any:
    """Let a command, or each of a group, look at what it will write before it begins; return it."""
    for inner in getattr(command, "commands", {}).values():
        guarded(inner)
    work = command.callback
    files = {one.name for one in getattr(command, "params", ()) if one.metavar == "FILE" and one.name in WRITTEN}
    if work is not None:

        @wraps(work)
        def asked(*given: Any, **named: Any) -> Any:
            refuse_overwriting(named)
            for name in files:
                if (file := named.get(name)) is not None and str(file) != "-":
                    refuse_unwritable(Path(file))
            return work(*given, **named)

        command.callback = asked
    return command


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
