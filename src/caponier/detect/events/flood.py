"""Denial of service: one principal asks more within ten seconds than benign clients do, or goes on though refused.

Every event counts, repeats and requests without an input included: they keep the model busy all the same. Time is the
event's own, in whole seconds, so that a log that is read late or in pieces gives the same counts.

How much a service bears it says itself. Whoever is turned away for overload asks again, and is answered in the end;
whoever goes on although more is refused than answered does not need the answers. So refusals are added up, an answer
takes one away, and the sum never falls below zero: once over all requests, and once over those alone that ask what
was asked before, for ordinary requests in between must not make up for a few rows over and over. An outage answers
everybody alike, however often anybody asks: of failures in a row only the first ones count, as refusals by a limit do
always. What is wrong with a request, or breaks, is no answer and makes up for nothing. What benign callers come to, and
a number at least, weighs as much as the least rate that counts.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import (
    OPERATIONS,
    Column,
    Confidence,
    Counts,
    Explanation,
    Params,
    Scores,
    Signal,
    State,
    Subject,
)
from caponier.detect.windows import above_zero, run_lengths
from caponier.detect.wording import how_many
from caponier.matrix.technique import TechniqueId

SECONDS: Final = 10
"""The window: the second of the event and the nine before it."""
FLOOR: Final = 200
"""Twenty a second: what any client may do."""
MICROS: Final = 1_000_000
LIMITED: Final = 429
"""Told to who passes a limit."""
FAILED: Final = 400
"""From here on a status tells that there is no answer: what is wrong costs little, and makes up for nothing."""
BROKEN: Final = 500
"""From here on it is the service that fails: whatever it says in a row is one trouble."""
DOWN: Final = (502, 503, 504)
"""Told to everybody while a service is overloaded, or is not there."""
CHEAP: Final = tuple(map(OPERATIONS.index, ("metadata", "health")))
"""What is answered while a service is overloaded, so that such an answer makes up for nothing."""
OUTAGE: Final = 3
"""So many of its failures in a row count, if they are refusals for that reason."""
REFUSALS: Final = 20
"""Beyond the answers, that weigh as much as `FLOOR` at least."""
USUAL: Final = "refusals"
"""Parameter (1,): how many weigh as much."""
SHARE: Final = 0.97
"""Of benign callers come to no more: floods may be among the others."""
KINDS: Final = 2
"""A score is twice what it counts, and one more where it counts refusals: people are told the count alone."""


class Flood:
    """Counts a principal's events within ten seconds, and what is refused for overload beyond what is answered."""

    name = "flood"
    statistic = "requests_or_refusals"
    kinds = KINDS
    techniques = (
        TechniqueId("atlas", "AML.T0029"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.02"),
    )
    subject = Subject.PRINCIPAL
    counts = Counts.WINDOWS
    needs = frozenset({Signal.PRINCIPAL, Signal.BASELINE})
    columns = frozenset({Column.OPERATION, Column.STATUS})
    state = np.dtype(
        [
            ("second", np.int64),
            ("events", np.int64, (SECONDS,)),
            ("down", np.int64),
            ("refused", np.int64),
            ("repeated", np.int64),
        ]
    )
    state_version = 2
    floor = KINDS * FLOOR + 1
    suspect = None
    max_confidence = Confidence.HIGH
    emulations = ("flood",)
    controls = ("heavy", "burst", "batch_scoring", "flash_crowd", "camera")

    def fit(self, benign: EventBatch) -> Params:
        """Learn what benign callers are refused beyond what they are answered; the usual rate is in their maxima."""
        beyond = _beyond_answers(benign, np.zeros(benign.subjects, self.state))[0]
        peaks = np.zeros(benign.subjects, np.int64)
        np.maximum.at(peaks, benign.subject, beyond)
        usual = int(np.quantile(peaks, SHARE, method="higher")) if peaks.size else 0
        return {USUAL: np.array([np.clip(usual, REFUSALS, FLOOR)], np.int64)}

    def priors(self) -> tuple[Params, float] | None:
        """What a usual rate is, only a baseline can tell."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Count, at each event, those of its second and the nine before it, and refusals beyond answers up to it."""
        second, subject = batch.time // MICROS, batch.subject
        rate = _in_batch(second, batch.offsets, subject) + _before(second, subject, state)
        beyond, refused = _beyond_answers(batch, state)
        weight = beyond * FLOOR // int(params[USUAL][0])
        after = _after(second, batch, refused)
        return after, np.where(weight > rate, KINDS * weight + 1, KINDS * rate)

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Say how many events there were, or how many were refused beyond those that were answered."""
        count, by_refusals = divmod(int(events.signals["score"][-1]), KINDS)
        last = np.array([len(events) - 1])
        if by_refusals:
            beyond = -(-count * int(params[USUAL][0]) // FLOOR)
            more = f"{how_many(beyond, 'request')} more {'was' if beyond == 1 else 'were'} refused than answered"
            summary = f"One caller went on asking while the service was overloaded: {more}"
            return Explanation(summary, {"refused_beyond_answers": beyond}, last)
        summary = f"One caller sent {how_many(count, 'request')} in {how_many(SECONDS, 'second')}"
        facts = {"events": count, "seconds": SECONDS, "events_per_second": round(count / SECONDS, 1)}
        return Explanation(summary, facts, last)


def _beyond_answers(batch: EventBatch, state: State) -> tuple[NDArray[np.int64], State]:
    """Return how many more of a subject's requests were refused than answered, at each row (n,), and the new state."""
    after, n = state.copy(), len(batch)
    operation, status = (batch.signals.get(one, np.zeros(n, np.int64)) for one in (Column.OPERATION, Column.STATUS))
    row, after["down"] = run_lengths(status >= BROKEN, batch.offsets, state["down"])
    # Nothing is known of an event without a status, and an outage that goes on says nothing new.
    refusal = (status == LIMITED) | (np.isin(status, DOWN) & (row <= OUTAGE))
    answer = (status > 0) & (status < FAILED) & ~np.isin(operation, CHEAP)
    step = refusal.astype(np.int64) - answer
    again = (batch.key != 0) & ~batch.signals.get("unique", np.ones(n, bool))
    refused, after["refused"] = above_zero(step, batch.offsets, state["refused"])
    repeated, after["repeated"] = above_zero(np.where(again, step, 0), batch.offsets, state["repeated"])
    return np.maximum(refused, repeated), after


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
