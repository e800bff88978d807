"""Adversarial inputs that were made elsewhere and are sent once: offline evasion, by transfer from another model.

There is no search to be seen, only inputs. Three figures about each, for which the model was asked beforehand
(`detect.enrichments`), say how little such an input bears being squeezed, how far it lies from the benign inputs that
are answered alike, and whether its benign neighbours are answered otherwise. Each figure counts by how few benign
queries reach it, in quarter bits, and what the three say is the root of the sum of their squares: one that is sure is
not to be outvoted by two that see nothing, as a plain sum lets it be. Honest inputs are odd as well, if more seldom:
what 95 % of benign queries stay below counts nothing, and the score is the sum of the rest over a principal's last 32
different queries, views of one thing left out. Even so it is a weak signal.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import (
    Confidence,
    Counts,
    Enriched,
    Explanation,
    Params,
    Scores,
    Signal,
    State,
    Subject,
)
from caponier.detect.rarity.signal_rarity import QUARTERS, STATE, WINDOW, levels, values_of
from caponier.detect.similarity.nearest_query import FAR
from caponier.detect.windows import windowed_sum
from caponier.matrix.technique import TechniqueId

FIGURES: Final = (Enriched("class_distance", 3), Enriched("neighbour_ratio", 3), Enriched("squeezing", 4))
WORTH: Final = (3, 2, 2)
"""Halves that each figure's quarter bits count: distances tell most, and alone are what an attacker would avoid."""
LEVELS: Final = 48
"""Quarter bits that a figure counts at most: one benign query in 4,096."""
COMMON: Final = 0.95
"""Quantile of the evidence of benign queries up to which a query counts nothing."""
MOST: Final = 24
"""What one query counts at most: a single odd input is no alarm."""
NEAR: Final = 0.5
"""Quantile of the steps between benign queries below which a query is a view of one that was asked before."""


class AdversarialInput:
    """Adds up how unlike benign inputs the last few different queries of a principal are, by what the model says."""

    name = "adversarial_input"
    statistic = "adversarial_evidence"
    techniques = (
        TechniqueId("atlas", "AML.T0043.002"),
        TechniqueId("atlas", "AML.T0015"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.01"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.V3"),
    )
    subject = Subject.PRINCIPAL
    # An event that counts is explained with its figures; repeats are passed over here.
    counts = Counts.EVENTS
    needs = frozenset({Signal.PRINCIPAL, Signal.INPUT, Signal.BASELINE})
    columns = frozenset(FIGURES)
    state = STATE
    state_version = 2
    floor = 2 * MOST
    suspect = None
    max_confidence = Confidence.LOW
    emulations = ("transfer",)
    controls = ("random_user", "retrier", "poller", "low_contrast", "augmenter")

    def fit(self, benign: EventBatch) -> Params:
        """Learn how seldom benign queries reach which figures, and how much evidence is common."""
        queries, _ = benign.queries()
        params = {figure.name: levels(values_of(queries, figure), LEVELS) for figure in FIGURES}
        evidence = evidence_of(params, queries)
        common = np.quantile(evidence, COMMON, method="higher") if evidence.size else 0
        steps = queries.signals["squared"]
        steps = steps[steps != FAR]
        near = np.quantile(steps, NEAR, method="lower") if steps.size else 0
        return {**params, "common": np.array([common], np.int64), "near": np.array([near], np.int64)}

    def priors(self) -> tuple[Params, float] | None:
        """What figures are usual, only a baseline can tell."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Add up the uncommon evidence of each principal's last 32 different queries."""
        queries, rows = batch.queries()
        after, scores = state.copy(), np.zeros(len(batch), np.int64)
        excess = np.clip(evidence_of(params, queries) - params["common"][0], 0, MOST)
        # Whoever photographs one odd thing again and again has sent one odd thing.
        excess[queries.signals["squared"] < params["near"][0]] = 0
        scores[rows], after["evidence"] = windowed_sum(excess, queries.offsets, state["evidence"])
        return after, scores

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Give the figures of the last query, and how few benign ones reach them."""
        score = int(events.signals["score"][-1])
        last = {figure.name: values_of(events, figure)[-1] for figure in FIGURES}
        bits = {
            figure.name: int(np.searchsorted(params[figure.name], last[figure.name], side="right")) / QUARTERS
            for figure in FIGURES
        }
        summary = (
            "One caller sent inputs that the model answers in ways that are rare for benign inputs (evidence of the "
            f"last {WINDOW} different inputs: {score / QUARTERS:g} bits)"
        )
        values = {
            figure.name: None if last[figure.name] < 0 else int(last[figure.name]) / 10**figure.digits
            for figure in FIGURES
        }
        facts = {"evidence_bits": score / QUARTERS, "window": WINDOW, "bits": bits, "values": values}
        return Explanation(summary, facts, np.array([len(events) - 1]))


def evidence_of(params: Params, queries: EventBatch) -> NDArray[np.int64]:
    """Return the (q,) evidence of single queries, in quarter bits: the root of the sum of squares of the figures'."""
    reached = [np.searchsorted(params[figure.name], values_of(queries, figure), side="right") for figure in FIGURES]
    squares = np.sum([np.square(worth * own) for worth, own in zip(WORTH, reached, strict=True)], axis=0)
    evidence: NDArray[np.int64] = np.sqrt(squares.astype(np.float64)).astype(np.int64) // 2
    return evidence


detector = AdversarialInput()
