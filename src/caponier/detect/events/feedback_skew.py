"""Poisoned feedback: a source that tells a model, again and again, that the answer is one and the same label.

Who teaches a model something wrong through its feedback (Microsoft's Tay, 2016) must contradict it often, and in one
direction. Honest people contradict it, too: where it errs, in as many directions as it errs, and mostly they agree, or
let the answer stand. Of a source's last 100 events the feedback that contradicts an answer in favour of one label is
counted against what speaks for the model: three points for each of the former, minus one for all other feedback and for
each answer with that label which it let stand, and minus a quarter for each question more than there is feedback.

Three things tell honest bunches of contradictions from steering:

- many views of one input, sent one after the other, are one contradiction: the same answer, corrected to the same label
  within seconds, counts once;
- what is older than five minutes counts a third. A new topic makes many hands contradict the model, and it follows
  before any one of them has said it often within minutes; who steers it alone must be quick, or go on for long;
- chance brings two or three together now and then, and each further one far more rarely: so the score grows faster than
  the points do, as their square root times themselves.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from caponier.detect.answered import ANSWERS, answers_to
from caponier.detect.batch import EventBatch
from caponier.detect.detector import Column, Confidence, Counts, Explanation, Params, Scores, Signal, State, Subject
from caponier.detect.wording import times
from caponier.matrix.technique import TechniqueId

WINDOW: Final = 100
"""Events of a source that count, answers without feedback included."""
QUARTERS: Final = 4
"""Points are counted in quarters."""
AGAINST: Final = 3
"""Points for a contradiction in favour of the label; what speaks for the model counts minus one."""
OLD: Final = 1
"""Points for a contradiction that is older than RECENT."""
RECENT: Final = 300 * 1_000_000
BURST: Final = 10 * 1_000_000
"""Microseconds since the same correction of the same answer within which a contradiction is no new one."""
COLD_START: Final = 25
"""Contradictions within five minutes, in favour of one label, that are an alarm without a baseline."""
FEWEST: Final = 4
"""So many are nothing, however quiet benign sources are."""
SUSPECT: Final = 30
"""Sources of the benign log that made more are set aside."""
BLOCK: Final = 4_096
"""Contradictions looked at together, which bounds memory."""


class Kind(IntEnum):
    """What an event is; 0 where there is none."""

    QUESTION = 1
    """An answer that nothing is said about, at least not yet."""
    TOLD = 2
    """Feedback that contradicts nothing."""
    CONTRADICTION = 3
    REPEATED = 4
    """A contradiction that was made a moment before."""


def score_of(contradictions: int) -> int:
    """Return what so many contradictions within five minutes score, if nothing speaks for the model."""
    return int(_scores(np.array([QUARTERS * AGAINST * contradictions]))[0])


def _scores(quarters: NDArray[Any]) -> NDArray[np.int64]:
    """Return the scores (m,) of quarter points (m,): half of their power of one and a half; 0 below none."""
    scores: NDArray[np.int64] = np.rint(np.maximum(quarters, 0) ** 1.5 / 2).astype(np.int64)
    return scores


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
            ("kind", np.uint8, (WINDOW,)),
            ("answer", np.uint64, (WINDOW,)),
            ("said", np.uint64, (WINDOW,)),
            ("time", np.int64, (WINDOW,)),
            ("answers", ANSWERS),
        ]
    )
    state_version = 3
    floor = score_of(FEWEST)
    suspect = float(score_of(SUSPECT))
    max_confidence = Confidence.HIGH
    emulations = ("steered_feedback",)
    controls = ("confirmer", "corrector", "hard_cases", "noisy_annotator", "trend_follower")

    def fit(self, benign: EventBatch) -> Params:
        """Learn nothing: what is usual is in the benign maxima."""
        return {}

    def priors(self) -> tuple[Params, float]:
        """Take it that a model which errs so often in one direction would not be in use."""
        return {}, float(score_of(COLD_START))

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Score, at each contradiction, the source's last 100 events for the label that it favours."""
        feedback = batch.signals.get(Column.FEEDBACK, np.zeros(len(batch), np.uint64))
        known, answers = answers_to(state["answers"], batch, (feedback != 0) & (batch.label == 0))
        answer = np.where(batch.label != 0, batch.label, known)
        kind = _kinds(answer, feedback)
        laid = _Laid(state, batch.offsets)
        columns = {
            "kind": laid.of("kind", kind),
            "answer": laid.of("answer", answer),
            "said": laid.of("said", np.where(feedback == 0, answer, feedback)),
            "time": laid.of("time", batch.time),
        }
        scores, rows = np.zeros(len(batch), np.int64), np.flatnonzero(kind == Kind.CONTRADICTION)
        blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
        for own in blocks:
            ends = laid.rows[own]
            columns["kind"][ends[_repeated(columns, ends)]] = Kind.REPEATED
        for own in blocks:
            scores[own] = _scores(_quarters(columns, laid.rows[own]))
        after = laid.after()
        after["answers"] = answers
        return after, scores

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Say how one-sided the feedback was."""
        score = int(events.signals["score"][-1])
        least = next(count for count in range(1, WINDOW + 1) if score_of(count) >= score or count == WINDOW)
        summary = (
            "One caller corrected the model's answers again and again to the same label, and hardly ever to another "
            f"(at least {times(least)} in its last {WINDOW} requests)"
        )
        facts = {"score": score, "contradictions_at_least": least, "window": WINDOW}
        return Explanation(summary, facts, np.array([len(events) - 1]))


def _kinds(answer: NDArray[np.uint64], feedback: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Tell what each of n events is, as far as it can be seen by itself; an event that is neither is none."""
    against = (feedback != 0) & (answer != 0) & (feedback != answer)
    spoken = np.where(against, np.uint8(Kind.CONTRADICTION), np.uint8(Kind.TOLD))
    silent = np.where(answer != 0, np.uint8(Kind.QUESTION), np.uint8(0))
    kinds: NDArray[np.uint8] = np.where(feedback != 0, spoken, silent).astype(np.uint8)
    return kinds


