"""Run a stream on Spark until it is told to end, or has read what is there."""

import signal
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from caponier.app.stream.parse import Parsed
from caponier.app.stream.stream import EventStream
from caponier.engines.shards import LookTask, ShardPlan, ShardResult
from caponier.engines.spark.micro_batches import each_batch, kafka_stream, lake_stream, looked, parsed
from caponier.engines.spark.session import failures_told
from caponier.errors import CaponierError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOOK_S = 0.5
"""Between two looks whether it is to end."""


class OnSpark:
    """Does the work of a look on a cluster.

    Args:
        session: Of it.
        plan: What is run; carried to each worker once.
    """

    def __init__(self, session: "SparkSession", plan: ShardPlan) -> None:
        self._session, self._folder = session, plan.folder
        self._carried = session.sparkContext.broadcast(plan)

    def parsed(self, frame: Any, parse: Callable[[Any], Parsed]) -> list[Parsed]:
        """See `app.stream.stream.StreamEngine`."""
        return parsed(frame, parse, self._folder)

    def looked(self, plan: ShardPlan, step: LookTask, files: Sequence[str]) -> list[ShardResult | str]:
        """See `app.stream.stream.StreamEngine`."""
        return looked(self._session, plan, step, files, self._carried)


def run_stream(
    session: "SparkSession",
    stream: EventStream,
    spark_folder: Path,
    *,
    every: float,
    drain: bool = False,
    kafka: Mapping[str, str] | None = None,
    running: Callable[[], None] = lambda: None,
) -> None:
    """Follow a lake, or topics, until SIGINT or SIGTERM; or read what is there now, and end.

    Args:
        session: From `engines.spark.session.spark_session`.
        stream: What is done with what comes.
        spark_folder: Folder for Spark's own checkpoint.
        every: Seconds between two checks for new events.
        drain: Whether to end with what is there now; nothing more is waited for.
        kafka: Spark's options for topics, in place of the lake.
        running: Told when it has begun.

    Raises:
        CaponierError: If Spark gives up, or what comes cannot be taken.
    """
    ended, engine = Event(), OnSpark(session, stream.plan)
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    failed: list[CaponierError] = []

    def take(frame: Any, batch: int) -> None:
        try:
            stream.take(engine, frame, batch)
        except CaponierError as failure:
            # Spark would make pages of Java of it.
            failed.append(failure)
            raise

    try:
        with failures_told(stream.plan.folder):
            frame = kafka_stream(session, kafka) if kafka else lake_stream(session, stream.lake)
            query = each_batch(frame, take, spark_folder, None if drain else every)
            running()
            try:
                _follow(query, ended, partial(stream.flush, engine))
            finally:
                stream.close()
            query.stop()
        if drain and not ended.is_set():
            stream.flush(engine, at_once=True)
    except OSError as gone:
        # Java went away: whoever ends a service ends all of its processes. What was begun is done again.
        if not ended.is_set():
            raise CaponierError(f"Spark is gone: {gone}", hint="Start it again; it goes on where it stood") from gone
    except CaponierError as gone:
        # Likewise where a look was cut off by it.
        if not ended.is_set():
            raise failed[0] if failed else gone from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _follow(query: Any, ended: Event, flush: Callable[[], bool]) -> None:
    """Wait until the stream ends by itself or is told to, and look at what waits while nothing comes."""
    while not ended.is_set():
        if query.awaitTermination(LOOK_S):
            return
        if query.isActive:
            flush()
