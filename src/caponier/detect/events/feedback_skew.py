"""Poisoned feedback: a source that tells a model, again and again, that the answer is one and the same label.

Who teaches a model something wrong through its feedback (Microsoft's Tay, 2016) must contradict it often, and in one
direction. Honest people contradict it, too: where it errs, in as many directions as it errs, and mostly they agree. A
new topic makes many of them send one label, but then many hands do it, and the model follows before any one of them has
said it often. So of a source's last 100 events the feedback that contradicts the answer in favour of one label is
counted against all its other feedback: three for each of the former, minus one for each of the latter. A source of
which less than a quarter of the feedback goes one way never scores.
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
KEPT: Final = 64
"""Of these, the last ones with feedback."""
AGAINST: Final = 3
"""What each contradiction in favour of the label counts; any other feedback counts minus one."""
COLD_START: Final = 75
"""Threshold without a baseline: at least 25 contradictions in favour of one label."""
SUSPECT: Final = 90.0
"""Sources of the benign log that score more are set aside."""
NOWHERE: Final = -(1 << 40)
"""Place of feedback that never was, before every window."""


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
        [("events", np.int64), ("place", np.int64, (KEPT,)), ("label", np.uint64, (KEPT,)), ("told", np.bool_, (KEPT,))]
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
        after, scores = state.copy(), np.zeros(len(batch), np.int64)
        counts = np.diff(batch.offsets)
        place = np.arange(len(batch)) + np.repeat(state["events"] - batch.offsets[:-1], counts)
        after["events"] += counts
        feedback = batch.signals.get(Column.FEEDBACK, np.zeros(len(batch), np.uint64))
        rows = np.flatnonzero((feedback != 0) & (batch.label != 0))
        if rows.size:
            told = _Told(state, batch.subject[rows], place[rows], feedback[rows], batch.label[rows] != feedback[rows])
            scores[rows] = told.scores()
            for name, values in told.newest().items():
                after[name][told.sources] = values
        return after, scores

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


class _Told:
    """The feedback of some sources: what is remembered, and behind it that of a batch.

    Args:
        state: (s,) of all subjects.
        source: (m,) of each piece of feedback in the batch, ascending.
        place: (m,) how many events its source sent before it.
        label: (m,) the label that was sent.
        against: (m,) whether it contradicts the answer.
    """

    def __init__(
        self,
        state: State,
        source: NDArray[np.int64],
        place: NDArray[np.int64],
        label: NDArray[np.uint64],
        against: NDArray[np.bool_],
    ) -> None:
        self.sources, first, own, counts = np.unique(source, return_index=True, return_inverse=True, return_counts=True)
        begins = first + KEPT * np.arange(len(self.sources))
        self._ends = begins + KEPT + counts
        self._rows = np.arange(len(source)) + KEPT * (own + 1)
        known = (begins[:, None] + np.arange(KEPT)).ravel()
        remembered = state[self.sources]
        there = remembered["label"].ravel() != 0
        self._place = self._laid(known, np.where(there, remembered["place"].ravel(), NOWHERE), place)
        self._label = self._laid(known, remembered["label"].ravel(), label)
        self._told = self._laid(known, remembered["told"].ravel(), against)

    def _laid(self, known: NDArray[np.int64], before: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
        laid = np.empty(len(known) + len(self._rows), new.dtype)
        laid[known], laid[self._rows] = before, new
        return laid

    def newest(self) -> dict[str, NDArray[Any]]:
        """Return the state of each source after the batch, (sources, KEPT) each."""
        last = self._ends[:, None] - KEPT + np.arange(KEPT)
        return {"place": self._place[last], "label": self._label[last], "told": self._told[last]}

    def scores(self) -> NDArray[np.int64]:
        """Return the score at each piece of feedback of the batch; 0 where it agrees."""
        scores = np.zeros(len(self._rows), np.int64)
        against = np.flatnonzero(self._told[self._rows])
        at = self._rows[against]
        # The window ends at the row itself; KEPT rows of the same source always stand before the batch's first.
        begin = at - KEPT + 1
        recent = sliding_window_view(self._place, KEPT)[begin] > (self._place[at] - WINDOW)[:, None]
        same = sliding_window_view(self._label, KEPT)[begin] == self._label[at][:, None]
        for_it = (recent & same & sliding_window_view(self._told, KEPT)[begin]).sum(axis=1)
        scores[against] = np.maximum((AGAINST + 1) * for_it - recent.sum(axis=1), 0)
        return scores


detector = FeedbackSkew()
