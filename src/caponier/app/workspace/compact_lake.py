"""The JSON Lines that guards wrote, hour by hour, made into Parquet by date and model: smaller, and quick to read.

An event keeps its id, its fields and its place among those of its file, so that a scan finds the same before and after.
A compaction can be killed at any moment: what it wrote counts once a note of it stands in the folder, and only then
are the files deleted that it was made of. The next one goes on where it ended.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from caponier.app.progress import Progress, Silent
from caponier.app.workspace.retention import day_of
from caponier.engines.lake_offsets import NOTE
from caponier.errors import InputError
from caponier.formats.atomic_file import replacing, write_new
from caponier.formats.walk_files import shown
from caponier.records.event import EVENT_SCHEMA
from caponier.records.inventory import Workspace
from caponier.records.skip import Skip
from caponier.telemetry.events import Events, read_events
from caponier.telemetry.log_files import LogFile
from caponier.telemetry.rejections import RejectedRows

QUIET_DAYS: Final = 2
"""A day is left alone for so long: a guard that starts again learns from the lines of the last two days, and goes on in
the file that it was killed over."""
MODE: Final = 0o600
"""What callers ask is nobody else's business."""
_LOCK: Final = ".compacting"
_LONGEST: Final = 120
"""Bytes of a folder's name that a model's name may fill."""
_MOST_MODELS: Final = 256
"""Models of a day that get a folder each: whoever asks for made-up ones fills one folder, not the disk's table."""
_OTHERS: Final = "~"
"""The folder of all others; no quoted name is that."""
_GROUP: Final = 65_536
"""Rows that a Parquet file holds together."""


@dataclass
class Compaction:
    """What was made of what."""

    events: int = 0
    sources: int = 0
    files: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    skipped: list[Skip] = field(default_factory=list)
    """Files that stay what they are."""


def compact_lake(workspace: Workspace, *, before: date | None = None, progress: Progress | None = None) -> Compaction:
    """Make Parquet files by date and model of the JSON Lines of days that are over.

    A file that holds a line which cannot be read, or that is not in the event schema, stays as it is.

    Args:
        workspace: Whose lake it is.
        before: Days from this one on are left alone; the day before yesterday is the last by default.
        progress: Told how far it is, in files.

    Raises:
        InputError: If the lake is no folder, `before` is too late, or another compaction is at work.
        OSError: If a file cannot be read or written; what was there is there still.
    """
    root = lake_folder(workspace)
    last = (datetime.now(UTC) - timedelta(days=QUIET_DAYS)).date()
    if before is not None and before > last:
        raise InputError(
            f"days from {last} on are left alone: guards may still write to them, or learn from them at a start",
            where=f"--before {before}",
            hint=f"Take {last} or an earlier day",
        )
    done, watch = Compaction(), progress or Silent()
    if not root.is_dir():
        return done
    with _alone(root):
        days = [(folder, day) for folder in sorted(root.iterdir()) if (day := _plain_day(folder)) is not None]
        over = [(folder, day) for folder, day in days if day < (before or last)]
        watch.stage("Compacting", sum(len(_lines_in(folder)) for folder, _ in over))
        for folder, day in over:
            _compact_day(root, folder, day, done, watch)
    return done


def lake_folder(workspace: Workspace) -> Path:
    """Return the folder of a lake, which need not be there yet.

    Raises:
        InputError: If the lake is no folder.
    """
    folder = Path(workspace.lake)
    if "://" in workspace.lake or (folder.exists() and not folder.is_dir()):
        raise InputError(f"the lake is not a folder: {workspace.lake}", where=f"{workspace.file}: lake")
    return folder


def unfinished(day: Path) -> list[Path]:
    """Return Parquet files in a folder of a day that a compaction made and did not come to note."""
    noted = {path.name.removeprefix(NOTE) for path in day.glob(f"{NOTE}*")}
    return [path for path in sorted(day.glob("model=*/guard-*.parquet")) if path.stem.rpartition("-")[2] not in noted]


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    with (root / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError("another compaction is at work here", where=shown(root), hint="Wait for it") from None
        yield


def _plain_day(folder: Path) -> date | None:
    """Return the day of a folder that guards wrote to; a folder of ours is called date=… ."""
    day = day_of(folder)
    return day if day is not None and folder.name == day.isoformat() and not folder.is_symlink() else None


def _lines_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("guard-*.jsonl") if path.is_file() and not path.is_symlink())


