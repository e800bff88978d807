"""Sources whose labels are not those that the same rows would get from the others.

How often rows like these bear each label is learned from the other sources, so that overlapping classes, hard rows and
a different mix of rows accuse nobody. What a source has beyond that, from one class to another, is its own doing.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.label_models.moved_rows import moved_rows
from caponier.detect.label_models.out_of_fold import Floats, Whole
from caponier.detect.label_models.strange_rows import strange_pairs

MIN_ROWS: Final = 20
"""Rows of a source below which it is not judged, and of a pair of classes that must be in excess at least 5."""
LEAST_EXCESS: Final = 5.0
DEVIATIONS: Final = 5.0
"""Standard deviations beyond what the others' labels explain; one source and pair in some millions by chance."""
BESIDE: Final = 3.0
"""How many times the deviation of the most deviating honest source: annotators differ by more than chance."""
MOVED: Final = 0.1
"""Share of a class's rows that the source must have moved."""
CALIBRATION: Final = 20
"""Steps in which what a model says becomes how often it is so."""
RATHER: Final = 3.0
"""How much likelier, as a logarithm, a source's labels must be by moved rows than by another mix of honest ones."""
MIXES: Final = np.geomspace(1 / 4096, 4096, 73)
ROUNDS: Final = 30
CERTAIN: Final = 0.75
"""Chance that a row of a named source was moved, from which it is flagged."""


@dataclass(frozen=True, eq=False)
class Mover:
    """A source that moves rows of one class to another.

    Args:
        source: Its number.
        own: The class that the others would give.
        given: The one that it gives.
        share: Of the class's rows that it moves.
        deviations: Standard deviations beyond what the others' labels explain.
    """

    source: int
    own: int
    given: int
    share: float
    deviations: float


def movers(probabilities: Floats, y: Whole, sources: Whole) -> list[Mover]:
    """Return the sources that move rows, each pair of classes by itself.

    Args:
        probabilities: (n, classes) from models that have not seen the rows.
        y: (n,) given labels.
        sources: (n,) numbers of sources.
    """
    found: list[tuple[int, int, int, float, float]] = []
    usual: dict[int, Floats] = {}
    for source in np.unique(sources):
        own = sources == source
        # Who gave most of the labels is what the others are measured by.
        if own.sum() < MIN_ROWS or 2 * own.sum() > len(y):
            continue
        usual[int(source)] = odds = _calibrated(probabilities, y, ~own)
        found += [(int(source), *pair) for pair in _excess(odds[own], y[own])]
    named = []
    strange = strange_pairs(probabilities, y, sources)
    for source, was, given, deviations, rows in found:
        # A source may move several pairs; others' largest deviation says what is usual between annotators.
        others = [other[3] for other in found if other[0] != source and other[3] < DEVIATIONS]
        loud = deviations >= max(DEVIATIONS, BESIDE * max((one for one in others if one > 0), default=0.0) / 2)
        if loud and rows >= LEAST_EXCESS:
            own = sources == source
            share = _moved(usual[source][own], y[own], was, given)
            # Another mix brings no rows of a label that are unlike everybody else's.
            told = (source, was, given) in strange or (
                _rather_moved(usual[source][own], y[own], was, given, share) >= RATHER
            )
            if share >= MOVED and told:
                named.append(Mover(source, was, given, share, deviations))
    return named


def rows_of(named: list[Mover], probabilities: Floats, y: Whole, sources: Whole) -> tuple[Floats, Whole]:
    """Return (n,) the chance of each row that a named source moved it, and its own class then.

    Args:
        named: What sources move.
        probabilities: (n, classes) from models that have not seen the rows.
        y: (n,) given labels.
        sources: (n,) numbers of sources.

    Returns:
        For rows of sources that move none: 0, and the given label.
    """
    chances, suggested = np.zeros(len(y)), y.copy()
    for source in {one.source for one in named}:
        own = sources == source
        odds = _calibrated(probabilities, y, ~own)[own]
        pairs = [(one.own, one.given) for one in named if one.source == source]
        chances[own], suggested[own] = moved_rows(odds, y[own], pairs)
    return chances, suggested


def _calibrated(probabilities: Floats, y: Whole, others: NDArray[np.bool_]) -> Floats:
    """Return (n, classes) how often the others' rows bear each label where a model says so much."""
    odds = np.empty_like(probabilities)
    for label in range(probabilities.shape[1]):
        said = probabilities[:, label]
        edges = np.unique(np.quantile(said[others], np.linspace(0, 1, CALIBRATION + 1)[1:-1]))
        steps = np.searchsorted(edges, said, side="right")
        rows = np.bincount(steps[others], minlength=len(edges) + 1)
        hits = np.bincount(steps[others], weights=y[others] == label, minlength=len(edges) + 1)
        middle = np.bincount(steps[others], weights=said[others], minlength=len(edges) + 1) / np.maximum(rows, 1)
        odds[:, label] = ((hits + middle) / (rows + 1))[steps]
    totals: Floats = odds / np.maximum(odds.sum(axis=1, keepdims=True), 1e-12)
    return totals


def _excess(odds: Floats, y: Whole) -> list[tuple[int, int, float, float]]:
    """Return (class, given label, deviations, rows in excess) of every pair of classes in one source's rows."""
    pairs = []
    for given in range(odds.shape[1]):
        bears = (y == given).astype(np.float64)
        for was in range(odds.shape[1]):
            if was != given:
                weight, expected = odds[:, was], odds[:, given]
                excess = float((weight * (bears - expected)).sum())
                spread = float(np.sqrt((weight**2 * expected * (1 - expected)).sum())) + 0.5
                pairs.append((was, given, excess / spread, excess))
    return pairs


def _moved(odds: Floats, y: Whole, was: int, given: int) -> float:
    """Return the share of a class that was moved, by expectation and maximisation."""
    share, bears = 0.5, y == given
    chances = np.zeros(len(y))
    for _ in range(ROUNDS):
        moved = share * odds[:, was]
        chances = np.where(bears, moved / np.maximum(moved + odds[:, given], 1e-12), 0.0)
        share = min(1.0, float(chances.sum()) / max(float(odds[:, was].sum()), 1e-12))
    return share


def _rather_moved(odds: Floats, y: Whole, was: int, given: int, share: float) -> float:
    """Return by how much a share of moved rows explains labels better than a mix with fewer of one class or more.

    Another mix changes the odds of rows that may be both; who moves labels gives them to rows that are none of that
    class. Where features tell nothing, the two cannot be told apart.
    """
    rows, pair = np.arange(len(y)), (y == was) | (y == given)
    moved = odds[rows, y].copy()
    moved[y == was] *= 1 - share
    moved[y == given] += share * odds[y == given, was]
    by_moving = float(np.log(np.maximum(moved[pair], 1e-9)).sum())
    mixes = []
    for label in (was, given):
        for times in MIXES.tolist():
            mixed = odds.copy()
            mixed[:, label] *= times
            said = mixed[rows, y] / np.maximum(mixed.sum(axis=1), 1e-12)
            mixes.append(float(np.log(np.maximum(said[pair], 1e-9)).sum()))
    return by_moving - max(mixes)
