"""A workspace in one file, out of which it comes back: settings, salt, store, lake, baselines, versions of the matrix.

The file is a tar archive whose last member names all others with their digests. It holds the salt and what callers
asked, so that only its owner may read it.
"""

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import orjson

from caponier import __version__
from caponier.app.progress import Progress, Silent
from caponier.errors import InputError
from caponier.formats.atomic_file import HALF, replacing
from caponier.formats.walk_files import shown
from caponier.guard.settings import read_settings
from caponier.records.inventory import Workspace
from caponier.records.skip import Skip
from caponier.store.database import open_store
from caponier.store.snapshot import database_file, snapshot

MANIFEST: Final = "caponier-backup.json"
SCHEMA: Final = "caponier.backup/1"
MODE: Final = 0o600
_PIECE: Final = 2**20
_PASSING: Final = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database that is open."""


@dataclass
class Backup:
    """What was backed up."""

    files: int = 0
    bytes: int = 0
    skipped: list[Skip] = field(default_factory=list)
    """What belongs to the workspace and is not in the archive."""


def back_up(workspace: Workspace, out: Path, progress: Progress | None = None) -> Backup:
    """Write all of a workspace's folder into an archive; guards may go on meanwhile.

    The store is copied in one state, a file that grows as far as its last whole line. Requests that wait in a spool are
    not copied: they are read into the lake by the guard that is running, or by the next one.

    Args:
        workspace: The workspace.
        out: The archive.
        progress: Told how far it is, in files.

    Raises:
        InputError: If the archive cannot be written, or would lie in the workspace, and be in the next one.
        CaponierError: If the store does not answer.
        OSError: If a file cannot be read.
    """
    done, watch, root = Backup(), progress or Silent(), workspace.root.resolve()
    if out.resolve().is_relative_to(root):
        raise InputError("lies in the workspace that is backed up", where=shown(out), hint="Write it elsewhere")
    database = database_file(workspace.store)
    listed = list(_files(workspace, root, database, done))
    watch.stage("Backing up", len(listed))
    digests: dict[str, dict[str, object]] = {}
    with replacing(out) as beside:
        beside.chmod(MODE)
        with tarfile.open(beside, "w", format=tarfile.PAX_FORMAT) as archive:
            if database is not None:
                _add_store(archive, workspace, root, database, digests, done)
            for path in listed:
                try:
                    with path.open("rb") as file:
                        _add(archive, path.relative_to(root).as_posix(), file, _length(path, file), digests)
                except FileNotFoundError:
                    # The lake's lines become Parquet, and old days go.
                    continue
                watch.advance(1)
            manifest = orjson.dumps({"schema": SCHEMA, "caponier": __version__, "files": digests})
            _add(archive, MANIFEST, io.BytesIO(manifest), len(manifest), {})
    out.chmod(MODE)
    done.files, done.bytes = len(digests), out.stat().st_size
    return done


def _files(workspace: Workspace, root: Path, database: Path | None, done: Backup) -> Iterator[Path]:
    """Yield what lies in the workspace's folder and is its own; note what belongs to it and lies elsewhere."""
    _note_elsewhere(workspace, root, done)
    if database is None:
        done.skipped.append(Skip("the store", "is kept by a PostgreSQL server; back it up with pg_dump"))
    spool = read_settings(workspace.guard, str(workspace.file)).spool
    left_out = frozenset(() if database is None else _with_passing(database.resolve()))
    waiting = (root / spool).resolve() if spool else None
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(one for one in folders if one != ".git" and (here / one).resolve() != waiting)
        for name in sorted(names):
            path = here / name
            if path.resolve() in left_out or name.startswith(HALF):
                continue
            if path.is_symlink() or not path.is_file():
                done.skipped.append(Skip(shown(path), "is a link or no regular file"))
            else:
                yield path


def _with_passing(database: Path) -> list[Path]:
    return [database, *(database.with_name(database.name + ending) for ending in _PASSING)]


def _note_elsewhere(workspace: Workspace, root: Path, done: Backup) -> None:
    named = {
        "the lake": workspace.lake,
        "the salt": workspace.privacy.salt_file,
        **{f"the baseline of {model.name}": model.baseline for model in workspace.models},
    }
    for what, place in named.items():
        if place is None:
            continue
        if "://" in str(place) or not Path(place).resolve().is_relative_to(root):
            done.skipped.append(Skip(what, f"lies outside of the workspace's folder ({place}); back it up yourself"))


def _add_store(
    archive: tarfile.TarFile,
    workspace: Workspace,
    root: Path,
    database: Path,
    digests: dict[str, dict[str, object]],
    done: Backup,
) -> None:
    if not database.resolve().is_relative_to(root):
        done.skipped.append(Skip("the store", f"lies outside of the workspace's folder ({database})"))
        return
    # Opened first: its tables are made current, and a file that is no store is told.
    with open_store(workspace.store), tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "store.db"
        snapshot(workspace.store, copy)
        with copy.open("rb") as file:
            _add(archive, database.resolve().relative_to(root).as_posix(), file, copy.stat().st_size, digests)


def _length(path: Path, file: IO[bytes]) -> int:
    """Return how much of a file is copied: of lines that somebody may be appending to, the whole ones."""
    size = os.fstat(file.fileno()).st_size
    if path.suffix != ".jsonl":
        return size
    end = size
    while end:
        begin = max(0, end - _PIECE)
        file.seek(begin)
        at = file.read(end - begin).rfind(b"\n")
        if at >= 0:
            end = begin + at + 1
            break
        end = begin
    file.seek(0)
    return end


def _add(
    archive: tarfile.TarFile, name: str, file: IO[bytes], length: int, digests: dict[str, dict[str, object]]
) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = length, MODE
    counted = _Counted(file, length)
    archive.addfile(member, counted)
    digests[name] = {"bytes": length, "sha256": counted.digest.hexdigest()}


class _Counted(io.RawIOBase):
    """Reads so many bytes, and digests them."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file, self._left = file, length
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(self._left, _PIECE if size < 0 else size))
        self._left -= len(data)
        self.digest.update(data)
        return data
