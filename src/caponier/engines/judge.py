"""From scores to detections: one evidence a subject over all detectors, and what of it is told."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.calibration.ages import step_of
from caponier.detect.calibration.baseline import digest_of
from caponier.detect.calibration.joint_tail import BELIEVED, UNIT, evidence, whole
from caponier.detect.detector import Counts, EventDetector, Explanation, Subject
from caponier.detect.figure_words import score_words
from caponier.detect.similarity.nearest_query import RING
from caponier.engines.plan import CalibratedDetector, Plan
from caponier.engines.spool import caller_of
from caponier.engines.subjects import Failed, Scored

MORE: Final = 1.5
"""Times the score that an analyst called benign up to which a subject is spared: what grows on is told again."""
ANYHOW: Final = 4_605
"""Rarity, in thousandths, of one in a hundred."""
NEVER: Final = np.iinfo(np.int64).min // 2


@dataclass(frozen=True)
class SaidBeside:
    """What another detector said of the same subject up to the trigger."""

    detector: str
    value: float
    """Its score when it was rarest."""
    rarity: int
    """In thousandths, see `detect.calibration.joint_tail`."""


@dataclass(frozen=True)
class Detection:
    """A trigger: the first event at which a subject's evidence is rarer than the plan lets pass."""

    detector: str
    model: str
    kind: str
    """Of the subject: `principal`, `session` or `address`."""
    subject: str
    value: float
    queries: int
    """Different queries of the subject up to and including the trigger."""
    trigger: tuple[int, int]
    """Source and seq of the trigger event."""
    evidence: tuple[tuple[int, int], ...]
    """Source and seq of the events that carry the evidence."""
    explanation: Explanation
    sender: str | None = None
    """Who sent what a session or an address stands for, see `records.finding.SubjectRef`."""
    began: int = 0
    """Microseconds since the epoch of the first of these events."""
    age: int = 0
    """Different queries, or events, of the subject that the value was reached at."""
    strength: int = 0
    """Evidence over all detectors, in thousandths."""
    beside: tuple[SaidBeside, ...] = ()
    """What the others said, the rarest first."""


@dataclass
class JudgedSubject:
    """What is remembered of a subject, an item (d,) for each detector."""

    rarity: NDArray[np.int64]
    """Greatest so far."""
    value: NDArray[np.int64]
    """The score that it was of."""
    age: NDArray[np.int64]
    """The subject's age then."""
    told: NDArray[np.int64]
    """When it was told last, in microseconds or, of a cell, in queries; `NEVER` if it was not."""

    @classmethod
    def new(cls, detectors: int) -> "JudgedSubject":
        """Return that of somebody of whom nothing was said yet."""
        none = np.zeros(detectors, np.int64)
        return cls(none, none.copy(), none.copy(), np.full(detectors, NEVER))


@dataclass(frozen=True)
class _Rare:
    """The events (c,) of a batch at which some detector says something, in order."""

    rows: NDArray[np.int64]
    subject: NDArray[np.int64]
    rarity: NDArray[np.int64]
    """(c, d) in thousandths, 0 where a detector says nothing."""
    value: NDArray[np.int64]
    """(c, d) scores."""
    age: NDArray[np.int64]
    """(c, d)."""


