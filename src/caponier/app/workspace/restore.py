"""A workspace out of its backup, whole or not at all."""

import hashlib
import os
import tarfile
import tempfile
from pathlib import Path
from typing import Final

import orjson

from caponier.app.progress import Progress, Silent
from caponier.app.workspace.backup import MANIFEST, MODE, SCHEMA
from caponier.app.workspace.workspace import FILE_NAME
from caponier.errors import InputError
from caponier.formats.atomic_file import HALF
from caponier.formats.walk_files import shown

_PIECE: Final = 2**20
_LONGEST: Final = 2**28
"""Bytes of the part that names all others."""


def restore(archive: Path, folder: Path, progress: Progress | None = None) -> Path:
    """Make a workspace of a backup, in a folder of its own.

    Args:
        archive: What `back_up` wrote.
        folder: New or empty.
        progress: Told how far it is, in files.

    Returns:
        The workspace file.

    Raises:
        InputError: If the archive is none, broken or holds anything else than it says; if the folder is not empty, or
            cannot be written. What was written by then is left out again.
    """
    watch = progress or Silent()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError("is not an empty folder", where=shown(folder), hint="Name one that is not there yet")
    try:
        with tarfile.open(archive, "r:") as opened:
            members = _members(opened, archive)
            watch.stage("Restoring", len(members))
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=HALF) as half:
                for member, said in members:
                    _take(opened, member, said, Path(half), archive)
                    watch.advance(1)
                made = Path(half) / "whole"
                if not (made / FILE_NAME).is_file():
                    raise _broken(archive, f"there is no {FILE_NAME} in it")
                if folder.exists():
                    folder.rmdir()
                made.rename(folder)
    except (tarfile.TarError, EOFError) as broken:
        raise _broken(archive, str(broken)) from broken
    except OSError as failed:
        raise InputError(f"cannot be restored: {failed.strerror or failed}", where=shown(archive)) from failed
    return folder / FILE_NAME


def _members(opened: tarfile.TarFile, archive: Path) -> list[tuple[tarfile.TarInfo, dict[str, object]]]:
    """Return the members with what the archive says of each; anything that it does not say is refused."""
    members = opened.getmembers()
    manifest = members[-1] if members else None
    held = opened.extractfile(manifest) if manifest is not None and manifest.name == MANIFEST else None
    if held is None or manifest is None or manifest.size > _LONGEST:
        raise _broken(archive, "its last part, which names all others, is not there")
    try:
        said = orjson.loads(held.read())
        files: dict[str, dict[str, object]] = said["files"]
        known = said["schema"] == SCHEMA and isinstance(files, dict)
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise _broken(archive, "its last part does not say what is in it")
    parts = members[:-1]
    if sorted(one.name for one in parts) != sorted(files):
        raise _broken(archive, "it holds other files than it says")
    for one in parts:
        inside = Path(one.name)
        if not one.isreg() or inside.is_absolute() or ".." in inside.parts or one.size != files[one.name].get("bytes"):
            raise _broken(archive, f"{one.name!r} is not a plain file in a workspace folder")
    return [(one, files[one.name]) for one in parts]


def _take(opened: tarfile.TarFile, member: tarfile.TarInfo, said: dict[str, object], half: Path, archive: Path) -> None:
    target = half / "whole" / member.name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = opened.extractfile(member)
    digest = hashlib.sha256()
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "wb") as file:
        while held is not None and (piece := held.read(_PIECE)):
            digest.update(piece)
            file.write(piece)
    if digest.hexdigest() != said.get("sha256"):
        raise _broken(archive, f"{member.name!r} is not what was backed up")


def _broken(archive: Path, why: str) -> InputError:
    return InputError(f"is not a complete backup: {why}", where=shown(archive), hint="Take an earlier backup.")