def _windows(columns: Mapping[str, NDArray[Any]], ends: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Return the (m, WINDOW) last events up to and including each of m; before a source's own there are none."""
    return {name: sliding_window_view(laid, WINDOW)[ends - WINDOW + 1] for name, laid in columns.items()}


def _repeated(columns: Mapping[str, NDArray[Any]], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which of m contradictions the source made a moment before: the same answer, and the same said of it."""
    past = _windows(columns, ends)
    same: NDArray[np.bool_] = past["kind"] >= Kind.CONTRADICTION
    for name in ("answer", "said"):
        same &= past[name] == past[name][:, -1:]
    same &= past["time"] >= past["time"][:, -1:] - BURST
    # Of the contradiction itself that is true as well.
    repeated: NDArray[np.bool_] = same.sum(axis=1) > 1
    return repeated


def _quarters(columns: Mapping[str, NDArray[Any]], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Weigh the contradictions in favour of what each of m last events says against all else; quarter points (m,)."""
    past = _windows(columns, ends)
    kind, alike = past["kind"], past["said"] == past["said"][:, -1:]
    spoken, asked = kind >= Kind.TOLD, kind == Kind.QUESTION
    told = spoken & ~(alike & (kind >= Kind.CONTRADICTION))
    new = alike & (kind == Kind.CONTRADICTION)
    recent = new & (past["time"] >= past["time"][:, -1:] - RECENT)
    points = (AGAINST - OLD) * recent.sum(axis=1) + OLD * new.sum(axis=1)
    points -= told.sum(axis=1) + (asked & alike).sum(axis=1)
    # Each question that got feedback has one event of its own and one of the feedback.
    silent = np.maximum(asked.sum(axis=1) - spoken.sum(axis=1), 0)
    quarters: NDArray[np.int64] = QUARTERS * points - silent
    return quarters


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
