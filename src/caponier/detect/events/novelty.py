"""Inputs off the distribution of benign traffic: where attacks start.

Black-box searches start from noise or from a foreign image, and extraction with synthetic data stays there. Two
measures say how foreign a query is: its Mahalanobis distance from the benign inputs (Mahalanobis 1936; for adversarial
inputs, Lee et al. 2018), and how rarely benign inputs combine its values (`detect.dependence_tree`), which sees noise
and stripes that a covariance takes for a large but common change. The larger one counts as far as it exceeds what one
benign query in a thousand reaches, and no single query is enough for an alarm.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import (
    Column,
    Confidence,
    Counts,
    Explanation,
    Params,
    Scores,
    Signal,
    State,
    Structure,
    Subject,
)
from caponier.detect.rarity.dependence_tree import UNITS, common_tree, surprise_of
from caponier.detect.rarity.likely_values import likely, without_fillers
from caponier.detect.similarity.distances import far_from_earlier
from caponier.detect.windows import windowed_sum
from caponier.detect.wording import how_many, listed, within
from caponier.matrix.technique import TechniqueId

WINDOW: Final = 32
COMMON: Final = 0.999
"""Quantile of benign queries up to which one is not novel at all."""
CAP: Final = 256
"""What the most foreign single query counts: twice the common distance or more, or a surprise as far beyond the common
one as STEEP times the way from the median to it."""
STEEP: Final = 1.5
SUSPECT: Final = 4.0 * CAP
"""Four of the last 32 queries as foreign as can be."""
NOISE: Final = 40.0
"""Variance, in squared quantised units, that is taken for granted in every direction: 5 % of the range."""
SHRINKAGE: Final = 0.2
"""Share of the mean variance in each direction (Ledoit, Wolf 2004). Many benign queries show few different things, so
the directions in which they hardly vary are known worse than their number says: the next user brings new ones."""
ALIKE: Final = 1e-9
"""A common distance up to this is none: benign clients all send one and the same input."""
BLOCK: Final = 512
"""Rows that are looked at together, so that what belongs to them stays in the cache."""
WEIGHT: Final = 127
"""Projections have whole weights up to this, so that their sums are exact (see telemetry/features.py)."""


class Novelty:
    """Scores how far the last few different queries of a principal lie outside the benign inputs."""

    name = "novelty"
    statistic = "foreign_inputs"
    techniques = (
        TechniqueId("atlas", "AML.T0043.001"),
        TechniqueId("atlas", "AML.T0024.002"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.02"),
    )
    subject = Subject.PRINCIPAL
    counts = Counts.QUERIES
    needs = frozenset({Signal.PRINCIPAL, Signal.INPUT, Signal.BASELINE})
    columns: frozenset[Column] = frozenset()
    state = np.dtype([("evidence", np.int32, (WINDOW,))])
    state_version = 2
    # Two queries and a half: three hundred callers tell too little of the one in a thousand who has a rare view.
    floor = 2 * CAP + CAP // 2
    suspect = SUSPECT
    shows = Structure.FOREIGN
    # Rare but valid inputs are foreign too: by itself this says where to look, not what was done.
    max_confidence = Confidence.MEDIUM
    emulations = ("hop_skip_jump", "boundary")
    controls = ("random_user", "retrier", "poller", "augmenter", "heavy", "aging_camera")

    def fit(self, benign: EventBatch) -> Params:
        """Learn how benign inputs are spread, which values they combine, and how far common ones lie."""
        queries, _ = benign.queries()
        queries, tree = common_tree(queries)
        spread = _spread(queries.query)
        far = {"far": far_from_earlier(queries.signals["squared"], queries.subject)}
        distances, surprises = _distance(spread, queries.query), surprise_of(tree, queries.query)
        # What stands for missing values in the benign log does not make noise common.
        rows, query = without_fillers({**tree, **far}, queries)
        distances[rows] = np.minimum(distances[rows], _distance(spread, query))
        surprises[rows] = np.minimum(surprises[rows], surprise_of(tree, query))
        if not distances.size:
            return {**spread, **tree, **far, "common": np.ones(1), "usual": np.array([0, UNITS], np.int64)}
        usual = np.ceil(np.quantile(surprises, [0.5, COMMON])).astype(np.int64)
        usual[1] = max(usual[1], usual[0] + UNITS)
        return {**spread, **tree, **far, "common": np.array([np.quantile(distances, COMMON)]), "usual": usual}

    def priors(self) -> tuple[Params, float] | None:
        """Without benign inputs nothing is foreign."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Add up the excess of each subject's last 32 different queries."""
        queries, rows = batch.queries()
        after = state.copy()
        excess = _foreign(params, likely(params, queries))
        beyond = np.flatnonzero(excess)
        at, query = without_fillers(params, queries.take(beyond))
        excess[beyond[at]] = np.minimum(excess[beyond[at]], _foreign(params, query))
        sums, after["evidence"] = windowed_sum(excess, queries.offsets, state["evidence"])
        scores = np.zeros(len(batch), np.int64)
        scores[rows] = sums
        return after, scores

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Name the foreign queries among the last 32 different ones."""
        start = max(0, len(events) - WINDOW)
        recent = likely(params, events)[start:]
        distance, common = _distance(params, recent), float(params["common"][0])
        surprise, (median, usual) = surprise_of(params, recent), params["usual"]
        foreign = np.flatnonzero((distance > common) | (surprise > usual))
        rarest = round(float((surprise.max() - median) / (usual - median)), 2)
        # Benign clients that all send one and the same input keep no distance at all.
        farthest = round(float(distance.max()) / common, 2) if common > ALIKE else None
        seen = []
        if farthest is not None and farthest > 1:
            seen.append(f"they reach {farthest:.1f} in distance from benign inputs")
        if rarest > 1:
            seen.append(f"{rarest:.1f} in rarity of values" if seen else f"they reach {rarest:.1f} in rarity of values")
        details = f". Where 99.9 % of benign inputs stay below 1, {listed(seen)}" if seen else ""
        what = how_many(int(foreign.size), "input") if foreign.size else "rare inputs, but none"
        summary = (
            f"One caller sent {what} unlike any benign ones{within(events.time[foreign + start])}, among its last "
            f"{len(recent)} different inputs{details}"
        )
        facts = {"foreign": int(foreign.size), "farthest": farthest, "rarest": rarest, "window": len(recent)}
        return Explanation(summary, facts, foreign + start)


def _spread(query: NDArray[np.uint8]) -> Params:
    """Return the mean and the principal directions of rows (n, w), rounded so that projections are exact."""
    inputs = query.astype(np.float64)
    width = inputs.shape[1]
    # The middle of the range and no spread but the one taken for granted, as long as too little was seen.
    centre = inputs.mean(axis=0) if len(inputs) else np.full(width, 63.5)
    covariance = np.cov(inputs.T).reshape(width, width) if len(inputs) > 1 else np.zeros((width, width))
    spread = SHRINKAGE * np.trace(covariance) / width + NOISE
    covariance = (1 - SHRINKAGE) * covariance + spread * np.eye(width)
    directions = np.linalg.eigh(covariance)[1]
    weights = np.rint(WEIGHT * directions / np.abs(directions).max(axis=0)).astype(np.float32)
    # Variances along the rounded directions: what is scored is what was fitted.
    variance = np.einsum("ij,ik,kj->j", weights, covariance, weights)
    return {
        "weights": weights,
        "mean": np.rint(centre @ weights).astype(np.int64),
        "precision": 1.0 / (variance * width),
    }


def _distance(params: Params, query: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the (n,) Mahalanobis distances, divided by the square root of the width."""
    distance = np.empty(len(query), np.float64)
    for start in range(0, len(query), BLOCK):
        some = slice(start, start + BLOCK)
        # The product is a sum of whole numbers below 2**24: exact in float32 whatever the BLAS does with the batch.
        projected = (query[some].astype(np.float32) @ params["weights"]).astype(np.float64) - params["mean"]
        squares: Any = np.square(projected) * params["precision"]
        # Row by row over contiguous memory: the order of the sum depends on the width alone.
        distance[some] = np.sqrt(np.add.reduce(np.ascontiguousarray(squares), axis=1))
    return distance


def _foreign(params: Params, query: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how foreign each row (n, w) is, (n,) from 0 to CAP."""
    foreign: NDArray[np.int64] = np.maximum(_excess(params, query), _unlikely(params, query))
    return foreign


def _excess(params: Params, query: NDArray[np.uint8]) -> NDArray[np.int64]:
    common = max(float(params["common"][0]), np.finfo(np.float64).tiny)
    # Where benign inputs are all one and the same, any other is as foreign as can be.
    with np.errstate(over="ignore"):
        beyond = np.clip(_distance(params, query) / common - 1, 0, 1)
    excess: NDArray[np.int64] = np.floor(CAP * beyond).astype(np.int64)
    return excess


def _unlikely(params: Params, query: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how far the surprise of each row goes beyond the common one, (n,) from 0 to CAP."""
    median, usual = params["usual"]
    beyond = np.clip((surprise_of(params, query) - usual) / (STEEP * (usual - median)), 0, 1)
    unlikely: NDArray[np.int64] = np.floor(CAP * beyond).astype(np.int64)
    return unlikely


detector = Novelty()
