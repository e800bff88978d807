"""Denial of service by cost: queries that keep a model busy far longer than those of benign clients do.

A model whose cost depends on its input can be asked for the worst of it: inputs made to defeat early exits, or to bring
out the longest answers (sponge examples, Shumailov et al. 2021). Honest inputs can be hard as well, and some clients
have little else. So each query is weighed against the benign clients whose queries are dearest: by how much more often
somebody whose every second query is a sponge would cause such a cost than they do, in quarter bits. A usual cost speaks
against it, one that even they hardly ever cause speaks for it, and below three times the usual nothing does, however
rare it is. An exact repeat says little that is new: it counts a quarter, so that who tries one hard input again is no
attacker at once, and who sends one sponge for ever is found all the same. What counts is the largest sum over the last
queries in a row (a sequential test, Page 1954), of 32 at most.

What is usual depends on how large an input is, where benign costs do: a long text is costly for everybody. Beyond the
largest benign sizes nothing is explained by size any more, for an endless text is a sponge, too.

Where a log has no costs at all, texts are weighed by their length instead: what a model of texts works for one grows
with it. Of inputs that are all of one size nothing tells what they cost; how long an answer took says as well how busy
others kept the model.

The score is the square of that sum. All but the hardest clients come to a sum ever more rarely than its bits say, and a
tail that is taken to fall exponentially has to see that.
"""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Column, Confidence, Counts, Explanation, Params, Scores, Signal, State, Subject
from caponier.matrix.technique import TechniqueId

WINDOW: Final = 32
"""Events with a cost over which a sum is taken at most."""
QUARTERS: Final = 4
MOST: Final = 16
"""Quarter bits that one query counts at most: a single hard input must not be an alarm, nor set the threshold."""
FAR: Final = 3
"""Times the usual cost from which a cost speaks for a sponge."""
LEVELS: Final = 14
STEPS: Final = 4
"""Levels from one cost to twice of it."""
REPEAT: Final = 4
"""An exact repeat counts this part of what its cost says for a sponge."""
MANY: Final = 1_000
"""Times what is usual of its size that a cost counts for at most."""
SPONGES: Final = 0.5
"""Share of sponges among the queries of somebody who sends them; of any level, for nobody knows how costly they are."""
HARDEST: Final = 0.02
"""Share of the benign clients against whom queries are weighed."""
SIZES: Final = 8
"""Classes of input sizes, of as many benign queries each."""
CHEAP: Final = 4
"""What is usual of a size is at least this part of what is usual of all: of next to nothing, a little more is many
times as much."""
UNIT: Final = 1_000
"""Cost that is taken to be usual where no benign event tells: one unit of the operator's."""


