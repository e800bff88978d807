"""The local engine: a process a core, over disjoint subjects, each reading its share of the spool in order."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.calibration.judging import Gathered
from caponier.detect.detector import Subject
from caponier.detect.similarity import nearest_query
from caponier.detect.traffic_profile.drift import TraitHistogram
from caponier.engines.cells import cell_events
from caponier.engines.judge import Detection, Judge
from caponier.engines.plan import Plan
from caponier.engines.profiles import ProfileBuilder, ProfileComparison
from caponier.engines.shares import EVERYBODY, Share
from caponier.engines.spool import Spool, caller_of, connected, fitting, sorted_events
from caponier.engines.subjects import Scored, SubjectPass
from caponier.formats.one_thread import one_thread

BATCH_ROWS: Final = 8_192
SHARES: Final = 10_000
Progress = Callable[[int], None]
"""Called with the number of events that were scored since the last call."""


@dataclass
class Result:
    """What a run over a spool gave."""

    detections: list[Detection] = field(default_factory=list)
    duplicates: list[tuple[int, int]] = field(default_factory=list)
    """Source and line of events that the log holds twice."""
    events: int = 0
    tallies: dict[str, TraitHistogram] = field(default_factory=dict)
    """What callers were like, by model, where that is compared."""


class Scan(Protocol):
    """Runs plans over a spool: `scan` below, or the same on a cluster."""

    def __call__(
        self, spool: Spool, plans: Sequence[Plan], *, workers: int, batch_rows: int, progress: Progress | None
    ) -> Result:
        """See `scan`."""
        ...


T = TypeVar("T")
U = TypeVar("U")


class Gather(Protocol):
    """Gathers the scores of a share of the subjects: `gather` below, or the same on a cluster."""

    def __call__(
        self,
        spool: Spool,
        plan: Plan,
        share: Share,
        gathered: Mapping[str, Gathered],
        progress: Progress | None,
        builder: ProfileBuilder | None,
    ) -> None:
        """See `gather`."""
        ...


class Each(Protocol):
    """Does the same with several things at once, and returns what it gives in their order."""

    def __call__(self, do: Callable[[T], U], things: Sequence[T]) -> list[U]:
        """See above."""
        ...


def scan(
    spool: Spool,
    plans: Sequence[Plan],
    *,
    workers: int = 1,
    batch_rows: int = BATCH_ROWS,
    progress: Progress | None = None,
) -> Result:
    """Run plans over a spool.

    Args:
        spool: Sealed events.
        plans: One a model.
        workers: Processes; the subjects are shared out among them. A detector that cannot be handed to another process
            keeps everything in this one.
        batch_rows: Events in a batch; changes the speed, never the result.
        progress: Told as events are scored.

    Returns:
        Detections in the order of their subjects.
    """
    result = Result()
    if workers > 1 and not all(line.travels for plan in plans for line in plan.lines):
        workers = 1
    parts_of = [part for plan in plans for part in plan.parts()]
    shares = [(plan, Share(1, workers, turn, turn + 1)) for plan in parts_of for turn in range(workers)]
    if workers == 1:
        parts = (_share(spool, plan, where, batch_rows, progress) for plan, where in shares)
        return merged(result, parts)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = [pool.submit(_share, spool, plan, where, batch_rows) for plan, where in shares]
        return merged(result, _reported((future.result() for future in futures), progress))


def _reported(parts: Iterator[Result], progress: Progress | None) -> Iterator[Result]:
    for part in parts:
        if progress:
            progress(part.events)
        yield part


def merged(result: Result, parts: Iterable[Result]) -> Result:
    """Add the results of shares to one, in the order of their subjects."""
    for part in parts:
        result.detections += part.detections
        result.duplicates += part.duplicates
        result.events += part.events
        for model, tally in part.tallies.items():
            known = result.tallies.get(model)
            result.tallies[model] = known.plus(tally) if known else tally
    result.detections.sort(key=lambda found: (found.model, found.kind, found.subject, found.trigger, found.detector))
    return result


def _share(spool: Spool, plan: Plan, share: Share, batch_rows: int, progress: Progress | None = None) -> Result:
    by_caller = plan.subject is Subject.PRINCIPAL
    return judged(plan, scored_batches(spool, plan, share, batch_rows), sorted_by_subject=by_caller, progress=progress)


def judged(
    plan: Plan, batches: Iterable[Scored], *, sorted_by_subject: bool, progress: Progress | None = None
) -> Result:
    """Judge what was scored: the same for every engine.

    Args:
        plan: For one kind of subject.
        batches: Of a share of the subjects.
        sorted_by_subject: See `engines.subjects.SubjectPass`.
        progress: Told as events are judged.
    """
    result = Result()
    by_caller = plan.subject is Subject.PRINCIPAL
    judge = Judge(plan, sorted_by_subject=sorted_by_subject)
    comparison = ProfileComparison(plan.profile) if by_caller and plan.profile else None
    for scored in batches:
        result.detections += judge.detections(scored)
        if by_caller:
            # By cell the same events come a second time.
            result.duplicates += scored.duplicates
            result.events += scored.events
            if comparison:
                comparison.watch(scored)
            if progress:
                progress(scored.events)
    if comparison:
        result.tallies[plan.model] = comparison.end()
    return result


def scored_batches(spool: Spool, plan: Plan, share: Share, batch_rows: int) -> Iterator[Scored]:
    """Score the events of a share of the subjects, batch by batch."""
    by_caller = plan.subject is Subject.PRINCIPAL
    scoring = pass_of(plan, sorted_by_subject=by_caller)
    # One BLAS thread a process: the processes are what fills the cores.
    with one_thread():
        size, cells, rows = plan.encoder.size, plan.cells, rows_for(plan, batch_rows)
        if not by_caller:
            if cells is not None and size:
                further = (scoring.columns, plan.without)
                yield from scoring.run(cell_events(spool, plan.model, plan.encoder, cells, rows, share, *further))
            return
        with connected(spool) as connection:
            events = sorted_events(connection, plan.model, size, rows, share.sql, scoring.columns)
            yield from scoring.run(events)


def pass_of(plan: Plan, *, sorted_by_subject: bool) -> SubjectPass:
    """Return what scores the events of a plan for one kind of subject."""
    return SubjectPass(
        plan.encoder, plan.detectors(), plan.salt, columns=plan.columns, sorted_by_subject=sorted_by_subject
    )


def rows_for(plan: Plan, batch_rows: int) -> int:
    """Return how many events of a plan are best scored together."""
    size = plan.encoder.size
    if plan.subject is Subject.BUCKET and size:
        # All cells' rings are laid out for each batch: the more rows share that, the better.
        batch_rows *= min(4, max(1, 512 // size))
    return fitting(batch_rows, size)


def sample(spool: Spool, plan: Plan, share: float, most: int) -> tuple[EventBatch, list[str]]:
    """Return different queries of a share of the subjects, with similarity signals, for fitting.

    Events without an input are there besides: nothing else tells how benign callers fail. Where inputs are not looked
    at, all events are returned.

    Args:
        spool: Sealed events.
        plan: A plan without detectors, but with the columns that they will read.
        share: Of the subjects, from 0 to 1; more are taken where that gives nobody.
        most: First ones of each subject that are taken, of both kinds: a subject that owns nine tenths of the log must
            not fill the memory, nor be all that benign traffic looks like.

    Returns:
        The queries, and the subjects' names.
    """
    batches: list[EventBatch] = []
    names: list[str] = []
    while True:
        # Other digits of the bucket than those that folds are told by.
        limit = int(np.ceil(min(share, 1.0) * SHARES))
        for scored in scored_batches(spool, plan, Share(1024, SHARES, 0, limit), BATCH_ROWS):
            batches.append(scored.similar.batch.take(_first(scored, most, bool(plan.encoder.size))))
            names += scored.names
        if names or share >= 1:
            return joined(batches, plan.encoder.width), names
        share *= 4


def _first(scored: Scored, most: int, looked_at: bool) -> NDArray[np.int64]:
    """Return the first different queries of each subject of a batch, and its first events without an input."""
    first = scored.place <= most
    if looked_at:
        unique, asked = scored.similar.batch.signals["unique"], scored.batch.key != 0
        first = np.where(asked, unique & (scored.asked <= most), first)
    return np.flatnonzero(first)


def joined(batches: Sequence[EventBatch], width: int) -> EventBatch:
    """Lay batches behind each other; a subject that goes on into the next one counts as another."""
    if not batches:
        empty = EventBatch.empty(width)
        return nearest_query.add_signals(
            np.zeros(0, nearest_query.state_dtype(width)), empty, np.zeros(0, np.int64)
        ).batch
    columns = {
        name: np.concatenate([getattr(batch, name) for batch in batches])
        for name in ("time", "source", "seq", "query", "key", "label")
    }
    offsets = [np.zeros(1, np.int64)]
    for batch in batches:
        offsets.append(batch.offsets[1:] + offsets[-1][-1])
    signals = {name: np.concatenate([batch.signals[name] for batch in batches]) for name in batches[0].signals}
    return EventBatch(offsets=np.concatenate(offsets), **columns, signals=signals)


def gather(
    spool: Spool,
    plan: Plan,
    share: Share,
    gathered: Mapping[str, Gathered],
    progress: Progress | None = None,
    builder: ProfileBuilder | None = None,
) -> None:
    """Gather the scores of a share of the subjects, by detector; a profile is built meanwhile, if asked for."""
    for scored in scored_batches(spool, plan, share, BATCH_ROWS):
        gather_batch(plan, scored, gathered, builder)
        if progress:
            progress(scored.events)


def gather_batch(
    plan: Plan, scored: Scored, gathered: Mapping[str, Gathered], builder: ProfileBuilder | None = None
) -> None:
    """Gather the scores of one batch: the same for every engine."""
    for line in plan.lines:
        rows, ordinal, subject = scored.counted(line.detector.counts)
        gathered[line.name].add(scored.names, scored.scores[line.name][rows], ordinal, subject)
    if builder:
        builder.watch(scored)


@dataclass(frozen=True)
class Engine:
    """Where the work is done."""

    scan: Scan
    each: Each | None = None
    """For logs of which each can be read by itself; None where that is best done one after the other."""
    gather: Gather = gather


LOCAL: Final = Engine(scan)
"""This machine."""


@dataclass(frozen=True, eq=False)
class ScoreHistory:
    """How the scores of one subject went, over its different queries in their order."""

    kind: str
    """Of the subject: `principal`, `session` or `address`."""
    subject: str
    places: NDArray[np.int64]
    """(q, 2) source and seq of each different query."""
    scores: dict[str, NDArray[np.int64]]
    """(q,) by detector."""


def suspicion(spool: Spool, plan: Plan, share: Share = EVERYBODY) -> list[ScoreHistory]:
    """Return every score of a share of the callers, for pictures; a scan keeps only the triggers.

    A subject that was idle for long stands there again, as in a scan.
    """
    courses: list[ScoreHistory] = []
    for scored in scored_batches(spool, plan.parts()[0], share, BATCH_ROWS):
        for index in range(len(scored.names)):
            part = _course(scored, index)
            if scored.resumed[index]:
                courses[-1] = _continued(courses[-1], part)
            else:
                courses.append(part)
    return courses


def _course(scored: Scored, index: int) -> ScoreHistory:
    caller = caller_of(scored.names[index])
    own = scored.subject == index
    rows = scored.rows[own]
    places = np.stack([scored.batch.source[rows], scored.batch.seq[rows]], axis=1).astype(np.int64)
    scores = {detector: values[rows] for detector, values in scored.scores.items()}
    return ScoreHistory(caller.kind, caller.id, places, scores)


def _continued(course: ScoreHistory, part: ScoreHistory) -> ScoreHistory:
    scores = {detector: np.concatenate([values, part.scores[detector]]) for detector, values in course.scores.items()}
    return replace(course, places=np.concatenate([course.places, part.places]), scores=scores)
