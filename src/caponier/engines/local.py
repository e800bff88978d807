"""The local engine: a process a core, over disjoint subjects, each reading its share of the spool in order."""

import multiprocessing
import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from caponier.detect.batch import EventBatch
from caponier.detect.calibration.judging import HorizonMaxima, triggers
from caponier.detect.detector import Counts, EventDetector, Explanation, Params, Subject, memory
from caponier.detect.similarity import nearest_query
from caponier.detect.similarity.cells import Cells
from caponier.detect.similarity.nearest_query import RING
from caponier.detect.traffic_profile.drift import Tally
from caponier.detect.traffic_profile.portrait import Portrait
from caponier.engines.cells import cell_events
from caponier.engines.columns import Read
from caponier.engines.portraits import Comparison
from caponier.engines.shares import EVERYBODY, Share
from caponier.engines.spool import Spool, caller_of, connected, sorted_events
from caponier.engines.subjects import Failed, Scored, SubjectPass
from caponier.telemetry.features import Encoder

BATCH_ROWS: Final = 8_192
SHARES: Final = 10_000
Progress = Callable[[int], None]
"""Called with the number of events that were scored since the last call."""


@dataclass(frozen=True)
class Line:
    """One detector with what it learned and the threshold at which it speaks."""

    detector: EventDetector
    params: Params
    threshold: float

    @property
    def name(self) -> str:
        """The detector's name."""
        return self.detector.name

    @property
    def travels(self) -> bool:
        """Whether the detector can be handed to another process."""
        try:
            pickle.dumps(self.detector)
        # What pickle raises depends on what it meets: a lambda, a lock, a class that its module does not know.
        except (pickle.PicklingError, AttributeError, TypeError):
            return False
        return True


@dataclass(frozen=True)
class Plan:
    """What to run over the events of one model."""

    model: str
    encoder: Encoder
    horizon: int
    lines: tuple[Line, ...]
    salt: bytes = b""
    columns: tuple[Read, ...] = ()
    """Further columns, for detectors that are still to be fitted."""
    cells: Cells | None = None
    """How queries are shared out, for detectors that look at all callers of like queries together."""
    subject: Subject = Subject.PRINCIPAL
    """Whose events come together: `PRINCIPAL`, or `BUCKET` for those of a cell."""
    without: frozenset[str] = frozenset()
    """Callers whose events are left out where those of a cell come together."""
    portrait: Portrait | None = None
    """What callers were like, for a comparison with how they are."""

    def parts(self) -> "list[Plan]":
        """Return a plan for each kind of subject, each with the detectors that it is the subject of."""
        kinds = dict.fromkeys([Subject.PRINCIPAL, *(self.kind_of(line.detector) for line in self.lines)])
        return [
            replace(self, subject=kind, lines=tuple(line for line in self.lines if self.kind_of(line.detector) is kind))
            for kind in kinds
        ]

    @staticmethod
    def kind_of(detector: EventDetector) -> Subject:
        """Return whose events a detector is given together."""
        return Subject.BUCKET if detector.subject is Subject.BUCKET else Subject.PRINCIPAL

    def detectors(self) -> list[tuple[EventDetector, Params]]:
        """Return the detectors with what they learned."""
        return [(line.detector, line.params) for line in self.lines]


@dataclass(frozen=True)
class Detection:
    """A trigger: the first score above the threshold of one detector, subject and horizon."""

    detector: str
    model: str
    kind: str
    """Of the subject: `principal`, `session` or `address`."""
    subject: str
    value: float
    queries: int
    """Different queries of the subject in this horizon up to and including the trigger."""
    trigger: tuple[int, int]
    """Source and seq of the trigger event."""
    evidence: tuple[tuple[int, int], ...]
    """Source and seq of the events that carry the evidence."""
    explanation: Explanation
    sender: str | None = None
    """Who sent what a session or an address stands for, see `records.finding.SubjectRef`."""
    began: int = 0
    """Microseconds since the epoch of the first of these events."""


@dataclass
class Result:
    """What a run over a spool gave."""

    detections: list[Detection] = field(default_factory=list)
    duplicates: list[tuple[int, int]] = field(default_factory=list)
    """Source and line of events that the log holds twice."""
    events: int = 0
    tallies: dict[str, Tally] = field(default_factory=dict)
    """What callers were like, by model, where that is compared."""


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
        return _merged(result, parts)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = [pool.submit(_share, spool, plan, where, batch_rows) for plan, where in shares]
        return _merged(result, _reported((future.result() for future in futures), progress))