def _compact_day(root: Path, folder: Path, day: date, done: Compaction, watch: Progress) -> None:
    target = root / f"date={day.isoformat()}"
    _finish(target, folder)
    sources: list[Path] = []
    for path in _lines_in(folder):
        why = _unfit(path)
        if why is None:
            sources.append(path)
        else:
            done.skipped.append(Skip(shown(path), why))
        watch.advance(1)
    if not sources:
        return
    # Of the names alone: a compaction that was killed before its note writes the same files again.
    sizes = {path.name: path.stat().st_size for path in sources}
    name = hashlib.blake2b(orjson.dumps(sorted(sizes)), digest_size=8).hexdigest()
    # Also where files without an event make none of their own: the note says that they are done with.
    target.mkdir(mode=0o700, exist_ok=True)
    made = _write(sources, target, name, done)
    if any(path.stat().st_size != sizes[path.name] for path in sources):
        # A guard that hung for days woke up; its line is in the file, and may be in what was made of it or not.
        for path in made:
            path.unlink()
        done.skipped.append(Skip(shown(folder), "a guard wrote to it meanwhile; compact it again later"))
        return
    for path in (*made, *{path.parent for path in made}, target):
        _sync(path)
    write_new(target / f"{NOTE}{name}", orjson.dumps(sorted(sizes)), MODE)
    _sync(target)
    done.sources += len(sources)
    done.files += len(made)
    done.bytes_before += sum(sizes.values())
    done.bytes_after += sum(path.stat().st_size for path in made)
    _finish(target, folder)


def _finish(target: Path, folder: Path) -> None:
    """Delete what was made into something noted, and what was made and is not noted."""
    if not target.is_dir():
        return
    for note in target.glob(f"{NOTE}*"):
        for name in orjson.loads(note.read_bytes()):
            (folder / Path(name).name).unlink(missing_ok=True)
    for path in unfinished(target):
        path.unlink()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _unfit(path: Path) -> str | None:
    """Return why a file stays as it is; None if all of it can be made into Parquet."""
    rejected = RejectedRows(shown=1)
    for events in _read(path, rejected):
        if not events.native:
            return "is not in the event schema; it is scanned as it is"
        if rejected.count:
            break
    if rejected.count:
        first = rejected.first[0]
        return f"line {first.line} cannot be used ({first.reason}); correct or delete it, and compact again"
    return None


def _read(path: Path, rejected: RejectedRows) -> Iterator[Events]:
    return read_events([LogFile(path, named=False)], rejected)


def _write(sources: Sequence[Path], target: Path, name: str, done: Compaction) -> list[Path]:
    """Write the events of a day, a file a model; none is in place before it is whole."""
    writers: dict[str | None, pq.ParquetWriter] = {}
    made: list[Path] = []
    with ExitStack() as stack:
        for path in sources:
            for events in _read(path, RejectedRows()):
                for model, batch in _by_model(events.batch):
                    part = model if model in writers or len(writers) < _MOST_MODELS else None
                    if part not in writers:
                        made.append(_place(target, part, name))
                        beside = stack.enter_context(replacing(made[-1]))
                        writers[part] = stack.enter_context(pq.ParquetWriter(beside, EVENT_SCHEMA, compression="zstd"))
                    writers[part].write_batch(batch, row_group_size=_GROUP)
                    done.events += batch.num_rows
    for path in made:
        path.chmod(MODE)
    return made


def _by_model(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    names = batch.column("model")
    for model in pc.unique(names).to_pylist():
        yield model, batch.filter(pc.equal(names, model))


def _place(target: Path, model: str | None, name: str) -> Path:
    """Return where the events of a model go, or those of all models beyond the most; too long a name is cut."""
    quoted = _OTHERS if model is None else quote(model, safe="").replace("~", "%7E")
    if model is not None and len(quoted) > _LONGEST:
        digest = hashlib.blake2b(model.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        quoted = f"{quoted[:_LONGEST]}~{digest}"
    folder = target / f"model={quoted}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"guard-{name}.parquet"


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
