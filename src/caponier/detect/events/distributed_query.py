"""Online evasion by many accounts: one search for the decision boundary, whoever asks its queries.

What `iterative_query` sees in one caller is spread thin when accounts take turns: no account ever asks near what it
asked itself. But a search still comes together in a cell or two of like queries (see `detect.cells`), as near copies of
one input meet in similarity hashes (Li et al. 2022 watch those for attacks by many accounts). Two things together give
it away there, neither of them alone:

- steps from an earlier query of the cell, whoever sent that one, smaller than nearly all that benign callers make, by
  themselves and as a part of what the query holds: of texts of a word each, any two are near;
- answers that flip along such steps. A picture that goes round and is sent by hundreds of people, each copy encoded
  anew, makes as many small steps as any search, and its answers agree.

Who sent what is not looked at: a search by one caller scores the same. Where that caller was told of before, nothing
more is said (`app.inference.findings`); else the finding says that it is one caller's.

The score is the square of the evidence. Two accidents in one cell are far more than twice as rare as one, which a tail
that is taken to fall exponentially has to see: in three benign logs of nineteen a single cell has had two, and the
estimated threshold was then three times as far.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Column, Confidence, Counts, Explanation, Params, Scores, Signal, State, Subject
from caponier.detect.similarity.nearest_query import FAR
from caponier.detect.windows import windowed_sum
from caponier.detect.wording import how_many, times, within
from caponier.matrix.technique import TechniqueId

WINDOW: Final = 64
"""Different queries of a cell over which the evidence adds up: more than of one caller, as others ask in between."""
LEVELS: Final = 8
"""Quarter bits of closeness: a step of a quarter of the limit or less counts as 8 of them, so that no single one,
however small, is an alarm."""
FLIP: Final = 4
"""A small step counts four times if the answer flips on it; those without count once, and together at most as much."""
FEWEST_FLIPS: Final = 2
"""One is an accident: some picture lies on the boundary by chance."""
ENOUGH: Final = 48
"""Evidence from which on it may be a search: two steps with flips, of six quarter bits each."""
TINY: Final = 1e-9
"""For a query that no step leads to, so that nothing is divided by nothing."""
FEWEST_STEPS: Final = 50
"""Steps of a cell from which its smallest one says something."""


class DistributedQuery:
    """Scores small steps on which answers flip, among like queries of all callers."""

    name = "distributed_query"
    statistic = "flipping_steps"
    techniques = (
        TechniqueId("atlas", "AML.T0043.001"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"),
    )
    subject = Subject.BUCKET
    counts = Counts.QUERIES
    needs = frozenset({Signal.PRINCIPAL, Signal.INPUT, Signal.LABEL})
    columns: frozenset[Column] = frozenset()
    state = np.dtype([(name, np.int32, (WINDOW,)) for name in ("flipped", "flips", "steady")])
    state_version = 3
    floor = ENOUGH**2
    suspect = None
    max_confidence = Confidence.HIGH
    emulations = ("shared_hop_skip_jump",)
    controls = (
        "random_user",
        "retrier",
        "poller",
        "augmenter",
        "heavy",
        "camera",
        "low_contrast",
        "one_class",
        "flash_crowd",
        "batch_scoring",
    )

    def fit(self, benign: EventBatch) -> Params:
        """Learn which step between different queries is as small as the smallest that most cells ever see.

        The median over cells stays where it is if a few of them hold attackers.
        """
        squared, cell = benign.signals["squared"], benign.subject
        known = benign.signals["unique"] & (squared != FAR)
        smallest = np.full(benign.subjects, FAR)
        np.minimum.at(smallest, cell[known], squared[known])
        steps = np.bincount(cell[known], minlength=benign.subjects)
        told = steps >= min(FEWEST_STEPS, steps.max(initial=1))
        limit = float(np.median(smallest[told])) if told.any() else 0.0
        part = np.full(benign.subjects, np.inf)
        np.minimum.at(part, cell[known], squared[known] / _held(benign.query[known]))
        return {"cutoffs": _cutoffs(limit), "part": np.array([np.median(part[told]) if told.any() else 0.0])}

    def priors(self) -> tuple[Params, float]:
        """Count only steps below half a quantised unit a feature, and ask for four times the usual evidence.

        There are no cells without a baseline: this is for one with too few of them to rank by.
        """
        return {"cutoffs": _cutoffs(0.25), "per_feature": np.ones(1, np.int64)}, (4.0 * ENOUGH) ** 2

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Add up the evidence of each cell's last 64 different queries."""
        queries, rows = batch.queries()
        closeness, after = _closeness(params, queries), state.copy()
        flip = queries.signals["flip"] & (closeness > 0)
        evidence = {"flipped": closeness * flip, "flips": flip.astype(np.int64), "steady": closeness * ~flip}
        sums = {}
        for name, counted in evidence.items():
            sums[name], after[name] = windowed_sum(counted, queries.offsets, state[name])
        scores, flipped = np.zeros(len(batch), np.int64), FLIP * sums["flipped"]
        # Only a step of the search itself sets off an alarm: not whoever happens to ask next.
        told = flip & (sums["flips"] >= FEWEST_FLIPS)
        scores[rows] = np.where(told, flipped + np.minimum(sums["steady"], flipped), 0) ** 2
        return after, scores

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Name the small steps on which answers flip among the last 64 queries of the cell, and the search around."""
        small, old = _closeness(params, events) > 0, len(events) - WINDOW
        small[: max(0, old)] = False
        flipped = small & events.signals["flip"]
        rows = np.flatnonzero(_around(flipped, events.query, _reach(params, events.query)))
        window = min(WINDOW, len(events))
        changed = f"; the answer changed {times(int(flipped.sum()))}" if flipped.any() else ""
        summary = (
            f"The model received {how_many(int(small.sum()), 'variant')} of similar inputs{within(events.time[small])}"
            f"{changed} (among the last {window} similar inputs of all callers; benign inputs differ more)"
        )
        facts = {"small_steps": int(small.sum()), "flips": int(flipped.sum()), "window": window}
        return Explanation(summary, facts, rows)


def _cutoffs(limit: float) -> NDArray[np.float64]:
    """Return (LEVELS,) ascending squared distances, a quarter bit of distance apart, up to the limit."""
    if limit <= 0:
        # Benign callers do send different inputs of one cell of quantisation, so no step is too small for them.
        return np.full(LEVELS, -1.0)
    return limit * 2.0 ** (-np.arange(LEVELS)[::-1] / 2)


def _closeness(params: Params, queries: EventBatch) -> NDArray[np.int64]:
    squared, cutoffs = queries.signals["squared"], _scaled(params, queries.query.shape[1])
    closeness: NDArray[np.int64] = LEVELS - np.searchsorted(cutoffs, squared, side="left")
    near = np.flatnonzero(closeness > 0)
    # Few queries are near an earlier one, and of the others it does not matter what they hold.
    over = squared[near] * (cutoffs[-1] / np.maximum(_reach(params, queries.query[near]), TINY))
    closeness[near] = LEVELS - np.searchsorted(cutoffs, over, side="left")
    return closeness


def _reach(params: Params, queries: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return up to which squared distance a step to each of n queries is small, (n,)."""
    limit = _scaled(params, queries.shape[1])[-1]
    return np.minimum(limit, params["part"][0] * _held(queries)) if "part" in params else np.full(len(queries), limit)


def _held(queries: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return what queries hold (n,): their squared distance from one that holds nothing, at least 1."""
    held: NDArray[np.int64] = np.maximum(np.einsum("ij,ij->i", queries, queries, dtype=np.int64), 1)
    return held


def _scaled(params: Params, width: int) -> NDArray[np.float64]:
    cutoffs: NDArray[np.float64] = params["cutoffs"] * (width if "per_feature" in params else 1)
    return cutoffs


def _around(begin: NDArray[np.bool_], queries: NDArray[np.uint8], reach: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which of (n, width) queries small steps lead to, from some of them: (n,) booleans.

    A camera in the same cell makes a small step now and then, too; but none that leads to the search.
    """
    wide = queries.astype(np.int64)
    lengths = np.square(wide).sum(axis=1)
    near = lengths[:, None] + lengths - 2 * wide @ wide.T <= np.minimum(reach[:, None], reach)
    around, before = begin, np.zeros_like(begin)
    while (around != before).any():
        around, before = around | near[around].any(axis=0), around
    return around


detector = DistributedQuery()