def _reported(parts: Iterator[Result], progress: Progress | None) -> Iterator[Result]:
    for part in parts:
        if progress:
            progress(part.events)
        yield part


def _merged(result: Result, parts: Iterator[Result]) -> Result:
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
    result = Result()
    by_caller = plan.subject is Subject.PRINCIPAL
    judge = Judge(plan, sorted_by_subject=by_caller)
    comparison = Comparison(plan.portrait) if by_caller and plan.portrait else None
    for scored in scored_batches(spool, plan, share, batch_rows):
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
    scoring = SubjectPass(plan.encoder, plan.detectors(), plan.salt, columns=plan.columns, sorted_by_subject=by_caller)
    # One BLAS thread a process: the processes are what fills the cores.
    with threadpool_limits(1, user_api="blas"):
        size, cells = plan.encoder.size, plan.cells
        if not by_caller:
            if cells is not None and size:
                # All cells' rings are laid out for each batch: the more rows share that, the better.
                rows = batch_rows * min(4, max(1, 512 // size))
                further = (scoring.columns, plan.without)
                yield from scoring.run(cell_events(spool, plan.model, plan.encoder, cells, rows, share, *further))
            return
        with connected(spool) as connection:
            events = sorted_events(connection, plan.model, size, batch_rows, share.sql, scoring.columns)
            yield from scoring.run(events)


class Judge:
    """Turns scores into detections, remembering of each subject that goes on where it has fired.

    Args:
        plan: What is run.
        sorted_by_subject: See `engines.subjects.SubjectPass`.
        failed: Takes the failure of a detector to explain itself; what it found is found all the same.
    """

    def __init__(self, plan: Plan, *, sorted_by_subject: bool = True, failed: Failed | None = None) -> None:
        self._plan = plan
        self._sorted = sorted_by_subject
        self._failed = failed
        self._fired: dict[str, dict[str, int]] = {}

    def forget(self, name: str) -> None:
        """Drop what is remembered of a subject."""
        self._fired.pop(name, None)

    def detections(self, scored: Scored) -> list[Detection]:
        """Return the triggers of one batch."""
        found = []
        resumed = {at: self._fired[scored.names[at]] for at in np.flatnonzero(scored.resumed).tolist()}
        kept: dict[str, dict[str, int]] = {scored.names[at]: {} for at in scored.kept}
        for line in self._plan.lines:
            fired = np.zeros(len(scored.names), np.int64)
            for at, known in resumed.items():
                fired[at] = known[line.name]
            counts = line.detector.counts
            rows, ordinal, subject = scored.counted(counts)
            scores = scored.scores[line.name][rows]
            places, after = triggers(
                scores,
                ordinal,
                subject,
                fired,
                line.threshold,
                self._plan.horizon,
                lasting=counts is Counts.EVENTS,
            )
            for index in scored.kept.tolist():
                kept[scored.names[index]][line.name] = int(after[index])
            found += [self._detection(line, scored, int(row)) for row in rows[places]]
        if self._sorted:
            self._fired.clear()
        self._fired.update(kept)
        return found

    def _detection(self, line: Line, scored: Scored, row: int) -> Detection:
        detector, asked = line.detector, int(scored.asked[row])
        subject = int(np.searchsorted(scored.batch.offsets, row, side="right")) - 1
        value = int(scored.scores[line.name][row])
        window = _window(scored, row) if detector.counts is Counts.QUERIES else _alone(scored, row, value)
        explanation = self._explained(detector, line, window, value)
        caller = caller_of(scored.names[subject])
        places = [(int(window.source[row]), int(window.seq[row])) for row in explanation.rows]
        return Detection(
            detector=line.name,
            model=self._plan.model,
            kind=caller.kind,
            subject=caller.id,
            sender=caller.sender,
            value=float(value),
            queries=(asked - 1) % self._plan.horizon + 1 if asked else 0,
            trigger=(int(window.source[-1]), int(window.seq[-1])),
            evidence=tuple(places),
            explanation=explanation,
            began=int(window.time[[*explanation.rows, -1]].min()),
        )

    def _explained(self, detector: EventDetector, line: Line, window: EventBatch, value: int) -> Explanation:
        try:
            return detector.explain(line.params, window)
        except Exception as failure:
            if self._failed is None:
                raise
            self._failed(detector.name, failure)
            summary = f"{detector.statistic} is {value:,} and above {line.threshold:g}; explaining it further failed"
            return Explanation(summary, {}, np.array([len(window) - 1]))


def _window(scored: Scored, row: int) -> EventBatch:
    """Return the subject's last different queries up to one of them, whichever batches they came in."""
    query = int(np.searchsorted(scored.rows, row))
    history, end = scored.similar.history, int(scored.similar.at[query]) + 1
    begin = max(int(history.offsets[scored.subject[query]]), end - RING)
    rows = history.take(np.arange(begin, end))
    return EventBatch(
        offsets=np.array([0, end - begin]),
        **{name: getattr(rows, name) for name in ("time", "source", "seq", "query", "key", "label")},
        signals=rows.signals,
    )


def _alone(scored: Scored, row: int, value: int) -> EventBatch:
    """Return one event with its score: what is the same however the stream was cut."""
    batch = scored.batch
    columns = {name: column[row : row + 1] for name, column in batch.signals.items()}
    return EventBatch(
        offsets=np.array([0, 1]),
        **{name: getattr(batch, name)[row : row + 1] for name in ("time", "source", "seq", "query", "key", "label")},
        signals={**columns, "score": np.array([value])},
    )


def sample(spool: Spool, plan: Plan, share: float, most: int) -> tuple[EventBatch, list[str]]:
    """Return different queries of a share of the subjects, with similarity signals, for fitting.

    Where inputs are not looked at, all events are returned.

    Args:
        spool: Sealed events.
        plan: A plan without detectors, but with the columns that they will read.
        share: Of the subjects, from 0 to 1; more are taken where that gives nobody.
        most: First ones of each subject that are taken: a subject that owns nine tenths of the log must
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
            rows, ordinal, _ = scored.counted(Counts.QUERIES if plan.encoder.size else Counts.EVENTS)
            batches.append(scored.similar.batch.take(rows[ordinal <= most]))
            names += scored.names
        if names or share >= 1:
            return joined(batches, plan.encoder.width), names
        share *= 4


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


def maxima(
    spool: Spool,
    plan: Plan,
    share: Share,
    progress: Progress | None = None,
    watch: Callable[[Scored], None] | None = None,
) -> dict[str, HorizonMaxima]:
    """Return, for each detector of a plan, the maxima of a share of the subjects; `watch` is shown every batch."""
    gathered = {line.name: HorizonMaxima(plan.horizon, memory(line.detector)) for line in plan.lines}
    for scored in scored_batches(spool, plan, share, BATCH_ROWS):
        for line in plan.lines:
            rows, ordinal, subject = scored.counted(line.detector.counts)
            gathered[line.name].add(scored.names, scored.scores[line.name][rows], ordinal, subject)
        if watch:
            watch(scored)
        if progress:
            progress(scored.events)
    return gathered


def fits(detector: EventDetector, benign: EventBatch, subjects: NDArray[np.bool_]) -> Params:
    """Fit a detector on some of the subjects of a batch."""
    return detector.fit(benign.take(np.flatnonzero(subjects[benign.subject])))


@dataclass(frozen=True, eq=False)
class Course:
    """How the scores of one subject went, over its different queries in their order."""

    kind: str
    """Of the subject: `principal`, `session` or `address`."""
    subject: str
    places: NDArray[np.int64]
    """(q, 2) source and seq of each different query."""
    scores: dict[str, NDArray[np.int64]]
    """(q,) by detector."""


def suspicion(spool: Spool, plan: Plan, share: Share = EVERYBODY) -> list[Course]:
    """Return every score of a share of the callers, for pictures; a scan keeps only the triggers.

    A subject that was idle for long stands there again, as in a scan.
    """
    courses: list[Course] = []
    for scored in scored_batches(spool, plan.parts()[0], share, BATCH_ROWS):
        for index in range(len(scored.names)):
            part = _course(scored, index)
            if scored.resumed[index]:
                courses[-1] = _continued(courses[-1], part)
            else:
                courses.append(part)
    return courses


def _course(scored: Scored, index: int) -> Course:
    caller = caller_of(scored.names[index])
    own = scored.subject == index
    rows = scored.rows[own]
    places = np.stack([scored.batch.source[rows], scored.batch.seq[rows]], axis=1).astype(np.int64)
    scores = {detector: values[rows] for detector, values in scored.scores.items()}
    return Course(caller.kind, caller.id, places, scores)


def _continued(course: Course, part: Course) -> Course:
    scores = {detector: np.concatenate([values, part.scores[detector]]) for detector, values in course.scores.items()}
    return replace(course, places=np.concatenate([course.places, part.places]), scores=scores)
