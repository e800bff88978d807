"""Gather the scores of benign callers on Spark, for a baseline: the same as the local engine gathers.

Each worker brings the running maxima of the callers that were dealt to it; they are joined in the order of the callers,
so that what is learned from them is the same to the last bit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from caponier import __version__
from caponier.detect.calibration.judging import Gathered
from caponier.detect.traffic_profile.profile import TrafficProfile
from caponier.detect.traffic_profile.profile_windows import Sums
from caponier.engines.local import BATCH_ROWS, Progress, gather_batch
from caponier.engines.plan import Plan
from caponier.engines.profiles import ProfileBuilder
from caponier.engines.shares import Share
from caponier.engines.spark.scan import Batches, Broadcast, dealt, refuse_bound, result_of, results
from caponier.engines.spool import Spool
from caponier.engines.subjects import Scored

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class _Part:
    """What one part of the callers gave."""

    gathered: dict[str, Gathered]
    windows: tuple[list[str], Sums] | None
    events: int


def gather(
    session: "SparkSession",
    spool: Spool,
    plan: Plan,
    share: Share,
    gathered: Mapping[str, Gathered],
    progress: Progress | None = None,
    builder: ProfileBuilder | None = None,
) -> None:
    """Gather the scores of a share of the subjects; the same as `engines.local.gather` does.

    Args:
        session: From `session.spark_session`.
        spool: Sealed events, in a folder that all workers read.
        plan: For one kind of subject.
        share: Of the subjects.
        gathered: Takes the scores, by detector.
        progress: Told as events are scored.
        builder: Takes what callers are like, if that is asked for.

    Raises:
        InputError: If a detector cannot be handed to another process, or the workers cannot run it.
        CaponierError: If Spark gives up.
    """
    refuse_bound(plan)
    blank = builder.blank if builder else None
    with dealt(session, spool, plan, BATCH_ROWS, share) as (events, carried):
        work = partial(_gathered, carried, __version__, blank)
        parts: list[_Part] = [] if events is None else list(results(spool, events, work))
    for part in parts:
        for name, one in part.gathered.items():
            gathered[name].absorb(one)
        if progress:
            progress(part.events)
    if builder:
        builder.absorb(part.windows for part in parts if part.windows)


def _gathered(carried: Broadcast[Plan], version: str, blank: TrafficProfile | None, batches: Batches) -> Batches:
    """Gather the scores of the subjects of one partition."""
    plan = carried.value

    def work(scored: Iterator[Scored]) -> _Part:
        builder = ProfileBuilder(blank) if blank is not None else None
        part, events = {line.name: Gathered() for line in plan.lines}, 0
        for batch in scored:
            gather_batch(plan, batch, part, builder)
            events += batch.events
        return _Part(part, builder.windows() if builder else None, events)

    yield result_of(version, plan, batches, work)
