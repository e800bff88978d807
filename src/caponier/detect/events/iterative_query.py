"""Online evasion: a search that walks along the decision boundary in small steps.

Attacks such as HopSkipJump (Chen, Jordan, Wainwright 2020) and Boundary (Brendel, Rauber, Bethge 2018) first halve the
distance between two inputs again and again, and then try many tiny steps around the point where the answer changes.
NES (Ilyas et al. 2018) asks for clouds of tiny steps, SimBA (Guo et al. 2019) changes one feature at a time, Square
(Andriushchenko et al. 2020) walks in wide steps between the corners of a box. Six things give them away:

- steps far smaller than benign clients ever make between different inputs (a camera's noise floor is much higher);
- answers that flip along such steps;
- steps that halve, several times in a row, down to what benign clients hardly make;
- steps along a single feature, several times in a row: their squared length is then a square number, as that of one
  benign step in fifty is;
- samples around one point, all about as far from each other and closer together than benign ones ever are;
- steps, however wide, that move many features up and down by one and the same amount, as corners of a box do. No benign
  client's are so even, and one or two of them are enough.
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
from caponier.detect.similarity.changes import EVENLY, PERFECT, levels_beyond
from caponier.detect.similarity.nearest_query import FAR
from caponier.detect.windows import previous, run_lengths, windowed_sum
from caponier.detect.wording import how_many, listed, times, within
from caponier.matrix.technique import TechniqueId

WINDOW: Final = 32
"""Different queries over which the evidence adds up."""
LEVELS: Final = 16
"""Quarter bits of closeness: a step of a sixteenth of the benign limit or less counts as 16 of them."""
CLOSENESS: Final = 3
"""What each of them counts."""
FLIP: Final = 4
"""A small step counts four times if the answer flips on it."""
HALVING: Final = 16
MAX_RUN: Final = 8
RATIO: Final = (1_225, 4_225)
"""A step halves if its squared length is 0.35² to 0.65² of the one before, in ten-thousandths."""
HALVED: Final = 3.0
"""Halvings count down here only, in squared benign limits: between photos of different things steps halve by chance."""
UNBOUNDED: Final = 2.0**62
AXIS: Final = 48
AXIS_RUN: Final = 2
"""Steps along one feature in a row that are nothing yet."""
AXIS_LEAST: Final = 16
"""Squared length from which it counts; of small numbers too many are squares."""
AXIS_NEAR: Final = 10.0
"""Up to which it does, in squared benign limits; longer steps in between are passed over, so that queries of another
kind, mixed in, do not hide a run."""
AXIS_COMMON: Final = 0.1
"""If benign clients themselves make more than this share of their near steps so (a form of which one field is filled
in after the other), such steps say nothing."""
CROWD: Final = 4
"""Earlier queries that make a crowd."""
AMID: Final = 0.5
"""Part of the least squared benign step amid a crowd below which one counts: one camera's noise is below another's."""
CLOUD: Final = 24
"""What each quarter bit of closeness counts there."""
EVEN: Final = 24
"""What a step counts for each quarter bit by which it is more even than benign ones: what is left to 1 is halved by a
bit."""
QUANTILE: Final = 0.001
"""Steps of which one in a thousand benign ones is smaller are the limit of closeness."""
ODD: Final = 0.03
"""Share of benign subjects with the oddest steps that do not count for a limit. Two attackers among a hundred benign
subjects would otherwise set the limit to nothing, and nobody would ever be close again."""


class IterativeQuery:
    """Scores the steps between different queries of one principal: small, flipping, halving, crowded and even ones."""

    name = "iterative_query"
    statistic = "boundary_walk"
    techniques = (
        TechniqueId("atlas", "AML.T0043.001"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"),
    )
    subject = Subject.PRINCIPAL
    counts = Counts.QUERIES
    needs = frozenset({Signal.PRINCIPAL, Signal.INPUT, Signal.LABEL})
    columns: frozenset[Column] = frozenset()
    state = np.dtype(
        [("evidence", np.int32, (WINDOW,)), ("squared", np.int64), ("run", np.int64), ("axis_run", np.int64)]
    )
    state_version = 3
    floor = 64
    suspect = 256.0
    shows = Structure.SEARCH
    max_confidence = Confidence.HIGH
    emulations = ("hop_skip_jump", "boundary", "simba", "nes", "square")
    controls = ("random_user", "retrier", "poller", "augmenter", "heavy", "camera", "low_contrast", "one_class")

    def fit(self, benign: EventBatch) -> Params:
        """Learn which steps between different queries are smaller, and which more even, than benign ones."""
        known = benign.signals["unique"] & (benign.signals["squared"] != FAR)
        steps = _usual(benign, "squared", known)
        limit = float(np.quantile(steps, QUANTILE)) if steps.size else 0.0
        amid = _usual(benign, "squared", known & (benign.signals["crowd"] >= CROWD))
        return {
            "cutoffs": _cutoffs(limit),
            "crowded": _cutoffs(AMID * float(amid.min()) if amid.size else 0.0),
            "near": _near(limit, steps),
            "even": levels_beyond(_most(_usual(benign, "even", known, most=True)), LEVELS),
        }

    def priors(self) -> tuple[Params, float]:
        """Count only steps below half a quantised unit a feature, and ask for four times the usual evidence."""
        params = {
            "cutoffs": _cutoffs(0.25),
            "near": np.array([UNBOUNDED, -1.0]),
            "per_feature": np.ones(1, np.int64),
            "crowded": _cutoffs(0.0),
            "even": levels_beyond(PERFECT, LEVELS),
        }
        return params, 4.0 * self.floor

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Add up the evidence of each subject's last 32 different queries."""
        queries, rows = batch.queries()
        evidence, after = self._evidence(params, state, queries)
        sums, after["evidence"] = windowed_sum(evidence, queries.offsets, state["evidence"])
        scores = np.zeros(len(batch), np.int64)
        scores[rows] = sums
        return after, scores

    def _evidence(self, params: Params, state: State, queries: EventBatch) -> tuple[NDArray[np.int64], State]:
        """Return what each query counts, (n,), and the new state but for the window."""
        squared, after = queries.signals["squared"], state.copy()
        before, after["squared"] = previous(squared, queries.offsets, state["squared"])
        halved, along = params["near"]
        runs, after["run"] = run_lengths(_halves(before, squared), queries.offsets, state["run"])
        halving = np.where(squared <= halved, np.clip(runs - 1, 0, MAX_RUN), 0)
        lines, after["axis_run"] = _runs_among(_axial(squared), squared <= along, queries.offsets, state["axis_run"])
        weight = np.where(queries.signals["flip"], FLIP, 1)
        small = CLOSENESS * _small(params, queries)
        amid = _amid(params, queries)
        even = EVEN * np.searchsorted(params["even"], queries.signals["even"], side="right")
        walk = small * weight + HALVING * halving + AXIS * np.clip(lines - AXIS_RUN, 0, MAX_RUN)
        return walk + CLOUD * amid + even, after

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Name what gives a search away among the last 32 different queries."""
        recent = events.take(np.arange(max(0, len(events) - WINDOW), len(events)))
        blank = np.zeros(1, self.state)
        evidence, _ = self._evidence(params, blank, recent)
        squared = recent.signals["squared"]
        before, _ = previous(squared, recent.offsets, blank["squared"])
        small, halves = _small(params, recent) > 0, _halves(before, squared)
        single = _axial(squared) & (squared <= params["near"][1])
        crowded, even = _amid(params, recent) > 0, recent.signals["even"] >= params["even"][0]
        rows = np.flatnonzero(evidence) + len(events) - len(recent)
        kinds = {"small_steps": small, "flips": small & recent.signals["flip"], "halvings": halves}
        kinds |= {"single_feature": single, "crowded": crowded, "even_steps": even}
        facts = {name: int(kind.sum()) for name, kind in kinds.items()}
        signs = small | halves | single | crowded | even | (evidence > 0)
        told = _told(int(signs.sum()), within(recent.time[signs]), facts, len(recent))
        return Explanation(told, {**facts, "window": len(recent)}, rows)


def _told(variants: int, took: str, facts: dict[str, int], window: int) -> str:
    """Say what was seen of a search, and nothing of what was not."""
    changed = f"; the answer changed {times(facts['flips'])}" if facts["flips"] else ""
    figures = {
        "small_steps": "lay closer to an earlier input than benign inputs do",
        "halvings": "differed from the input before by half as much as that one did, as in a binary search",
        "single_feature": "changed a single value",
        "crowded": "lay close around one point",
        "even_steps": "changed many values by the same amount",
    }
    seen = [f"{facts[name]} {what}" for name, what in figures.items() if facts[name]]
    details = f". Of its last {window} different inputs, {listed(seen)}" if seen else ""
    return f"One caller sent {how_many(variants, 'variant')} of its own earlier inputs{took}{changed}{details}"


def _closeness(cutoffs: NDArray[np.float64], squared: NDArray[np.int64]) -> NDArray[np.int64]:
    closer: NDArray[np.int64] = LEVELS - np.searchsorted(cutoffs, squared, side="left")
    return closer


def _small(params: Params, queries: EventBatch) -> NDArray[np.int64]:
    """Return by how many quarter bits each of n queries is nearer to an earlier one than benign ones are."""
    width = queries.query.shape[1] if "per_feature" in params else 1
    return _closeness(params["cutoffs"] * width, queries.signals["squared"])


def _amid(params: Params, queries: EventBatch) -> NDArray[np.int64]:
    """Return by how many quarter bits each of n queries is closer to a crowd than benign ones are."""
    amid: NDArray[np.int64] = np.where(
        queries.signals["crowd"] >= CROWD, _closeness(params["crowded"], queries.signals["squared"]), 0
    )
    return amid


def _cutoffs(limit: float) -> NDArray[np.float64]:
    """Return (LEVELS,) ascending squared distances, a quarter bit of distance apart, up to the benign limit."""
    if limit <= 0:
        # Benign clients do send different inputs of one cell, so no step is too small for them.
        return np.full(LEVELS, -1.0)
    return limit * 2.0 ** (-np.arange(LEVELS)[::-1] / 2)


def _usual(benign: EventBatch, signal: str, among: NDArray[np.bool_], *, most: bool = False) -> NDArray[np.int64]:
    """Return a signal of the benign queries `among` all, without the subjects with the least, or the `most`, of it."""
    values, subject = (-1 if most else 1) * benign.signals[signal].astype(np.int64), benign.subject
    least = np.full(benign.subjects, FAR)
    np.minimum.at(least, subject[among], values[among])
    odd = int(np.ceil(ODD * (least != FAR).sum()))
    bound = np.append(np.sort(least), FAR)[odd]
    counted = among & (least >= bound)[subject]
    usual: NDArray[np.int64] = benign.signals[signal][counted if counted.any() else among]
    return usual


def _most(even: NDArray[np.int64]) -> int:
    return max(EVENLY, int(even.max())) if even.size else PERFECT


def _near(limit: float, steps: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return up to which squared distance halvings count, and up to which steps along one feature do."""
    if limit <= 0:
        return np.array([UNBOUNDED, -1.0])
    near = steps[steps <= AXIS_NEAR * limit]
    common = _axial(near).mean() > AXIS_COMMON
    return np.array([HALVED * limit, -1.0 if common else AXIS_NEAR * limit])


def _axial(squared: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which squared distances are square numbers, as those of steps along a single feature are."""
    known = (squared >= AXIS_LEAST) & (squared != FAR)
    root = np.rint(np.sqrt(np.where(known, squared, 0))).astype(np.int64)
    axial: NDArray[np.bool_] = known & (root * root == squared)
    return axial


def _runs_among(
    holds: NDArray[np.bool_], among: NDArray[np.bool_], offsets: NDArray[np.int64], before: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count runs as `run_lengths` does, passing over the rows that are not `among` those that matter; 0 there."""
    rows = np.flatnonzero(among)
    runs = np.zeros(len(holds), np.int64)
    passed = np.concatenate([[0], np.cumsum(among)])
    runs[rows], last = run_lengths(holds[rows], passed[offsets], before)
    return runs, last


def _halves(before: NDArray[Any], squared: NDArray[Any]) -> NDArray[np.bool_]:
    known = (before > 0) & (before != FAR) & (squared != FAR)
    earlier, later = np.where(known, before, 0), np.where(known, squared, 0)
    halves: NDArray[np.bool_] = known & (10_000 * later >= RATIO[0] * earlier) & (10_000 * later <= RATIO[1] * earlier)
    return halves


detector = IterativeQuery()
