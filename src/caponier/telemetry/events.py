"""Logs to events: pick the reader, convert, check, tell the late rows, and number what is left."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from caponier.errors import InputError
from caponier.records.event import EVENT_SCHEMA
from caponier.telemetry import columns
from caponier.telemetry.chunk import Chunk
from caponier.telemetry.clock import LATENESS, Clock
from caponier.telemetry.readers import csv, json_lines, kserve, parquet
from caponier.telemetry.rejections import RAW_LIMIT, RejectedRows, Rejection
from caponier.telemetry.streams import STDIN

READERS: Final = ("auto", "events", "kserve")


@dataclass(frozen=True)
class Events:
    """Good rows of one source, in its order."""

    source: str
    batch: pa.RecordBatch
    """Rows in `EVENT_SCHEMA`; `seq` is filled."""
    lines: pa.Array
    """int64 line number of each row in its source."""
    bytes_read: int


def read_events(
    paths: Sequence[Path],
    rejected: RejectedRows,
    *,
    reader: str = "auto",
    lateness: float = LATENESS,
    salt: bytes = b"",
) -> Iterator[Events]:
    """Read inference logs, in the order in which they are given.

    Args:
        paths: Files, folders of files, or `-` for JSON Lines on standard input.
        rejected: Takes the rows that cannot be used.
        reader: `events` for the event schema, `kserve` for the KServe inference logger, `auto` to tell by content.
        lateness: Seconds by which a row may be out of order in its source.
        salt: Salt for principals made from credentials.

    Raises:
        InputError: If a path is missing, is no log, or a log has none of the columns of the schema.
    """
    for path in _files(paths):
        clock, seq = Clock(lateness), 0
        for chunk in _chunks(path, reader, salt):
            rejected.add(chunk.rejections)
            events = _events(str(path), chunk, clock, seq, rejected)
            seq += events.batch.num_rows
            yield events


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path != STDIN and path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.is_file() and _format(file) is not None)
            if not found:
                raise InputError("holds no .parquet, .jsonl or .csv file", where=str(path))
            yield from found
        elif path != STDIN and not path.exists():
            raise InputError("does not exist", where=str(path))
        else:
            yield path


def _format(path: Path) -> Callable[[Path], Iterator[Chunk]] | None:
    name = path.name.removesuffix(".gz").removesuffix(".zst")
    suffix = Path(name).suffix.lower()
    if path == STDIN or suffix in (".jsonl", ".ndjson", ".json", ".log"):
        return json_lines.read
    return {".csv": csv.read, ".parquet": parquet.read, ".pq": parquet.read}.get(suffix)


def _chunks(path: Path, reader: str, salt: bytes) -> Iterator[Chunk]:
    read = _format(path)
    if read is None:
        raise InputError(
            "is of no known format",
            where=str(path),
            mend="Give a .parquet, .jsonl or .csv file (the last two also as .gz or .zst)",
        )
    chunks = read(path)
    if reader == "events" or read is not json_lines.read:
        return chunks
    return kserve.joined(chunks, str(path), salt, always=reader == "kserve")


def _events(source: str, chunk: Chunk, clock: Clock, seq: int, rejected: RejectedRows) -> Events:
    n = len(chunk.lines)
    converted, faults = columns.from_rows(chunk.rows) if chunk.batch is None else columns.from_batch(chunk.batch)
    columns.check(converted, n, faults)
    good = np.ones(n, bool)
    good[list(faults)] = False
    times = converted["time"].cast(pa.int64()).fill_null(0).to_numpy()
    late = np.zeros(n, bool)
    late[good] = clock.late(times[good])
    for position in np.flatnonzero(late):
        faults[int(position)] = "late: the time goes back further than the allowed lateness"
    rejected.add(_rejections(source, chunk, faults))
    kept = pa.array(np.flatnonzero(good & ~late))
    arrays = [
        converted[field.name].take(kept) if field.name in converted else pa.nulls(len(kept), field.type)
        for field in EVENT_SCHEMA
    ]
    arrays[EVENT_SCHEMA.get_field_index("seq")] = pa.array(np.arange(seq, seq + len(kept)), pa.int64())
    lines = pa.array(chunk.lines, pa.int64()).take(kept)
    return Events(source, pa.RecordBatch.from_arrays(arrays, schema=EVENT_SCHEMA), lines, chunk.bytes_read)


def _rejections(source: str, chunk: Chunk, faults: columns.Faults) -> Iterator[Rejection]:
    for position in sorted(faults):
        row = chunk.rows[position] if chunk.batch is None else chunk.batch.slice(position, 1).to_pylist()[0]
        yield Rejection(source, chunk.lines[position], faults[position], str(row)[:RAW_LIMIT])
