"""Poisoned feedback: a source that tells a model, again and again, that the answer is one and the same label.

Who teaches a model something wrong through its feedback (Microsoft's Tay, 2016) must contradict it often, and in one
direction. Honest people contradict it, too: where it errs, in as many directions as it errs, and mostly they agree, or
let the answer stand. A new topic makes many of them send one label, but then many hands do it, and the model follows
before any one of them has said it often. So of a source's last 100 events the feedback that contradicts an answer in
favour of one label is counted against what speaks for the model: three for each of the former, minus one for all other
feedback, and minus one for each answer with that label which was let stand. Who works with one kind of input, and
corrects the few errors on it, always in one direction, never scores.
"""

from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Column, Confidence, Counts, Explanation, Params, Scores, Signal, State, Subject
from caponier.matrix.technique import TechniqueId

WINDOW: Final = 100
"""Events of a source that count, answers without feedback included."""
AGAINST: Final = 3
"""What each contradiction in favour of the label counts; what speaks for the model counts minus one."""
COLD_START: Final = 75
"""Threshold without a baseline: at least 25 contradictions in favour of one label."""
BLOCK: Final = 4_096
"""Contradictions looked at together, which bounds memory."""
SUSPECT: Final = 90.0
"""Sources of the benign log that score more are set aside."""


class FeedbackSkew:
    """Weighs a source's contradictions in favour of one label against its other feedback."""

    name = "feedback_skew"
    statistic = "one_way_feedback"
    techniques = (
        TechniqueId("atlas", "AML.T0031"),
        TechniqueId("atlas", "AML.T0020"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.01"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.03.04"),
    )
    subject = Subject.PRINCIPAL
    counts = Counts.EVENTS
    needs = frozenset({Signal.PRINCIPAL, Signal.LABEL, Signal.FEEDBACK})
    columns = frozenset({Column.FEEDBACK})
    state = np.dtype(
        [
            ("favoured", np.uint64, (WINDOW,)),
            ("label", np.uint64, (WINDOW,)),
            ("feedback", np.bool_, (WINDOW,)),
        ]
    )
    state_version = 1
    floor = 30
    suspect = SUSPECT
    max_confidence = Confidence.HIGH
    emulations = ("steered_feedback",)
    controls = ("confirmer", "corrector", "hard_cases", "noisy_annotator", "trend_follower")

    def fit(self, benign: EventBatch) -> Params:
        """Learn nothing: what is usual is in the benign maxima."""
        return {}

    def priors(self) -> tuple[Params, float]:
        """Take it that a model which errs so often in one direction would not be in use."""
        return {}, float(COLD_START)

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Score, at each contradiction, the source's last 100 events for the label that it favours."""
        feedback = batch.signals.get(Column.FEEDBACK, np.zeros(len(batch), np.uint64))
        against = (feedback != 0) & (batch.label != 0) & (feedback != batch.label)
        laid = _Laid(state, batch.offsets)
        favoured = laid.of("favoured", np.where(against, feedback, 0))
        label = laid.of("label", np.where(feedback == 0, batch.label, 0))
        given = laid.of("feedback", feedback != 0)
        scores = np.zeros(len(batch), np.int64)
        rows = np.flatnonzero(against)
        for start in range(0, len(rows), BLOCK):
            own = rows[start : start + BLOCK]
            # The window ends at the row itself; behind each source's remembered events there is always a whole one.
            begin = laid.rows[own] - WINDOW + 1
            target = feedback[own, None]
            for_it = (sliding_window_view(favoured, WINDOW)[begin] == target).sum(axis=1)
            told = sliding_window_view(given, WINDOW)[begin].sum(axis=1)
            stands = (sliding_window_view(label, WINDOW)[begin] == target).sum(axis=1)
            scores[own] = np.maximum((AGAINST + 1) * for_it - told - stands, 0)
        return laid.after(), scores

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Say how one-sided the feedback was."""
        score = int(events.signals["score"][-1])
        least = -(-score // AGAINST)
        summary = (
            f"at least {least} of the last {WINDOW} events are feedback that contradicts the model in favour of one "
            "label, and there is little other feedback: the way a model is taught something wrong"
        )
        facts = {"score": score, "contradictions_at_least": least, "window": WINDOW}
        return Explanation(summary, facts, np.array([len(events) - 1]))


class _Laid:
    """Columns of a batch with what is remembered of each source in front of its events.

    Args:
        state: (s,) of all sources.
        offsets: (s + 1,) where each source's events begin.
    """

    def __init__(self, state: State, offsets: NDArray[np.int64]) -> None:
        sources, counts = len(state), np.diff(offsets)
        starts = offsets[:-1] + WINDOW * np.arange(sources)
        self._state, self._begins = state, starts[:, None] + np.arange(WINDOW)
        self._ends = self._begins + counts[:, None]
        self._columns: dict[str, NDArray[Any]] = {}
        self.rows = np.arange(offsets[-1]) + WINDOW * (np.repeat(np.arange(sources), counts) + 1)
        """(n,) where the events of the batch stand."""

    def of(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        """Lay a column (n,) behind what is remembered of it."""
        laid = np.empty(self._begins.size + len(self.rows), self._state.dtype[name].base)
        laid[self._begins], laid[self.rows] = self._state[name], values
        self._columns[name] = laid
        return laid

    def after(self) -> State:
        """Return what is remembered after the batch."""
        state = self._state.copy()
        for name, laid in self._columns.items():
            state[name] = laid[self._ends]
        return state


detector = FeedbackSkew()
