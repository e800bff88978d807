"""From lines of a lake, or messages of a queue, to rows that are dealt out to shards: what a worker does first."""

import secrets
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from caponier.app.inference.reading import Reading
from caponier.engines.shards import SHOWN, Dealt, ShardPlan, deal
from caponier.engines.spool import subjects_of
from caponier.records.event import EVENT_SCHEMA
from caponier.telemetry.conversion import TIME
from caponier.telemetry.digests import event_id
from caponier.telemetry.events import Events
from caponier.telemetry.log_files import LogFile
from caponier.telemetry.rejections import RejectedRows, Rejection

NEVER: Final = np.iinfo(np.int64).min


@dataclass
class Parsed:
    """What a part of the new lines gave."""

    file: str | None = None
    """With the rows; None if there are none."""
    agreed: int = NEVER
    """Microseconds: the latest time that two neighbouring events agree on."""
    last: int = NEVER
    """The latest time of all."""
    dealt: Dealt = field(default_factory=Dealt)
    rejected: RejectedRows = field(default_factory=lambda: RejectedRows(shown=SHOWN))
    sources: dict[int, str] = field(default_factory=dict)
    again: int = 0
    """Events that had been read before, in another form."""


@dataclass(frozen=True)
class Parsing:
    """How lines become rows."""

    plan: ShardPlan
    reading: Reading
    joined: Mapping[str, str]
    """Principals that stand for several, by each of them."""
    lake: Path
    released: int
    """Microseconds; what is read again counts from there."""
    name: str
    """How the files begin that it writes."""

    def parsed(self, rows: Iterator[Mapping[str, Any]]) -> Parsed:
        """Parse lines; asked again, it gives the same.

        Args:
            rows: `source`, `path`, `line` (lines before), `again`, and `data`: whole lines, or None for a Parquet file.
        """
        result = Parsed()
        path = self.plan.folder / f"{self.name}-{secrets.token_hex(6)}-read.parquet"
        writer: pq.ParquetWriter | None = None
        try:
            for row in rows:
                result.sources[row["source"]] = row["path"]
                for events in self._events(row, result):
                    for batch in deal(self.plan, events, result.dealt):
                        writer = writer or pq.ParquetWriter(path, self.plan.schema, compression="lz4")
                        writer.write_batch(batch)
        finally:
            if writer is not None:
                writer.close()
        result.file = path.name if writer is not None else None
        return result

    def _events(self, row: Mapping[str, Any], result: Parsed) -> Iterator[pa.RecordBatch]:
        """Yield the good events of some lines, each with its place and its caller."""
        rejected = RejectedRows(shown=SHOWN)
        if row["data"] is None:
            yield from (self._placed(row, events, result) for events in self._read(self.lake / row["path"], rejected))
        else:
            with tempfile.NamedTemporaryFile(suffix=".jsonl") as beside:
                beside.write(row["data"])
                beside.flush()
                yield from (self._placed(row, events, result) for events in self._read(Path(beside.name), rejected))
        first = [replace(one, file=row["path"], line=one.line + row["line"]) for one in rejected.first]
        result.rejected.count += rejected.count
        result.rejected.reasons += rejected.reasons
        result.rejected.first = [*result.rejected.first, *first][:SHOWN]

    def _read(self, path: Path, rejected: RejectedRows) -> Iterator[Events]:
        for events in self.reading.read([LogFile(path, named=False)], rejected):
            yield self.reading.completed(events, rejected)

    def _placed(self, row: Mapping[str, Any], events: Events, result: Parsed) -> pa.RecordBatch:
        lines = pc.add(events.lines, row["line"])
        batch = events.batch.set_column(EVENT_SCHEMA.get_field_index("seq"), EVENT_SCHEMA.field("seq"), lines)
        if row["again"]:
            kept = pc.greater_equal(batch.column("time"), pa.scalar(self.released, pa.int64()).cast(TIME))
            result.again += batch.num_rows - (kept.true_count or 0)
            batch = batch.filter(kept)
        times = batch.column("time").cast(pa.int64()).to_numpy()
        if len(times):
            result.last = max(result.last, int(times.max()))
        if len(times) > 1:
            result.agreed = max(result.agreed, int(np.minimum(times[1:], times[:-1]).max()))
        subjects, _ = subjects_of(batch, self.joined)
        sources = pa.array(np.full(batch.num_rows, row["source"], np.int32))
        named = self._named(batch)
        return named.append_column("source", sources).append_column("subject", subjects)

    def _named(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Give an event without an id that of its content, as a scan does."""
        ids = batch.column("event_id")
        if not ids.null_count:
            return batch
        salt = self.reading.salt
        nameless = batch.filter(ids.is_null()).to_pylist()
        made = pa.array([event_id(event, salt) for event in nameless], pa.string())
        at = EVENT_SCHEMA.get_field_index("event_id")
        return batch.set_column(at, EVENT_SCHEMA.field(at), pc.replace_with_mask(ids, ids.is_null(), made))


def late(sources: Mapping[int, str], places: list[tuple[int, int]], why: str) -> list[Rejection]:
    """Name events that were left out after they had been read."""
    return [Rejection(sources.get(source, "?"), line, why) for source, line in places]
