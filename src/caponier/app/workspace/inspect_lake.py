"""What a lake holds, read to the end: events by day and model, and what is wrong with it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from caponier.app.progress import Progress, Silent
from caponier.app.workspace.compact_lake import lake_folder, unfinished
from caponier.app.workspace.retention import day_of
from caponier.detect.wording import how_many
from caponier.errors import InputError
from caponier.formats.atomic_file import HALF
from caponier.formats.walk_files import shown
from caponier.records.inventory import Workspace
from caponier.records.skip import Skip
from caponier.telemetry.events import event_files, read_events
from caponier.telemetry.log_files import LogFile
from caponier.telemetry.rejections import RejectedRows


@dataclass
class LakePart:
    """The events of a model in a folder of the lake."""

    day: str
    """As the folder is called, `2026-11-30`; empty for what lies elsewhere."""
    model: str
    form: str
    """`parquet`, or `lines`, which `caponier lake compact` makes Parquet of."""
    events: int = 0
    callers: set[str] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "day": self.day,
            "model": self.model,
            "form": self.form,
            "events": self.events,
            "callers": len(self.callers),
            "first": self.first.isoformat() if self.first else None,
            "last": self.last.isoformat() if self.last else None,
        }


@dataclass
class LakeReport:
    """What a lake holds."""

    parts: list[LakePart] = field(default_factory=list)
    """By day, model and form."""
    files: int = 0
    bytes: int = 0
    problems: list[Skip] = field(default_factory=list)

    @property
    def events(self) -> int:
        """Of all parts."""
        return sum(part.events for part in self.parts)


def inspect_lake(workspace: Workspace, progress: Progress | None = None) -> LakeReport:
    """Read all of a lake, and tell what is in it and what is wrong.

    Lines that cannot be used, files that are broken, events that are there twice and what a write that was cut off has
    left are problems.

    Args:
        workspace: Whose lake it is.
        progress: Told how far it is, in files.

    Raises:
        InputError: If the lake is no folder.
    """
    root, watch, report = lake_folder(workspace), progress or Silent(), LakeReport()
    files = list(_files(root))
    watch.stage("Reading the lake", len(files))
    parts: dict[tuple[str, str, str], LakePart] = {}
    by_day: dict[str, list[LogFile]] = defaultdict(list)
    for file in files:
        by_day[_day(root, file.path)].append(file)
    for day in sorted(by_day):
        ids: list[NDArray[np.uint64]] = []
        for file in by_day[day]:
            _read(file, day, parts, ids, report)
            watch.advance(1)
        twice = _twice(ids)
        if twice:
            where = shown(root / day) if day else shown(root)
            report.problems.append(Skip(where, f"{how_many(twice, 'event')} with an id that another one has"))
    report.problems += _left(root)
    report.parts = sorted(parts.values(), key=lambda part: (part.day, part.model, part.form))
    return report


def _files(root: Path) -> Iterator[LogFile]:
    try:
        yield from event_files([root], RejectedRows())
    except InputError:
        # There is none yet, or nothing in it.
        return


def _day(root: Path, path: Path) -> str:
    day = day_of(root / path.relative_to(root).parts[0])
    return day.isoformat() if day else ""


def _read(
    file: LogFile,
    day: str,
    parts: dict[tuple[str, str, str], LakePart],
    ids: list[NDArray[np.uint64]],
    report: LakeReport,
) -> None:
    rejected = RejectedRows(shown=1)
    form = "parquet" if file.path.suffix == ".parquet" else "lines"
    report.files += 1
    report.bytes += file.path.stat().st_size if file.problem is None and file.path.exists() else 0
    for events in read_events([LogFile(file.path, False, file.problem)], rejected):
        names = events.batch.column("model")
        for model in pc.unique(names).to_pylist():
            part = parts.setdefault((day, model, form), LakePart(day, model, form))
            _count(part, events.batch.filter(pc.equal(names, model)))
        if events.native:
            # Others get theirs while they are read.
            ids.append(_hashes(events.batch.column("event_id")))
    if rejected.count:
        first = rejected.first[0]
        what = how_many(rejected.count, "line cannot", "lines cannot")
        report.problems.append(
            Skip(shown(file.path), f"{what} be used, the first is line {first.line}: {first.reason}")
        )


def _count(part: LakePart, batch: pa.RecordBatch) -> None:
    if not batch.num_rows:
        return
    part.events += batch.num_rows
    part.callers.update(name for name in pc.unique(batch.column("principal")).to_pylist() if name is not None)
    least, most = (pc.min_max(batch.column("time"))[end].as_py() for end in ("min", "max"))
    part.first = min(least, part.first or least)
    part.last = max(most, part.last or most)


def _hashes(ids: pa.Array) -> NDArray[np.uint64]:
    """Return eight bytes an id: what a day's millions of them fit into memory as."""
    return np.array([hash(one) & 0xFFFFFFFFFFFFFFFF for one in ids.to_pylist() if one is not None], np.uint64)


def _twice(ids: list[NDArray[np.uint64]]) -> int:
    if not ids:
        return 0
    every = np.concatenate(ids)
    return len(every) - len(np.unique(every))


def _left(root: Path) -> Iterator[Skip]:
    """Yield what writes that were cut off have left."""
    if not root.is_dir():
        return
    for path in sorted(root.rglob(f"{HALF}*")):
        yield Skip(shown(path), "is what a write that was cut off has left; delete it")
    for day in sorted(root.glob("date=*")):
        for path in unfinished(day):
            yield Skip(shown(path), "a compaction was cut off: run caponier lake compact again")
