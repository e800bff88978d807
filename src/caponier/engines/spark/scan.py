"""Run plans over a spool on Spark: what the local engine does with a process a core, with as many as a cluster has.

Events are dealt out by the hash of their subject, a caller or a cell, and sorted within; then each partition is the
same stream of Arrow batches that the local engine scores and judges, and goes through the same code. What comes back
are detections, not events.
"""

import pickle
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import pyarrow as pa

from caponier import __version__
from caponier.detect.detector import Column, Enriched, Subject
from caponier.engines.cells import by_cell
from caponier.engines.columns import NUMBER, Read, raw_type
from caponier.engines.local import BATCH_ROWS, Progress, Result, judged, merged, pass_of, rows_for
from caponier.engines.plan import Plan
from caponier.engines.shares import EVERYBODY, Share
from caponier.engines.spark.session import OTHER_VERSION, failures_told
from caponier.engines.spool import Spool
from caponier.engines.subjects import Scored
from caponier.errors import InputError
from caponier.formats.one_thread import one_thread

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

PARTITION_BYTES: Final = 64 * 2**20
"""About what a task sorts: more of it would spill, less of it would cost more in starting."""
TASKS_A_CORE: Final = 3
"""So that a core that got less work takes some of the others'."""
PLACE: Final = ("time", "source", "seq")
RESULT: Final = "result binary"
_SQL: Final[Mapping[Column, str]] = {
    Column.OPERATION: "operation",
    Column.STATUS: "status",
    Column.COST: "cost",
    Column.SIZE: "if(left(ltrim(input_raw), 1) in ('[', '{'), null, cast(length(input_raw) as double))",
    Column.TOP_SCORE: "cast(array_max(scores) as double)",
    Column.SURENESS: f"coalesce(cast(array_max(scores) as double), if(regexp_like(label, r'\\A{NUMBER}\\z'), "
    "try_cast(label as double), null))",
    Column.FEEDBACK: "feedback",
}
"""As `engines.columns` has them, in Spark's words; `$` would let a last line feed pass."""
_TYPES: Final[Mapping[pa.DataType, str]] = {
    pa.string(): "string",
    pa.int32(): "int",
    pa.float32(): "float",
    pa.float64(): "double",
}

_PATTERN: Final = re.compile(r"([\[\]{}*?\\])")

Batches = Iterator[pa.RecordBatch]
Sent = TypeVar("Sent", covariant=True)


class Broadcast(Protocol[Sent]):
    """What Spark carries to each worker once."""

    @property
    def value(self) -> Sent:
        """What it carries."""
        ...

    def unpersist(self) -> None:
        """Have the workers forget it."""
        ...


def scan(
    session: "SparkSession",
    spool: Spool,
    plans: Sequence[Plan],
    *,
    workers: int = 1,
    batch_rows: int = BATCH_ROWS,
    progress: Progress | None = None,
) -> Result:
    """Run plans over a spool; the same detections as `engines.local.scan` gives.

    Args:
        session: From `session.spark_session`.
        spool: Sealed events, in a folder that all workers read.
        plans: One a model.
        workers: Means nothing: Spark has as many as it has.
        batch_rows: Events in a batch; changes the speed, never the result.
        progress: Told as events are scored.

    Raises:
        InputError: If a detector cannot be handed to another process, or the workers cannot run it.
        CaponierError: If Spark gives up.
    """
    for plan in plans:
        refuse_bound(plan)
    parts = (_part(session, spool, part, batch_rows) for plan in plans for part in plan.parts())
    return merged(Result(), _reported((result for part in parts for result in part), progress))


def _reported(parts: Iterable[Result], progress: Progress | None) -> Iterator[Result]:
    for part in parts:
        if progress:
            progress(part.events)
        yield part


def refuse_bound(plan: Plan) -> None:
    """Make sure that all detectors of a plan can be handed to the workers.

    Raises:
        InputError: If one of them cannot.
    """
    for line in plan.lines:
        if not line.travels:
            raise InputError(
                f"the detector {line.name} cannot be handed to another process",
                hint="Use --engine local, or disable it under [detect] in caponier.toml",
            )


def _part(session: "SparkSession", spool: Spool, plan: Plan, batch_rows: int) -> Iterator[Result]:
    """Run a plan for one kind of subject."""
    with dealt(session, spool, plan, batch_rows) as (events, carried):
        yield from results(spool, events, partial(_judged, carried, __version__)) if events is not None else ()


