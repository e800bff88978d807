import csv
import gzip
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from caponier.emulate.simulation.population import assemble, simulate
from caponier.records.event import EVENT_SCHEMA
from caponier.telemetry.digests import event_id
from caponier.telemetry.events import read_events
from caponier.telemetry.rejections import MENDED, RejectedRows

START = datetime(2026, 1, 5, tzinfo=UTC)
Row = dict[str, Any]


@dataclass
class Reading:
    """What reading a log gave."""

    rows: list[Row]
    lines: list[int]
    rejected: list[tuple[int, str]]
    raws: list[str | None]
    mended: list[tuple[int, str]]
    """Lines of rows that are used although something is odd about them, and what that is."""

    @property
    def ids(self) -> list[str]:
        return [row["event_id"] or event_id(row) for row in self.rows]

    @property
    def reasons(self) -> list[str]:
        return [reason for _, reason in self.rejected]


class Kept(RejectedRows):
    """Rejections, all of them kept."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[Row] = []
        self.odd: list[tuple[int, str]] = []

    def add(self, rejections: Any) -> None:
        some = list(rejections)
        self.all += [rejection.to_dict() for rejection in some if rejection.reason not in MENDED]
        self.odd += [(rejection.line, rejection.reason) for rejection in some if rejection.reason in MENDED]
        super().add(some)


def reading(*paths: Path, **options: Any) -> Reading:
    kept = Kept()
    rows: list[Row] = []
    lines: list[int] = []
    for events in read_events(paths, kept, **options):
        assert events.batch.schema == EVENT_SCHEMA
        rows += events.batch.to_pylist()
        lines += events.lines.to_pylist()
    rejected = [(row["line"], row["reason"]) for row in kept.all]
    return Reading(rows, lines, rejected, [row["raw"] for row in kept.all], kept.odd)


@pytest.fixture
def read() -> Callable[..., Reading]:
    return reading


def plain(second: int = 0, **changes: Any) -> Row:
    """A row of a JSON Lines log; a column that is changed to None stays away."""
    time = (START + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")
    row = {"time": time, "model": "digits", "operation": "predict", "principal": "k-1", "input": [0.25, 0.5]} | changes
    return {name: value for name, value in row.items() if value is not None}


@pytest.fixture
def event() -> Callable[..., Row]:
    return plain


@pytest.fixture
def log(tmp_path: Path) -> Callable[..., Path]:
    """Write rows (or raw lines) into a JSON Lines file."""

    def write(rows: Sequence[Row | bytes], name: str = "log.jsonl") -> Path:
        lines = [row if isinstance(row, bytes) else orjson.dumps(row) for row in rows]
        path = tmp_path / name
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        return path

    return write


@pytest.fixture(scope="session")
def table() -> pa.Table:
    """What 12 benign users of every habit asked, without the ids and numbers that a reader gives."""
    rng = np.random.default_rng(5)
    images = rng.random((40, 64), np.float32)

    def predict(rows: Any) -> Any:
        odds = np.exp(rows[:, :10])
        return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)

    events = simulate(assemble(images, 12, 3), predict, 20)
    empty = pa.nulls(len(events), pa.string())
    return events.set_column(1, EVENT_SCHEMA.field("event_id"), empty)


def json_rows(table: pa.Table) -> list[Row]:
    return [
        {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in row.items()
            if value is not None and name != "seq"
        }
        for row in table.to_pylist()
    ]


@pytest.fixture(scope="session")
def table_rows(table: pa.Table) -> list[Row]:
    return json_rows(table)


@pytest.fixture(scope="session")
def formats(table: pa.Table, table_rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same table in every format."""
    folder = tmp_path_factory.mktemp("formats")
    pq.write_table(table, folder / "log.parquet")
    data = b"".join(orjson.dumps(row) + b"\n" for row in table_rows)
    (folder / "log.jsonl").write_bytes(data)
    (folder / "log.jsonl.gz").write_bytes(gzip.compress(data))
    (folder / "log.ndjson.zst").write_bytes(zstandard.compress(data))
    text = io.StringIO()
    names = [name for name in EVENT_SCHEMA.names if name in table_rows[0]]
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    for row in table_rows:
        writer.writerow({name: orjson.dumps(v).decode() if isinstance(v, list) else v for name, v in row.items()})
    (folder / "log.csv").write_text(text.getvalue())
    (folder / "log.csv.gz").write_bytes(gzip.compress(text.getvalue().encode()))
    return {path.name: path for path in sorted(folder.iterdir())}
