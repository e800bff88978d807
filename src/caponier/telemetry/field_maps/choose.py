"""Which field map a log is read with: the one that was named, one that knows it, or one that its rows suggest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from caponier.records.event import REQUIRED
from caponier.records.field_map import FieldMap
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.chunk import Chunk, Row
from caponier.telemetry.field_maps.guess import SAMPLE, Guess, guess
from caponier.telemetry.field_maps.mapped_rows import MappedRows
from caponier.telemetry.field_maps.paths import Records, steps_of
from caponier.telemetry.field_maps.words import understood
from caponier.telemetry.readers.json_columns import Wanted
from caponier.telemetry.rejections import RejectedRows

MODEL: Final = "model"
"""What a model is called of which no log and no map says the name."""
_MOST_BYTES: Final = 32 * 2**20
"""Of a log of large rows fewer have to do."""
_MOST_LINES: Final = 20_000
"""As many lines are looked at for rows."""
_ENOUGH: Final = 0.9
"""Share of a sample in which the fields stand by which a map knows its log."""


@dataclass(frozen=True)
class MapChoice:
    """What is said of how logs are to be mapped."""

    named: FieldMap | None = None
    known: Sequence[FieldMap] = ()
    """Maps that are used where they know a log."""
    model: str = MODEL
    guessing: bool = True
    salt: bytes = field(default=b"", repr=False)


UNSAID: Final = MapChoice()


def mapped(
    chunks: Iterator[Chunk], choice: MapChoice, report: RejectedRows, source: str, wanted: Wanted | None = None
) -> Iterator[Chunk]:
    """Read a log that is not in the event schema by a map; one that is passes unchanged.

    Args:
        chunks: Of rows or record batches.
        choice: What is said of it.
        report: Told how the log was understood, or which fields were seen in it.
        source: The log, for what is said of it.
        wanted: Told which fields the map takes, so that the others need not be read.
    """
    held, rows = _peeked(chunks)
    whole = chain(held, chunks)
    if choice.named is None and (not rows or is_native(rows)):
        return whole
    chosen = choice.named or known_map(rows, choice.known)
    remarks: list[str] = []
    if chosen is None:
        found = guess(rows, choice.model)
        if not (choice.guessing and found.clear and found.map):
            report.see(source, found.seen)
            _tell_doubts(report, source, found)
            return whole
        chosen, remarks = found.map, found.remarks
    reading = MappedRows(chosen, choice.salt, choice.model)
    report.see(source, sorted({str(name) for row in rows[:100] for name in row}))
    if choice.named is None:
        report.tell(f"{source}: read as {understood(chosen, remarks)}")
    report.learn(reading.spec)
    if wanted is not None and rows:
        wanted.schema = reading.schema(Records(rows))
    return reading.read(whole)


def _peeked(chunks: Iterator[Chunk]) -> tuple[list[Chunk], list[Row]]:
    """Return the first chunks, and as many rows as a choice rests on, however the log was cut into chunks."""
    held: list[Chunk] = []
    rows: list[Row] = []
    size = lines = 0
    for chunk in chunks:
        held.append(chunk)
        rows += sample_of(chunk, SAMPLE - len(rows))
        size += chunk.bytes_read
        lines += len(chunk.lines) + len(chunk.rejections)
        if len(rows) >= SAMPLE or size >= _MOST_BYTES or lines >= _MOST_LINES or is_native(rows):
            break
    return held, rows


def _tell_doubts(report: RejectedRows, source: str, found: Guess) -> None:
    report.tell(
        f"{source}: not in the event schema, and not clear enough to be read unasked: {'; '.join(found.doubts)}"
    )


def is_native(rows: Sequence[Row]) -> bool:
    """Tell whether rows are in the event schema, or mean to be."""
    return any(all(row.get(name) is not None for name in REQUIRED) for row in rows)


def known_map(rows: Sequence[Row], maps: Sequence[FieldMap]) -> FieldMap | None:
    """Return the first map whose fields stand in nearly all of the rows."""
    records = Records(rows)
    for one in maps:
        places = [steps_of(path) for path in one.when]
        if places and all(_share(records.values(steps)) >= _ENOUGH for steps in places):
            return one
    return None


def _share(values: list[object]) -> float:
    return sum(value is not None for value in values) / max(1, len(values))


def sample_of(chunk: Chunk, rows: int = SAMPLE) -> list[Row]:
    """Return the first rows of a chunk."""
    if chunk.batch is not None:
        found: list[Row] = chunk.batch.slice(0, rows).to_pylist()
        return found
    return chunk.rows[:rows]


def spec_of_map(field_map: FieldMap) -> FeatureSpec | None:
    """Return what a model takes whose features a map names."""
    return MappedRows(field_map, b"", MODEL).spec
