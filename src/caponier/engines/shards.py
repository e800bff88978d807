"""One look of a stream at a shard of its subjects: what is due is scored, what may still be overtaken waits.

Events are dealt out twice, by caller and by cell of like queries. Each row says to which shard it belongs, and to which
part of which plan.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from caponier.detect.batch import IDLE_SECONDS
from caponier.detect.detector import Subject
from caponier.engines.cells import by_cell
from caponier.engines.columns import Read, in_order, raw_type, selected
from caponier.engines.lake_offsets import PARQUET
from caponier.engines.local import BATCH_ROWS
from caponier.engines.plan import Plan
from caponier.engines.resumable import BESIDE, Looked, Place, ResumableScan, SubjectMemory, TracedDetection, parts_by
from caponier.engines.shares import bucket_of
from caponier.engines.spool import fitting
from caponier.engines.state_table import Changes, StateTable, opened

SHARDS: Final = 16
"""Into which the subjects are dealt; fixed with a checkpoint, while tasks and workers may be as many as there are."""
MOST_SUBJECTS: Final = 1_000_000
"""Of all shards together that are kept, about."""
SHOWN: Final = 20
IDLE_US: Final = IDLE_SECONDS * 1_000_000
BETWEEN: Final = "\x1e"
"""Of the parts of a key: model, kind of subject, and subject."""
_EVENTS: Final = """
select model, subject, epoch_us(time) as time, source, seq, seq as line, input, label, event_id, subject as sender,
       system, model_version{further}
from events where subject is not null
"""


@dataclass(frozen=True)
class ShardPlan:
    """What is run over the events of a stream."""

    plans: Mapping[str, tuple[Plan, ...]]
    """By model, one for each kind of subject."""
    folder: Path
    """Of states and of events that wait."""
    shards: int = SHARDS
    most: int = MOST_SUBJECTS

    @property
    def columns(self) -> tuple[Read, ...]:
        """Columns that any of the detectors reads."""
        lines = (line for parts in self.plans.values() for plan in parts for line in plan.lines)
        return in_order(frozenset().union(*(line.detector.columns for line in lines)))

    @property
    def schema(self) -> pa.Schema:
        """Of the rows that are dealt out."""
        known = [
            ("shard", pa.int32()),
            ("part", pa.string()),
            ("subject", pa.string()),
            ("time", pa.int64()),
            ("source", pa.int32()),
            ("seq", pa.int64()),
            ("line", pa.int64()),
            ("input", pa.list_(pa.float32())),
            ("label", pa.string()),
        ]
        return pa.schema([*known, *BESIDE, *((str(column), raw_type(column)) for column in self.columns)])

    def plan_of(self, part: str) -> Plan:
        """Return the plan that a row is for."""
        model, _, kind = part.partition(BETWEEN)
        return next(plan for plan in self.plans[model] if plan.subject == Subject(kind))


@dataclass
class Dealt:
    """What became of some events on their way to the shards."""

    events: int = 0
    nobodys: int = 0
    unwatched: dict[str, int] = field(default_factory=dict)
    """By model."""
    wrong: list[tuple[str, int, Place]] = field(default_factory=list)
    """Model, length and place of the events whose input is of another length than the model takes."""


def deal(plan: ShardPlan, events: pa.RecordBatch, dealt: Dealt) -> Iterator[pa.RecordBatch]:
    """Yield the rows of some events, by caller and by cell.

    Args:
        plan: What is run.
        events: In `EVENT_SCHEMA` with `source` and `subject`; all have an `event_id`.
        dealt: Takes what becomes of them.
    """
    dealt.events += events.num_rows
    dealt.nobodys += events.column("subject").null_count
    with _database().cursor() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.register("events", pa.Table.from_batches([events]))
        named = connection.sql(_EVENTS.format(further=selected(plan.columns))).to_arrow_table().combine_chunks()
    for model in named.column("model").unique().to_pylist():
        own = named.filter(pc.equal(named.column("model"), model)).combine_chunks().to_batches()
        if model not in plan.plans:
            dealt.unwatched[model] = dealt.unwatched.get(model, 0) + sum(batch.num_rows for batch in own)
            continue
        for batch in own:
            for part in plan.plans[model]:
                yield from _rows(plan, part, batch, dealt)


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """Open a database once a process: that takes longer than to deal a batch."""
    return duckdb.connect(config={"threads": 1})


def _rows(plan: ShardPlan, part: Plan, batch: pa.RecordBatch, dealt: Dealt) -> Iterator[pa.RecordBatch]:
    size, lengths = part.encoder.size, pc.list_value_length(batch.column("input"))
    if part.subject is Subject.PRINCIPAL:
        if size:
            fits = pc.or_kleene(pc.is_null(lengths), pc.equal(lengths, size))
            wrong = batch.filter(pc.invert(fits))
            told = zip(*(wrong.column(name).to_pylist() for name in ("source", "line")), strict=True)
            given = pc.list_value_length(wrong.column("input")).to_pylist()
            dealt.wrong += [(part.model, length, place) for length, place in zip(given, told, strict=True)]
            batch = batch.filter(fits)
        else:
            at = batch.schema.get_field_index("input")
            batch = batch.set_column(at, "input", pa.nulls(batch.num_rows, pa.list_(pa.float32())))
    elif part.cells is None or not size:
        return
    else:
        batch = by_cell(batch.filter(pc.fill_null(pc.equal(lengths, size), False)), part.cells, part.encoder)
    if not batch.num_rows:
        return
    name = f"{part.model}{BETWEEN}{part.subject.value}"
    subjects = batch.column("subject").dictionary_encode()
    numbers = [bucket_of(f"{name}{BETWEEN}{one}") % plan.shards for one in subjects.dictionary.to_pylist()]
    shard = pa.array(numbers, pa.int32()).take(subjects.indices)
    columns = {"shard": shard, "part": pa.array([name] * batch.num_rows, pa.string())}
    arrays = [
        columns[field.name] if field.name in columns else batch.column(field.name).cast(field.type)
        for field in plan.schema
    ]
    yield pa.RecordBatch.from_arrays(arrays, schema=plan.schema)


@dataclass(frozen=True)
class LookTask:
    """One look: what is due, and where it stands before."""

    number: int
    due: int
    """Microseconds; events before that are looked at now, others wait."""
    released: int
    """Due at the look before; events before that are late."""
    files: Mapping[int, Sequence[str]]
    """Of states, by shard."""


@dataclass
class ShardResult:
    """What a look at one shard gave."""

    shard: int
    files: tuple[str, ...]
    """Of its states, from now on."""
    subjects: int
    found: list[TracedDetection] = field(default_factory=list)
    duplicates: list[Place] = field(default_factory=list)
    """The first `SHOWN`."""
    repeated: int = 0
    late: list[Place] = field(default_factory=list)
    """Likewise."""
    overtaken: int = 0
    events: int = 0
    """By caller."""
    waiting: int = 0
    """Rows."""
    callers: int = 0
    written: int = 0
    """Bytes of state."""


def look(plan: ShardPlan, step: LookTask, batches: Iterable[pa.RecordBatch]) -> Iterator["ShardResult | str"]:
    """Look at the rows of some shards; yield what each gave, and the names of files with rows that wait.

    Asked again, it gives the same.

    Args:
        plan: What is run.
        step: This look.
        batches: Rows sorted by shard, part, subject and order.
    """
    name = f"{step.number:09d}-{secrets.token_hex(6)}"
    waiting = _Waiting(plan.folder / f"{name}-waiting.parquet", plan.schema)
    with waiting:
        for shard, rows in parts_by("shard", batches):
            yield _of_shard(plan, step, int(shard), rows, waiting, f"{name}-{shard}.state")
    if waiting.rows:
        yield waiting.path.name


def refuse_damaged(path: Path) -> None:
    """Make sure that a file of states, or of rows that wait, is there to its end.

    Raises:
        OSError: If it is not there.
        ValueError: If it is cut off, or something else.
    """
    if path.suffix == PARQUET:
        pq.read_metadata(path)
    else:
        opened(path)


class _Waiting:
    """A file for rows that wait, made with the first of them."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self.rows, self._schema = path, 0, schema
        self._writer: pq.ParquetWriter | None = None

    def write(self, rows: pa.RecordBatch) -> None:
        if not rows.num_rows:
            return
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, self._schema, compression="lz4")
        self._writer.write_batch(rows)
        self.rows += rows.num_rows

    def __enter__(self) -> "_Waiting":
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()


