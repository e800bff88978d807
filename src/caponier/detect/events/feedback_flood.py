"""Chaff: a source that floods a model's feedback with mutants of a few inputs.

Somebody who wants to spoil what a model learns from feedback, or to tire out those who look it through, makes many
examples of a few by changing them a little. Each of a source's examples is compared with its last 96: how many lie as
close to it as mutants of one original do, which is a fraction of the usual distance between two benign inputs of their
size, for pale pictures are all close to each other. Exact repeats count as well. An honest contributor who sends turned
and moved views of each picture makes clusters of a handful; chaff makes one of dozens.

What is remembered of an example are eight random projections (Johnson and Lindenstrauss 1984) and its length: in whole
numbers, so that nothing depends on how a stream was cut, and of the same size whatever the model takes.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
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
from caponier.detect.wording import how_many
from caponier.matrix.technique import TechniqueId

WINDOW: Final = 96
"""Examples of a source among which the like are counted."""
PROJECTIONS: Final = 8
SEED: Final = 20_201_024
NEAR: Final = 1 / 6
"""Share of the usual squared distance below which two examples are mutants of one."""
USUAL: Final = 0.5
"""Squared distance in squared lengths of an input, where no benign input tells: of values drawn evenly from 0 up."""
SCALE: Final = 10_000
BLOCK: Final = 1_024
"""Examples compared at a time, which bounds memory."""


class FeedbackFlood:
    """Counts how many of a source's last examples are mutants of the newest one."""

    name = "feedback_flood"
    statistic = "mutants_of_one_example"
    techniques = (
        TechniqueId("atlas", "AML.T0046"),
        TechniqueId("atlas", "AML.T0059"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.03.03"),
    )
    subject = Subject.PRINCIPAL
    counts = Counts.EVENTS
    needs = frozenset({Signal.PRINCIPAL, Signal.INPUT, Signal.FEEDBACK, Signal.BASELINE})
    columns = frozenset({Column.OPERATION, Column.FEEDBACK})
    state = np.dtype([("count", np.int32), ("sketch", np.int32, (WINDOW, PROJECTIONS + 1))])
    state_version = 1
    floor = 16
    suspect = 64.0
    max_confidence = Confidence.MEDIUM
    emulations = ("feedback_chaff",)
    controls = ("confirmer", "corrector", "hard_cases", "noisy_annotator", "augmenting_annotator")

    def fit(self, benign: EventBatch) -> Params:
        """Learn how far apart benign inputs are, in squared lengths of an input."""
        inputs = benign.query[benign.key != 0].astype(np.int64)
        # Twice the variance, from whole sums: the same in whatever order the subjects come.
        total, squares, n = inputs.sum(axis=0), int(np.square(inputs).sum()), max(len(inputs), 1)
        usual = 2 - 2 * float(np.square(total / n).sum()) / (squares / n) if squares else USUAL
        return {"near": np.array([int(NEAR * max(usual, 0.0) * PROJECTIONS * SCALE)], np.int64)}

    def priors(self) -> tuple[Params, float] | None:
        """How far apart inputs are, only a baseline can tell."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Count, at each example that was sent back, the earlier ones that are like it."""
        after, scores = state.copy(), np.zeros(len(batch), np.int64)
        rows = np.flatnonzero(_sent_back(batch))
        if rows.size:
            sketches = _sketches(batch.query[rows].astype(np.int32))
            sources, first, own, counts = np.unique(
                batch.subject[rows], return_index=True, return_inverse=True, return_counts=True
            )
            begins, at = first + WINDOW * np.arange(len(sources)), np.arange(len(rows)) + WINDOW * (own + 1)
            laid = np.empty((len(rows) + WINDOW * len(sources), PROJECTIONS + 1), np.int32)
            laid[begins[:, None] + np.arange(WINDOW)] = state["sketch"][sources]
            laid[at] = sketches
            held = np.minimum(at - begins[own] - WINDOW + state["count"][sources][own], WINDOW)
            scores[rows] = _like(laid, at, held, int(params["near"][0]))
            ends = begins + WINDOW + counts
            after["sketch"][sources] = laid[ends[:, None] - WINDOW + np.arange(WINDOW)]
            after["count"][sources] = np.minimum(state["count"][sources] + counts, WINDOW)
        return after, scores

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Say how large the cluster has grown."""
        score = int(events.signals["score"][-1])
        summary = (
            f"One caller sent back {how_many(score, 'near copy', 'near copies')} of one example "
            f"(among its last {WINDOW} examples)"
        )
        return Explanation(summary, {"mutants": score, "window": WINDOW}, np.array([len(events) - 1]))


def _sent_back(batch: EventBatch) -> NDArray[np.bool_]:
    """Tell the events that hold an example which was sent back as feedback."""
    feedback = batch.signals.get(Column.FEEDBACK, np.zeros(len(batch), np.uint64)) != 0
    operation = batch.signals.get(Column.OPERATION, np.zeros(len(batch), np.uint8))
    sent: NDArray[np.bool_] = (batch.key != 0) & (feedback | (operation == OPERATIONS.index("feedback")))
    return sent


@cache
def _signs(width: int) -> NDArray[np.int32]:
    """Return (width, PROJECTIONS) ones and minus ones, always the same."""
    return np.random.default_rng(SEED).choice(np.array([-1, 1], np.int32), (width, PROJECTIONS))


def _sketches(inputs: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the projections of inputs (n, width), and behind them their squared lengths; (n, PROJECTIONS + 1)."""
    sketches: NDArray[np.int32] = np.empty((len(inputs), PROJECTIONS + 1), np.int32)
    sketches[:, :-1] = inputs @ _signs(inputs.shape[1])
    np.einsum("ij,ij->i", inputs, inputs, out=sketches[:, -1])
    return sketches


def _like(laid: NDArray[np.int32], at: NDArray[np.int64], held: NDArray[np.int64], near: int) -> NDArray[np.int64]:
    """Count, for each of some examples, those before it that are like it.

    Args:
        laid: (r, PROJECTIONS + 1) what is remembered of each source with its new examples behind.
        at: (m,) where the new examples stand.
        held: (m,) how many before each are examples at all.
        near: Squared distance of projections up to which two are alike, in ten-thousandths of the squared length of
            the shorter one.
    """
    counts = np.zeros(len(at), np.int64)
    for start in range(0, len(at), BLOCK):
        own, most = at[start : start + BLOCK], int(held[start : start + BLOCK].max())
        if not most:
            continue
        # As many rows before each example as any of them looks back to, oldest first.
        before = sliding_window_view(laid, most, axis=0)[own - most].astype(np.int64)
        newest = laid[own].astype(np.int64)[:, :, None]
        apart = np.square(before[:, :-1] - newest[:, :-1]).sum(axis=1)
        alike = apart * SCALE <= near * np.minimum(before[:, -1], newest[:, -1])
        real = np.arange(most) >= most - held[start : start + BLOCK, None]
        counts[start : start + BLOCK] = (alike & real).sum(axis=1)
    return counts


detector = FeedbackFlood()
