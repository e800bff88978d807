"""Spark Structured Streaming as the one that says what is new, deals it out and does it again where a worker is lost.

Spark keeps how far the lake was read, in its own checkpoint, and numbers what is new (micro-batches). The states of the
subjects are kept beside it (`engines.shards`), so that scores are those of all other engines.
"""

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from caponier import __version__
from caponier.engines.lake_offsets import LINES, LakeSlice, latest, nothing_read, pieces, slices
from caponier.engines.shards import LookTask, ShardPlan, ShardResult, look
from caponier.engines.spark.scan import RESULT, TASKS_A_CORE, Batches, Broadcast
from caponier.engines.spark.session import OTHER_VERSION, failures_told
from caponier.errors import InputError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import StreamingQuery

READ: Final = "source int, path string, line bigint, again boolean, data binary"
"""Lines of a source: `line` is how many stand before them; without `data` all of a Parquet file is meant."""
PIECE_BYTES: Final = 8 * 2**20
ROWS_TOGETHER: Final = 8_192
_ORDER: Final = ("shard", "part", "subject", "time", "source", "seq")
_SOURCE: Final = "caponier_lake"

Row = Mapping[str, Any]


def lake_stream(session: "SparkSession", lake: Path) -> "DataFrame":
    """Follow a folder of logs that grow."""
    session.dataSource.register(_lake_source())
    return session.readStream.format(_SOURCE).option("lake", str(lake.absolute())).load()


def kafka_stream(session: "SparkSession", options: Mapping[str, str]) -> "DataFrame":
    """Follow topics whose messages are events in JSON.

    Args:
        session: From `session.spark_session`.
        options: Spark's own, such as `kafka.bootstrap.servers` and `subscribe`.

    Raises:
        InputError: If Spark has no connector for Kafka, or an option is wrong.
    """
    from pyspark.errors import PySparkException

    try:
        messages = session.readStream.format("kafka").options(**options).load()
    except PySparkException as failed:
        raise InputError(
            f"Kafka cannot be read: {str(failed).partition(chr(10))[0]}",
            hint="Spark's connector is a package of its own: name it under spark.jars.packages in spark-defaults.conf",
        ) from failed
    return messages.selectExpr(
        "partition as source",
        "concat(topic, '/', partition) as path",
        "offset - 1 as line",
        "false as again",
        "cast(concat(translate(cast(value as string), '\\n\\r', '  '), '\\n') as binary) as data",
    )


def each_batch(
    frame: "DataFrame", take: Callable[["DataFrame", int], None], checkpoint: Path, every_s: float | None
) -> "StreamingQuery":
    """Have something done with each micro-batch; one that was cut off comes again, with the same rows and number.

    Args:
        frame: From `lake_stream` or `kafka_stream`.
        take: Given the rows and the number.
        checkpoint: Folder for Spark's own.
        every_s: Seconds between two; None takes what is there now, and ends.
    """
    writer = frame.writeStream.foreachBatch(take).option("checkpointLocation", checkpoint.as_uri())
    how = {"availableNow": True} if every_s is None else {"processingTime": f"{max(every_s, 0.001):.3f} seconds"}
    return writer.trigger(**how).start()


def results(frame: "DataFrame", work: Callable[[Batches], Batches], folder: Path) -> list[Any]:
    """Do something with each part of some rows, and return what it gave.

    Raises:
        InputError: If the workers lack what they need.
        CaponierError: If Spark gives up.
    """
    with failures_told(folder):
        rows = frame.mapInArrow(work, RESULT).collect()
    # The workers run our own code on our own behalf: what they send is as trustworthy as they are.
    return [pickle.loads(row.result) for row in rows]  # noqa: S301


def parsed(frame: "DataFrame", parse: Callable[[Iterator[Row]], Any], folder: Path) -> list[Any]:
    """Have workers parse what is new, and return what each part gave; see `results`."""
    return results(frame, partial(_parsed, __version__, parse), folder)