class _Ear:
    """Listens to one detector: which of its scores are rare at all, at a subject's age."""

    def __init__(self, line: CalibratedDetector, level: int) -> None:
        self._line, self._level = line, level
        ranks = line.ranks
        if ranks is None or not len(ranks.scores):
            self._least = np.array([line.limit + 1])
        else:
            steps = np.arange(ranks.steps)
            # A little below, as a fast way to leave out the many; the rarity itself is what counts.
            least = ranks.score_at(BELIEVED / UNIT, steps) - 1
            self._least = np.maximum(np.floor(least), np.floor(line.limit) + 1)
        self._lowest = self._least.min()

    def rare(self, scores: NDArray[np.int64], steps: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the places of rare scores (n,) at the ages of steps (n,), and their rarities."""
        places = np.flatnonzero(scores >= self._lowest)
        if not places.size:
            return places, places
        at = np.minimum(steps[places], len(self._least) - 1)
        places = places[scores[places] >= self._least[at]]
        ranks = self._line.ranks
        if ranks is None:
            # A cold start knows one limit and no ranks: beyond it is an alarm, and says nothing of how rare.
            return places, np.full(len(places), self._level)
        rarities = whole(ranks.rarity(scores[places], steps[places]))
        said = rarities > BELIEVED
        return places[said], rarities[said]


class Judge:
    """Turns scores into detections, remembering of each subject that goes on what was said of it.

    Args:
        plan: What is run.
        sorted_by_subject: See `engines.subjects.SubjectPass`.
        failed: Takes the failure of a detector to explain itself; what it found is found all the same.
    """

    def __init__(self, plan: Plan, *, sorted_by_subject: bool = True, failed: Failed | None = None) -> None:
        self._plan, self._sorted, self._failed = plan, sorted_by_subject, failed
        self._level = plan.level
        self._ears = [_Ear(line, self._level) for line in plan.lines]
        self._spares = any(line.allowed for line in plan.lines)
        self._known: dict[str, JudgedSubject] = {}

    def strength(self, name: str) -> int:
        """Return the evidence against a subject up to now, over all detectors, in thousandths; 0 if none is known."""
        standing = self._known.get(name)
        return 0 if standing is None else int(evidence(standing.rarity[None, :])[0])

    def forget(self, name: str) -> None:
        """Drop what is remembered of a subject."""
        self._known.pop(name, None)

    def resume(self, name: str, standing: JudgedSubject) -> None:
        """Go on with what was kept elsewhere of a subject."""
        self._known[name] = standing

    def take(self, name: str) -> JudgedSubject | None:
        """Give away what is remembered of a subject; None if nothing is."""
        return self._known.pop(name, None)

    def detections(self, scored: Scored) -> list[Detection]:
        """Return the triggers of one batch."""
        rare = self._rare(scored)
        begins = np.searchsorted(rare.subject, np.arange(len(scored.names) + 1))
        kept, found = {int(index) for index in scored.kept}, []
        known = self._known
        if self._sorted:
            self._known = {}
        # Of everybody else nothing is said, and nothing changes.
        talked = {int(index) for index in np.unique(rare.subject)}
        for index in sorted(talked | {at for at in kept if scored.resumed[at]}):
            name = scored.names[index]
            standing = known.get(name) if scored.resumed[index] else None
            if index in talked:
                standing = standing or JudgedSubject.new(len(self._ears))
                part = slice(int(begins[index]), int(begins[index + 1]))
                self._spare(name, rare, part)
                found += [self._detection(scored, *one) for one in self._told(scored, rare, part, standing)]
            if index in kept and standing is not None:
                self._known[name] = standing
        for index in kept - talked:
            if not scored.resumed[index]:
                # It begins anew after a long silence: what was said of it before is over.
                self._known.pop(scored.names[index], None)
        return found

    def _rare(self, scored: Scored) -> _Rare:
        counted = {counts: scored.counted(counts) for counts in Counts}
        steps = {counts: step_of(ordinal) for counts, (_, ordinal, _) in counted.items()}
        said = []
        for column, (line, ear) in enumerate(zip(self._plan.lines, self._ears, strict=True)):
            counts = line.detector.counts
            rows, ordinal, _ = counted[counts]
            places, rarities = ear.rare(scored.scores[line.name][rows], steps[counts])
            said.append((column, rows[places], rarities, scored.scores[line.name][rows[places]], ordinal[places]))
        rows = np.unique(np.concatenate([np.zeros(0, np.int64), *(one[1] for one in said)]))
        shape = (len(rows), len(said))
        rare = _Rare(rows, scored.batch.subject[rows], *(np.zeros(shape, np.int64) for _ in range(3)))
        for column, own, rarities, values, ages in said:
            at = np.searchsorted(rows, own)
            rare.rarity[at, column], rare.value[at, column], rare.age[at, column] = rarities, values, ages
        return rare

    def _spare(self, name: str, rare: _Rare, part: slice) -> None:
        """Let what an analyst called benign of a subject say nothing, and a little more of the same neither."""
        if not self._spares:
            return
        who = digest_of(caller_of(name).in_words)
        for column, line in enumerate(self._plan.lines):
            if who in line.allowed:
                same = rare.value[part, column] <= MORE * line.allowed[who]
                rare.rarity[part, column][same] = 0

    def _told(
        self, scored: Scored, rare: _Rare, part: slice, standing: JudgedSubject
    ) -> Iterator[tuple[int, int, int, JudgedSubject]]:
        """Yield each trigger of a subject: its row, detector, evidence, and what was said up to it."""
        rarity = rare.rarity[part]
        running = np.maximum.accumulate(np.vstack([standing.rarity, rarity]), axis=0)
        strength = evidence(running)
        rows = rare.rows[part]
        clock, span = scored.batch.time[rows], self._plan.span
        if self._plan.subject is Subject.BUCKET:
            # A cell is nobody: what others search in it later is told again, when all of the first is forgotten.
            clock, span = scored.asked[rows], RING
        for at, column in _triggers(rarity, running[1:], strength, clock, standing.told, span, self._level):
            row = part.start + at
            upto = _advanced(standing, rare, slice(part.start, row + 1))
            if rare.rarity[row, column] >= self._level:
                # What it says now is what is told, also where it said as much or more in an earlier span.
                upto.value[column], upto.age[column] = rare.value[row, column], rare.age[row, column]
            yield int(rare.rows[row]), column, int(strength[at + 1]), upto
        after = _advanced(standing, rare, part)
        standing.rarity, standing.value, standing.age = after.rarity, after.value, after.age

    def _detection(self, scored: Scored, row: int, column: int, strength: int, said: JudgedSubject) -> Detection:
        line = self._plan.lines[column]
        detector, value = line.detector, int(said.value[column])
        subject = int(np.searchsorted(scored.batch.offsets, row, side="right")) - 1
        window = _window(scored, row) if detector.counts is Counts.QUERIES else _alone(scored, row, value)
        explanation = self._explained(detector, window, value)
        caller = caller_of(scored.names[subject])
        places = [(int(window.source[at]), int(window.seq[at])) for at in explanation.rows]
        order = sorted(range(len(self._ears)), key=lambda at: -int(said.rarity[at]))
        return Detection(
            detector=line.name,
            model=self._plan.model,
            kind=caller.kind,
            subject=caller.id,
            sender=caller.sender,
            value=float(value),
            queries=int(scored.asked[row]),
            trigger=(int(scored.batch.source[row]), int(scored.batch.seq[row])),
            evidence=tuple(places),
            explanation=explanation,
            began=int(window.time[[*explanation.rows, -1]].min()),
            age=int(said.age[column]),
            strength=strength,
            beside=tuple(
                SaidBeside(self._plan.lines[at].name, float(said.value[at]), int(said.rarity[at]))
                for at in order
                if at != column and said.rarity[at]
            ),
        )

    def _explained(self, detector: EventDetector, window: EventBatch, value: int) -> Explanation:
        line = next(line for line in self._plan.lines if line.detector is detector)
        try:
            return detector.explain(line.params, window)
        except Exception as failure:
            if self._failed is None:
                raise
            self._failed(detector.name, failure)
            summary = f"{score_words(detector.statistic)}: {value:,}; the detector could not explain this score"
            return Explanation(summary, {}, np.array([len(window) - 1]))


def _triggers(
    rarity: NDArray[np.int64],
    running: NDArray[np.int64],
    strength: NDArray[np.int64],
    clock: NDArray[np.int64],
    told: NDArray[np.int64],
    span: int,
    level: int,
) -> Iterator[tuple[int, int]]:
    """Yield which events (c,) of a subject are triggers, and of which detector; `told` (d,) is kept up to date.

    A detector is told where it alone is rare enough, at most once a span. Where only all of them together are, the
    strongest is told, if the evidence rises there and nothing was told for a span. Of a subject that is told of anyhow
    each detector is told to which it is rarer than one in a hundred: nobody else is flagged by that.
    """
    if strength[-1] < level:
        return
    rare = (rarity >= level) | ((strength[1:, None] >= level) & (rarity >= ANYHOW))
    alone = [np.flatnonzero(rare[:, column]) for column in range(rarity.shape[1])]
    risen = np.flatnonzero((strength[1:] >= level) & (strength[1:] > strength[:-1]))
    while True:
        nexts = [
            (int(rows[0]), -int(running[rows[0], column]), column)
            for column, own in enumerate(alone)
            if len(rows := own[clock[own] >= told[column] + span])
        ]
        quiet = risen[clock[risen] >= told.max(initial=NEVER) + span]
        nexts += [(int(quiet[0]), -int(running[quiet[0]].max()), int(running[quiet[0]].argmax()))] if len(quiet) else []
        if not nexts:
            return
        at, _, column = min(nexts)
        told[column] = clock[at]
        yield at, column


def _advanced(standing: JudgedSubject, rare: _Rare, part: slice) -> JudgedSubject:
    """Return what is remembered after some more events."""
    rarity = np.vstack([standing.rarity, rare.rarity[part]])
    best, columns = rarity.argmax(axis=0), np.arange(rarity.shape[1])
    value, age = (
        np.vstack([before, new[part]]) for before, new in ((standing.value, rare.value), (standing.age, rare.age))
    )
    return JudgedSubject(rarity[best, columns], value[best, columns], age[best, columns], standing.told)


def _window(scored: Scored, row: int) -> EventBatch:
    """Return the subject's last different queries up to one of them, whichever batches they came in."""
    subject = int(np.searchsorted(scored.batch.offsets, row, side="right")) - 1
    history, query = scored.similar.history, int(np.searchsorted(scored.rows, row, side="right")) - 1
    if query >= 0 and scored.subject[query] == subject:
        end = int(scored.similar.at[query]) + 1
    else:
        # An event that is no different query, before the subject's first one in this batch.
        end = int(history.offsets[subject + 1] - (scored.subject == subject).sum())
    begin = max(int(history.offsets[subject]), end - RING)
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