def _of_shard(
    plan: ShardPlan, step: LookTask, shard: int, rows: Iterator[pa.RecordBatch], waiting: _Waiting, name: str
) -> ShardResult:
    table, changes = StateTable(plan.folder, step.files.get(shard, ())), Changes()
    result = ShardResult(shard, (), 0)
    for part, own in parts_by("part", rows):
        of = plan.plan_of(part)
        by_caller = of.subject is Subject.PRINCIPAL

        def recall(subject: str, part: str = part) -> SubjectMemory | None:
            return table.recall(f"{part}{BETWEEN}{subject}")

        def keep(subject: str, held: SubjectMemory, part: str = part) -> None:
            changes.keep(f"{part}{BETWEEN}{subject}", held)

        due = _due(own, step, waiting, result, by_caller=by_caller)
        looked = ResumableScan(of, recall, keep).run(_fitting(due, of))
        result.found += looked.found
        if by_caller:
            _count(result, looked)
    result.callers = sum(1 for key in changes.rows if f"{BETWEEN}{Subject.PRINCIPAL.value}{BETWEEN}" in key)
    result.written = changes.size
    most = max(1, plan.most // plan.shards)
    result.files = table.changed(name, changes, since=step.due - IDLE_US, most=most)
    result.subjects = len(table) + sum(1 for key in changes.rows if key not in table)
    return result


def _count(result: ShardResult, looked: Looked) -> None:
    result.events += looked.events
    result.repeated += len(looked.duplicates)
    result.duplicates = [*result.duplicates, *looked.duplicates][:SHOWN]


def _due(
    rows: Iterator[pa.RecordBatch], step: LookTask, waiting: _Waiting, result: ShardResult, *, by_caller: bool
) -> Iterator[pa.RecordBatch]:
    """Yield the rows that are due; put aside what waits, and leave out what is late."""
    for batch in rows:
        time = batch.column("time").to_numpy()
        early, late = time >= step.due, time < step.released
        if early.any():
            waiting.write(batch.filter(pa.array(early)))
            result.waiting += int(early.sum())
        if late.any() and by_caller:
            result.overtaken += int(late.sum())
            gone = batch.filter(pa.array(late)).select(["source", "line"])
            places = zip(gone.column(0).to_pylist(), gone.column(1).to_pylist(), strict=True)
            result.late = [*result.late, *places][:SHOWN]
        kept = ~early & ~late
        if kept.any():
            yield batch if kept.all() else batch.filter(pa.array(kept))


def _fitting(rows: Iterator[pa.RecordBatch], plan: Plan) -> Iterator[pa.RecordBatch]:
    """Cut batches to what is best scored together."""
    most = fitting(BATCH_ROWS, plan.encoder.size)
    for batch in rows:
        for begin in range(0, batch.num_rows, most):
            yield batch.slice(begin, most)
