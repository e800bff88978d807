"""Detectors that are bad on purpose, each in its own way: a law that does not catch its own is no law."""

from typing import Any

import numpy as np

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Column, Confidence, Counts, Explanation, Params, Scores, Signal, State, Subject
from caponier.matrix.technique import TechniqueId

CAP = 40


class Counter:
    """A good one: counts each subject's different queries up to 40. The bad ones spoil it in one place."""

    name = "counter"
    statistic = "queries"
    techniques: tuple[TechniqueId, ...] = (
        TechniqueId("atlas", "AML.T0043.001"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"),
    )
    subject = Subject.PRINCIPAL
    counts = Counts.QUERIES
    needs = frozenset({Signal.PRINCIPAL, Signal.INPUT})
    columns: frozenset[Column] = frozenset()
    state: np.dtype[Any] = np.dtype([("count", np.int64)])
    state_version = 1
    floor = 0
    suspect = None
    max_confidence = Confidence.LOW
    emulations: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    cap = CAP

    def fit(self, benign: EventBatch) -> Params:
        return {}

    def priors(self) -> tuple[Params, float] | None:
        return {}, 1e9

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        queries, rows = batch.queries()
        counts = np.diff(queries.offsets)
        ordinal = np.arange(len(queries)) - np.repeat(queries.offsets[:-1], counts) + 1
        scores = np.zeros(len(batch), np.int64)
        scores[rows] = np.minimum(ordinal + np.repeat(state["count"], counts), self.cap)
        after = state.copy()
        after["count"] += counts
        return after, scores

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        return Explanation(f"{len(events)} queries", {}, np.array([len(events) - 1]))


class Forgetful(Counter):
    """Breaks the split law: starts anew with every batch."""

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        return super().score(params, np.zeros_like(state), batch)


class Peeking(Counter):
    """Breaks the split law only in what it says: its explanation tells how much of the batch it was shown."""

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        self.seen = len(batch)
        return super().score(params, state, batch)

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        return Explanation(f"{self.seen} events", {}, np.array([len(events) - 1]))


class Hoarder(Counter):
    """Breaks the engine law: what a subject scores depends on who came before in the same process."""

    def __init__(self) -> None:
        self.total = 0

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        after, scores = super().score(params, state, batch)
        self.total += batch.subjects
        return after, np.where(scores > 0, scores + self.total, 0)


class Bookish(Counter):
    """Breaks the engine law: scores by the place in the file in place of time."""

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        after, scores = super().score(params, state, batch)
        return after, np.where(scores > 0, batch.seq % 7, 0)


class Secretive(Counter):
    """Breaks the state law: keeps its state in itself, where no checkpoint finds it."""

    def __init__(self) -> None:
        self.counts = np.zeros(0, np.int64)

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        if len(self.counts) != batch.subjects:
            self.counts = np.zeros(batch.subjects, np.int64)
        state = state.copy()
        state["count"] = self.counts
        after, scores = super().score(params, state, batch)
        self.counts = after["count"]
        return state, scores


class Calendar(Counter):
    """Breaks the benign law: every later day scores higher than all that was ever seen."""

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        after, scores = super().score(params, state, batch)
        return after, np.where(scores > 0, batch.time // (3_600 * 1_000_000), 0)


class Growing(Counter):
    """Never forgets: whoever asks for long passes whatever those reached who asked for less."""

    cap = 10**9


class Boastful(Counter):
    """Breaks the proof law: claims to see an attack that it does not see."""

    emulations = ("hop_skip_jump",)

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        after, scores = super().score(params, state, batch)
        return after, np.zeros_like(scores)


class Nervous(Counter):
    """Breaks the proof law: fires on what it promises to be silent on."""

    controls = ("poller",)


class Misspelt(Counter):
    """Breaks the proof law: names a control that does not exist."""

    controls = ("polller",)


class Invented(Counter):
    """Breaks the id law: names a technique that no matrix has."""

    techniques = (TechniqueId("atlas", "AML.T9999"),)


class Backwards(Counter):
    """Breaks the id law: names the 2020 matrix first."""

    techniques = Counter.techniques[::-1]