class Sponge:
    """Weighs the costs of a principal's last queries against those of the benign clients with the hardest inputs."""

    name = "sponge"
    statistic = "cost_evidence"
    techniques = (
        TechniqueId("atlas", "AML.T0029"),
        TechniqueId("atlas", "AML.T0034.001"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.02"),
    )
    subject = Subject.PRINCIPAL
    counts = Counts.EVENTS
    needs = frozenset({Signal.PRINCIPAL, Signal.COST, Signal.BASELINE})
    columns = frozenset({Column.COST, Column.SIZE})
    state = np.dtype([("evidence", np.int32, (WINDOW,))])
    state_version = 4
    floor = (2 * MOST) ** 2
    suspect = None
    max_confidence = Confidence.HIGH
    emulations = ("sponge",)
    controls = ("low_contrast", "camera", "batch_scoring", "heavy", "burst", "one_class")

    def fit(self, benign: EventBatch) -> Params:
        """Learn which cost is usual, and how often the benign clients with the hardest inputs cause which."""
        by = Column.COST if (_column(benign, Column.COST) >= 0).any() else Column.SIZE
        by_size = np.array([by is Column.SIZE])
        costs = _costs({"by_size": by_size}, benign)
        there = costs >= 0
        known, subject = costs[there], benign.subject[there]
        usual = max(1, int(np.sort(known)[(len(known) - 1) // 2])) if known.size else UNIT
        cutoffs = np.ceil(FAR * usual * 2.0 ** (np.arange(LEVELS) / STEPS)).astype(np.int64)
        params = {
            "by_size": by_size,
            "usual": np.array([usual], np.int64),
            **_of_sizes(_sizes(benign)[there], known, usual),
        }
        level = np.searchsorted(cutoffs, _as_usual(params, _sizes(benign)[there], known), side="right")
        hard = _hardest(level > 0, subject, benign.subjects)
        # One query more of each level than was seen: what never happened to a few clients is not impossible.
        seen = np.bincount(level[hard[subject]], minlength=LEVELS + 1) + 1
        sponges = np.append(1 - SPONGES, np.full(LEVELS, SPONGES / LEVELS))
        evidence = np.rint(QUARTERS * np.log2(sponges / (seen / seen.sum()))).astype(np.int64)
        return {
            **params,
            "cutoffs": cutoffs,
            "evidence": np.minimum(np.append(min(evidence[0], -1), evidence[1:]), MOST),
        }

    def priors(self) -> tuple[Params, float] | None:
        """What a usual cost is, only a baseline can tell."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Add up the evidence of each principal's last events with a cost, from where the sum is largest."""
        costs = _costs(params, batch)
        there = costs >= 0
        rows, passed = np.flatnonzero(there), np.concatenate([[0], np.cumsum(there)])
        after, scores = state.copy(), np.zeros(len(batch), np.int64)
        times = _as_usual(params, _sizes(batch)[rows], costs[rows])
        evidence = params["evidence"][np.searchsorted(params["cutoffs"], times, side="right")]
        evidence = np.where(_repeated(batch)[rows] & (evidence > 0), evidence // REPEAT, evidence)
        sums, after["evidence"] = _largest(evidence, passed[batch.offsets], state["evidence"])
        scores[rows] = sums**2
        return after, scores

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Say how many usual queries the last one cost."""
        score, cost = int(events.signals["score"][-1]), int(_costs(params, events)[-1])
        usual = int(_usual_of(params, _sizes(events))[-1])
        times, bits = round(max(cost, 0) / usual, 1), round(score**0.5 / QUARTERS, 1)
        summary = (
            "One caller sent inputs one after the other that cost the model far more than the costliest benign ones; "
            f"the last one cost {times:g} times as much as usual for its size (evidence: {bits:g} bits)"
        )
        if params["by_size"][0]:
            summary = (
                "One caller sent texts one after the other that are far longer than the longest benign ones; the last "
                f"one is {times:g} times as long as usual (evidence: {bits:g} bits; the log has no costs)"
            )
        facts = {
            "evidence_bits": bits,
            "window": WINDOW,
            "cost": max(cost, 0) / UNIT,
            "usual_cost": usual / UNIT,
            "times_usual": times,
        }
        return Explanation(summary, facts, np.array([len(events) - 1]))


def _costs(params: Params, batch: EventBatch) -> NDArray[np.int64]:
    """Return what events (n,) cost, or how long their texts are, in thousandths; -1 where nobody knows."""
    if not params["by_size"][0]:
        return _column(batch, Column.COST)
    sizes = _column(batch, Column.SIZE)
    return np.where(sizes >= 0, UNIT * sizes, -1)


def _column(batch: EventBatch, name: Column) -> NDArray[np.int64]:
    column: NDArray[np.int64] = batch.signals.get(name, np.full(len(batch), -1, np.int64))
    return column


def _sizes(batch: EventBatch) -> NDArray[np.int64]:
    """Return how many features of each input (n,) are not at their lowest: of a text, how many kinds of words."""
    sizes: NDArray[np.int64] = np.count_nonzero(batch.query, axis=1)
    return sizes


def _of_sizes(sizes: NDArray[np.int64], costs: NDArray[np.int64], usual: int) -> dict[str, NDArray[np.int64]]:
    """Learn at which sizes classes end, and what is usual in each."""
    cuts = np.unique(np.quantile(sizes, np.arange(1, SIZES) / SIZES, method="lower")) if sizes.size else sizes
    own = np.searchsorted(cuts, sizes, side="left")
    middle = [np.sort(costs[own == one]) for one in range(len(cuts) + 1)]
    usually = [int(costs[(len(costs) - 1) // 2]) if len(costs) else usual for costs in middle]
    return {"sizes": cuts.astype(np.int64), "of_size": np.maximum(usually, max(1, usual // CHEAP)).astype(np.int64)}


def _usual_of(params: Params, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the cost that is usual of inputs of some sizes (n,)."""
    usual: NDArray[np.int64] = params["of_size"][np.searchsorted(params["sizes"], sizes, side="left")]
    return usual


def _as_usual(params: Params, sizes: NDArray[np.int64], costs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what costs (n,) would be if their inputs were of the usual size."""
    usual, of_size = int(params["usual"][0]), _usual_of(params, sizes)
    even: NDArray[np.int64] = np.floor(np.minimum(costs / of_size, MANY) * usual).astype(np.int64)
    return np.where(of_size == usual, costs, even)


def _repeated(batch: EventBatch) -> NDArray[np.bool_]:
    """Tell the events (n,) whose input the subject has sent before."""
    repeated: NDArray[np.bool_] = (batch.key != 0) & ~batch.signals.get("unique", np.ones(len(batch), bool))
    return repeated


def _hardest(costly: NDArray[np.bool_], subject: NDArray[np.int64], subjects: int) -> NDArray[np.bool_]:
    """Tell the subjects (s,) with the largest shares of costly queries; those who tie with the last of them, too."""
    asked = np.bincount(subject, minlength=subjects)
    share = np.bincount(subject, costly, minlength=subjects) / np.maximum(asked, 1)
    ranked = np.sort(share[asked > 0])[::-1]
    least = ranked[int(HARDEST * len(ranked))] if ranked.size else 0.0
    hardest: NDArray[np.bool_] = (asked > 0) & (share >= least)
    return hardest


def _largest(
    evidence: NDArray[np.int64], offsets: NDArray[np.int64], history: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return, at each row, the largest sum over rows of its subject that end with it; at least 0.

    Args:
        evidence: (n,) rows sorted by subject.
        offsets: (s + 1,) where each subject's rows begin.
        history: (s, w) the evidence before these rows, oldest first; zeros where there was none.

    Returns:
        (n,) sums, over w rows at most, and the (s, w) new history.
    """
    subjects, width = history.shape
    counts = np.diff(offsets)
    starts = offsets[:-1] + width * np.arange(subjects)
    laid = np.zeros(len(evidence) + width * subjects, np.int64)
    laid[(starts[:, None] + np.arange(width)).ravel()] = history.ravel()
    rows = np.arange(len(evidence)) + width * (np.repeat(np.arange(subjects), counts) + 1)
    laid[rows] = evidence
    total = np.concatenate([[0], np.cumsum(laid)])
    ends = starts + width + counts
    newest = laid[(ends[:, None] - width + np.arange(width)).ravel()].reshape(subjects, width)
    if not rows.size:
        return np.zeros(0, np.int64), newest.astype(np.int32)
    least = sliding_window_view(total, width + 1)[rows + 1 - width].min(axis=1)
    return total[rows + 1] - least, newest.astype(np.int32)


detector = Sponge()