@contextmanager
def dealt(
    session: "SparkSession", spool: Spool, plan: Plan, batch_rows: int, share: Share = EVERYBODY
) -> Iterator[tuple["DataFrame | None", Broadcast[Plan]]]:
    """Give the events of a share of the subjects of a plan, dealt out by subject and sorted, and what carries the plan.

    Where there is nothing to look at, such as cells without inputs, there are no events.
    """
    carried = session.sparkContext.broadcast(plan)
    by_caller = plan.subject is Subject.PRINCIPAL
    if not by_caller and (plan.cells is None or not plan.encoder.size):
        yield None, carried
        return
    columns = pass_of(plan, sorted_by_subject=True).columns
    session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(rows_for(plan, batch_rows)))
    events = _events(session, spool, plan, columns, share)
    if not by_caller:
        events = events.mapInArrow(partial(_by_cell, carried, share), _schema(columns))
    tasks = max(session.sparkContext.defaultParallelism * TASKS_A_CORE, _bytes(spool, plan) // PARTITION_BYTES)
    yield events.repartition(tasks, "subject").sortWithinPartitions("subject", *PLACE), carried
    carried.unpersist()


def results(spool: Spool, events: "DataFrame", work: Callable[[Batches], Batches]) -> Iterator[Any]:
    """Do something with each part of some events, and return what `result` says that it gave."""
    with failures_told(spool.folder):
        rows = events.mapInArrow(work, RESULT).collect()
    for row in rows:
        # The workers run our own code on our own behalf: what they send is as trustworthy as they are.
        yield pickle.loads(row.result)  # noqa: S301


def result_of(version: str, plan: Plan, batches: Batches, work: Callable[[Iterator[Scored]], Any]) -> pa.RecordBatch:
    """Score one part of some events, on a worker, and return what something makes of that.

    Raises:
        RuntimeError: If the worker has another version.
    """
    if version != __version__:
        raise RuntimeError(f"{__version__} {OTHER_VERSION}")
    with one_thread():
        result = work(pass_of(plan, sorted_by_subject=True).run(batches))
    return pa.record_batch({"result": [pickle.dumps(result)]})


def _events(
    session: "SparkSession", spool: Spool, plan: Plan, columns: Iterable[Read], share: Share = EVERYBODY
) -> "DataFrame":
    """Return a model's attributed events, as `engines.spool.sorted_events` has them, with no other column."""
    from pyspark.sql import functions as of

    size, by_caller = plan.encoder.size, plan.subject is Subject.PRINCIPAL
    read = session.read.parquet(*(as_hadoop_says(file) for file in spool.files))
    own = read.where((of.col("model") == plan.model) & of.col("subject").isNotNull())
    if size and by_caller:
        own = own.where(f"input is null or size(input) = {size}")
    elif size:
        own = own.where(f"size(input) = {size}")
    if by_caller and share != EVERYBODY:
        own = own.where(f"(bucket div {share.divisor}) % {share.modulus} between {share.first} and {share.end - 1}")
    if not by_caller and plan.without:
        own = own.where(~of.col("subject").isin(sorted(plan.without)))
    return own.select(
        "subject",
        of.expr("unix_micros(time)").alias("time"),
        "source",
        "seq",
        "line",
        of.col("input") if size else of.expr("cast(null as array<float>)").alias("input"),
        "label",
        *(_expression(column) for column in columns),
    )


def as_hadoop_says(file: Path) -> str:
    """Return the address of a file: nothing in it is encoded, and what would be a pattern is none."""
    return "file://" + _PATTERN.sub(r"\\\1", str(file))


def _expression(column: Read) -> "object":
    from pyspark.sql import functions as of

    if isinstance(column, Enriched):
        return of.try_element_at(of.col("signals"), of.lit(str(column))).alias(str(column))
    return of.expr(_SQL[column]).cast(_TYPES[raw_type(column)]).alias(str(column))


def _schema(columns: Iterable[Read]) -> str:
    known = "subject string, time bigint, source int, seq bigint, line bigint, input array<float>, label string"
    return ", ".join([known, *(f"`{column}` {_TYPES[raw_type(column)]}" for column in columns)])


def _bytes(spool: Spool, plan: Plan) -> int:
    return spool.rows * (4 * plan.encoder.size + 100)


def _by_cell(carried: Broadcast[Plan], share: Share, batches: Batches) -> Batches:
    """Name the cell of each event in place of its caller."""
    plan = carried.value
    if plan.cells is not None:
        for batch in batches:
            yield by_cell(batch, plan.cells, plan.encoder, share)


def _judged(carried: Broadcast[Plan], version: str, batches: Batches) -> Batches:
    """Score and judge the subjects of one partition."""
    plan = carried.value
    yield result_of(version, plan, batches, lambda scored: judged(plan, scored, sorted_by_subject=True))