def _parsed(version: str, parse: Callable[[Iterator[Row]], Any], batches: Batches) -> Batches:
    if version != __version__:
        raise RuntimeError(f"{__version__} {OTHER_VERSION}")
    yield _result(parse(joined(row for batch in batches for row in batch.to_pylist())))


def looked(
    session: "SparkSession", plan: ShardPlan, step: LookTask, files: Sequence[str], carried: Broadcast[ShardPlan]
) -> list[ShardResult | str]:
    """Deal rows out to their shards and look at them; see `engines.shards.look` and `results`."""
    if not files:
        return []
    from pyspark.sql.pandas.types import from_arrow_schema

    rows = session.read.schema(from_arrow_schema(plan.schema)).parquet(
        *(f"file://{plan.folder / name}" for name in files)
    )
    session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(ROWS_TOGETHER))
    tasks = min(plan.shards, session.sparkContext.defaultParallelism * TASKS_A_CORE)
    dealt = rows.repartition(tasks, "shard").sortWithinPartitions(*_ORDER)
    return results(dealt, partial(_looked, carried, step), plan.folder)


def _looked(carried: Broadcast[ShardPlan], step: LookTask, batches: Batches) -> Batches:
    for result in look(carried.value, step, batches):
        yield _result(result)


def _result(result: Any) -> pa.RecordBatch:
    return pa.record_batch({"result": [pickle.dumps(result)]})


def joined(rows: Iterator[Row], most: int = PIECE_BYTES) -> Iterator[Row]:
    """Yield lines that follow each other together, up to so many bytes: each stretch costs a reader of its own."""
    waiting: dict[str, Any] | None = None
    parts: list[bytes] = []
    lines = size = 0
    for row in rows:
        data = row["data"]
        follows = (
            waiting is not None
            and data is not None
            and row["source"] == waiting["source"]
            and row["line"] == waiting["line"] + lines
            and size + len(data) <= most
        )
        if not follows:
            if waiting is not None:
                yield waiting | {"data": b"".join(parts)}
            waiting, parts, lines, size = None, [], 0, 0
            if data is None:
                yield row
                continue
            waiting = dict(row)
        parts.append(data)
        lines, size = lines + data.count(b"\n"), size + len(data)
    if waiting is not None:
        yield waiting | {"data": b"".join(parts)}


def _rows_of(lake: Path, part: LakeSlice) -> Iterator[tuple[int, str, int, bool, bytes | None]]:
    if Path(part.path).suffix not in LINES:
        yield part.source, part.path, 0, part.again, None
        return
    for line, data in pieces(lake, part, PIECE_BYTES):
        yield part.source, part.path, line, part.again, data


def _lake_source() -> type:
    """Return what Spark follows a lake by; made here, so that nobody needs PySpark who does not use it."""
    from pyspark.sql.datasource import DataSource, DataSourceStreamReader, InputPartition

    class LakeReader(DataSourceStreamReader):  # type: ignore[misc,unused-ignore]
        def __init__(self, lake: Path) -> None:
            self._lake = lake

        def initialOffset(self) -> dict[str, Any]:  # noqa: N802 - Spark's name
            return nothing_read()

        def latestOffset(self, start: dict[str, Any], limit: Any) -> dict[str, Any]:  # noqa: N802 - Spark's name
            del limit
            return latest(self._lake, start)

        def partitions(self, start: dict[str, Any], end: dict[str, Any]) -> list[Any]:
            return [InputPartition(part) for part in slices(start, end)]

        def read(self, partition: Any) -> Iterator[tuple[int, str, int, bool, bytes | None]]:
            return _rows_of(self._lake, partition.value)

    class LakeSource(DataSource):  # type: ignore[misc,unused-ignore]
        @classmethod
        def name(cls) -> str:
            return _SOURCE

        def schema(self) -> str:
            return READ

        def streamReader(self, schema: Any) -> LakeReader:  # noqa: N802 - Spark's name
            del schema
            return LakeReader(Path(self.options["lake"]))

    return LakeSource
