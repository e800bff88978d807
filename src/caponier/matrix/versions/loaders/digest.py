"""Whether somebody vouches for a file: a digest that was given, or one that stands in a file beside it."""

import re
from pathlib import Path
from typing import Final

from caponier.errors import InputError
from caponier.matrix.versions.loaders.source_file import SourceFile, read_source

_HEX: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LINE: Final = re.compile(r"([0-9a-f]{64})(?: [ *](.+))?", re.ASCII | re.IGNORECASE)
_MISMATCH: Final = "Download the file again from its source; if the digest still differs, do not use it."


def check_digest(path: Path, source: SourceFile, given: str | None) -> str | None:
    """Compare a file with the digest that somebody vouches for it with.

    Args:
        path: The file; beside it there may be `NAME.sha256`, as `sha256sum` writes it.
        source: Its content.
        given: The SHA-256 that the user gives, in hexadecimal digits; it counts before the file.

    Returns:
        What vouches for the file: `the digest that was given` or the name of the digest file; None if nothing does.

    Raises:
        InputError: If the digests differ, or what should be a digest is none.
    """
    if given is not None:
        wanted, voucher = given.strip().lower(), "the digest that was given"
        if not _HEX.fullmatch(wanted):
            raise InputError("this is no SHA-256 of 64 hexadecimal digits", where="--sha256")
    else:
        beside = path.with_name(f"{path.name}.sha256")
        if not beside.exists():
            return None
        wanted, voucher = _written(beside, path.name), beside.name
    if wanted != source.sha256:
        raise InputError(
            f"the file is not what {voucher} vouches for: its SHA-256 is {source.sha256}, not {wanted}",
            where=source.name,
            hint=_MISMATCH,
        )
    return voucher


def _written(beside: Path, name: str) -> str:
    """Return the digest that a digest file has for a name; a single digest without a name is for any."""
    lines = [line.strip() for line in read_source(beside).text.splitlines() if line.strip()]
    found = [match for line in lines if (match := _LINE.fullmatch(line))]
    fitting = {m[1].lower() for m in found if m[2] is not None and m[2].rpartition("/")[2] == name}
    if len(lines) == 1 and len(found) == 1 and found[0][2] is None:
        fitting = {found[0][1].lower()}
    if len(fitting) != 1:
        hint = "Write it with: sha256sum FILE > FILE.sha256. Or give the digest with --sha256."
        raise InputError(f"there is not one digest for {name!r} here", where=str(beside), hint=hint)
    return fitting.pop()
