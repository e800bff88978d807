"""Denial of service by rate: one principal asks more within ten seconds than benign clients do.

Every event counts, repeats and requests without an input included: they keep the model busy all the same. Time is the
event's own, in whole seconds, so that a log that is read late or in pieces gives the same counts.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Column, Confidence, Counts, Explanation, Params, Scores, Signal, State, Subject
from caponier.detect.wording import how_many
from caponier.matrix.technique import TechniqueId

SECONDS: Final = 10
"""The window: the second of the event and the nine before it."""
FLOOR: Final = 200
"""Twenty a second: what any client may do."""
MICROS: Final = 1_000_000


class Flood:
    """Counts a principal's events within ten seconds."""

    name = "flood"
    statistic = "events_in_10_seconds"
    techniques = (
        TechniqueId("atlas", "AML.T0029"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.02"),
    )
    subject = Subject.PRINCIPAL
    counts = Counts.WINDOWS
    needs = frozenset({Signal.PRINCIPAL, Signal.BASELINE})
    columns: frozenset[Column] = frozenset()
    state = np.dtype([("second", np.int64), ("events", np.int64, (SECONDS,))])
    state_version = 1
    floor = FLOOR
    suspect = None
    max_confidence = Confidence.HIGH
    emulations = ("flood",)
    controls = ("heavy", "burst", "batch_scoring", "flash_crowd", "camera")

    def fit(self, benign: EventBatch) -> Params:
        """Learn nothing: the usual rate is in the benign maxima."""
        return {}

    def priors(self) -> tuple[Params, float] | None:
        """What a usual rate is, only a baseline can tell."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Count, at each event, the events of its second and the nine seconds before it."""
        second, subject = batch.time // MICROS, batch.subject
        scores = _in_batch(second, batch.offsets, subject) + _before(second, subject, state)
        return _after(second, batch, state), scores

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Say how many events there were."""
        count = int(events.signals["score"][-1])
        summary = f"One caller sent {how_many(count, 'request')} in {how_many(SECONDS, 'second')}"
        facts = {"events": count, "seconds": SECONDS, "events_per_second": round(count / SECONDS, 1)}
        return Explanation(summary, facts, np.array([len(events) - 1]))


def _in_batch(second: NDArray[np.int64], offsets: NDArray[np.int64], subject: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, at each row, how many rows of the batch up to it are its subject's and of the last ten seconds."""
    if not len(second):
        return np.zeros(0, np.int64)
    # One number that rises with subject and second, so that one search finds where each window begins.
    since = second - second.min()
    place = subject * (since.max() + SECONDS) + since
    begin = np.maximum(np.searchsorted(place, place - (SECONDS - 1), side="left"), offsets[subject])
    counted: NDArray[np.int64] = np.arange(len(second)) - begin + 1
    return counted


def _before(second: NDArray[np.int64], subject: NDArray[np.int64], state: State) -> NDArray[np.int64]:
    """Return, at each row, how many events of the last ten seconds came before the batch."""
    since = np.zeros((len(state), SECONDS + 1), np.int64)
    since[:, :SECONDS] = np.cumsum(state["events"][:, ::-1], axis=1)[:, ::-1]
    passed: NDArray[np.int64] = since[subject, np.clip(second - state["second"][subject], 0, SECONDS)]
    return passed


def _after(second: NDArray[np.int64], batch: EventBatch, state: State) -> State:
    """Return the counts of each subject's last ten seconds, up to the second of its last event."""
    after = state.copy()
    filled = batch.offsets[1:] > batch.offsets[:-1]
    last = state["second"].copy()
    last[filled] = second[batch.offsets[1:][filled] - 1]
    moved = np.clip(last - state["second"], 0, SECONDS)
    padded = np.concatenate([state["events"], np.zeros_like(state["events"])], axis=1)
    events: NDArray[np.int64] = np.take_along_axis(padded, moved[:, None] + np.arange(SECONDS), axis=1)
    place = second - last[batch.subject] + SECONDS - 1
    recent = place >= 0
    np.add.at(events, (batch.subject[recent], place[recent]), 1)
    after["second"], after["events"] = last, events
    return after


detector = Flood()
