"""Poisoned feedback in all directions: a source that says of far too many answers that they are wrong.

Who spoils what a model learns from its users need not push it towards one answer (see `feedback_skew`): labels that
are wrong at random do it too (Biggio, Nelson and Laskov 2012). Honest people contradict a model about as often as it
errs on what they ask: some confirm the rest, others send back corrections alone. So not how much of its feedback a
source contradicts with gives it away, but how many of the answers that it got. The hardest benign sources say what is
possible. For each answer it is weighed how much more often somebody would contradict it who spoils half of what these
let stand, in bits; what counts is the largest sum of answers in a row (a sequential test, Wald 1945, Page 1954).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.answered import ANSWERS, answers_to
from caponier.detect.batch import EventBatch
from caponier.detect.detector import Column, Confidence, Counts, Explanation, Params, Scores, Signal, State, Subject
from caponier.detect.windows import above_zero
from caponier.matrix.technique import TechniqueId

UNITS: Final = 16
"""Parts of a bit that scores are counted in."""
HARDEST: Final = 0.97
"""Share of the benign sources with feedback that contradict no more than is usual; the last few may be poisoners."""
LEAST: Final = 0.05
"""Share of answers that anybody may contradict, however good the model is to others."""
MOST: Final = 0.8
"""And from which on nothing can be told: benign sources contradict nearly whatever they are answered."""


class FeedbackDispute:
    """Weighs the answers that a source contradicts against those that it lets stand."""

    name = "feedback_dispute"
    statistic = "disputed_answers"
    techniques = (
        TechniqueId("atlas", "AML.T0020"),
        TechniqueId("atlas", "AML.T0031"),
        TechniqueId("atlas", "AML.T0046"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.03.03"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.03.04"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.01"),
    )
    subject = Subject.PRINCIPAL
    counts = Counts.EVENTS
    needs = frozenset({Signal.PRINCIPAL, Signal.LABEL, Signal.FEEDBACK, Signal.BASELINE})
    columns = frozenset({Column.FEEDBACK})
    state = np.dtype([("answers", ANSWERS), ("sum", np.int64)])
    state_version = 1
    floor = 8 * UNITS
    parts = UNITS
    suspect = None
    # Somebody whose whole work is what a model cannot do contradicts as much.
    max_confidence = Confidence.MEDIUM
    emulations = ("feedback_chaff",)
    controls = ("confirmer", "corrector", "hard_cases", "noisy_annotator", "trend_follower")

    def fit(self, benign: EventBatch) -> Params:
        """Learn which share of their answers the benign sources contradict that contradict most."""
        against, _, _ = _disputes(np.zeros(benign.subjects, ANSWERS), benign)
        speaking = np.bincount(benign.subject[_feedback(benign) != 0], minlength=benign.subjects) > 0
        wrong, answers = (
            np.bincount(benign.subject[rows], minlength=benign.subjects)[speaking]
            for rows in (against, np.flatnonzero(benign.label))
        )
        # Two that stand more than were seen: who got two answers and contradicted both says little.
        shares = wrong / (answers + 2)
        usual = float(np.quantile(shares, HARDEST, method="higher")) if shares.size else LEAST
        if usual > MOST:
            return {"bits": np.zeros(2, np.int64)}
        usual = max(usual, LEAST)
        spoiled = (1 + usual) / 2
        bits = np.rint(UNITS * np.log2([spoiled / usual, (1 - spoiled) / (1 - usual)])).astype(np.int64)
        return {"bits": bits}

    def priors(self) -> tuple[Params, float] | None:
        """How often a model errs, only a baseline can tell."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Add up the bits of each answer, from where the sum was last at nothing."""
        against, stands, answers = _disputes(state["answers"], batch)
        wrong, right = params["bits"].tolist()
        steps = np.zeros(len(batch), np.int64)
        steps[stands] = right
        # What an answer counted as long as it stood is taken back.
        steps[against] = wrong - np.where(batch.label[against] == 0, right, 0)
        after = state.copy()
        after["answers"] = answers
        sums, after["sum"] = above_zero(steps, batch.offsets, state["sum"])
        return after, np.where(steps > 0, sums, 0)

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Say how strong the evidence is."""
        bits = round(int(events.signals["score"][-1]) / UNITS, 1)
        summary = (
            f"One caller called far more of the model's answers wrong than benign callers do (evidence: {bits:g} bits)"
        )
        return Explanation(summary, {"evidence_bits": bits}, np.array([len(events) - 1]))


def _feedback(batch: EventBatch) -> NDArray[np.uint64]:
    feedback: NDArray[np.uint64] = batch.signals.get(Column.FEEDBACK, np.zeros(len(batch), np.uint64))
    return feedback


def _disputes(answers: State, batch: EventBatch) -> tuple[NDArray[np.int64], NDArray[np.int64], State]:
    """Return the rows that contradict an answer, those with an answer that they let stand, and the answers to keep."""
    feedback = _feedback(batch)
    known, after = answers_to(answers, batch, (feedback != 0) & (batch.label == 0))
    answer = np.where(batch.label != 0, batch.label, known)
    against = (feedback != 0) & (answer != 0) & (feedback != answer)
    return np.flatnonzero(against), np.flatnonzero((batch.label != 0) & ~against), after


detector = FeedbackDispute()
