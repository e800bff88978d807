"""A forest of random trees in which every row is judged by trees that learned from no row of its fold.

Of columns that have nothing to do with each other, trees ask those that matter one by one, where a distance adds up all
of them. Each tree learns from half of the folds and speaks on the other half: so a single forest judges all rows, and
half of them is what a bag of a forest holds anyway. Splits are drawn and the best of a few drawn ones is kept (Geurts,
Ernst, Wehenkel 2006); their values are those of rows, so scales do not matter.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Mask = NDArray[np.bool_]

TREES, FEW_TREES = 64, 24
"""Of up to `MANY` rows, and of more."""
MANY: Final = 20_000
LEARNED: Final = 6_000
"""Rows that a tree learns from at most."""
DEPTH: Final = 14
LEAF: Final = 2
"""Rows that each side of a split must have."""
DRAWN, MOST_DRAWN = 6, 28
"""Splits that are drawn for a node: the root of the number of columns, within these."""


def forest_probabilities(x: Floats, y: Whole, classes: int, folds: Whole, trusted: Mask) -> Floats:
    """Return (n, classes) how likely each label is, by trees that have not seen the row's fold.

    Args:
        x: (n, d) rows in an order that does not depend on the file's.
        y: (n,) given labels as numbers from 0.
        classes: How many there are.
        folds: (n,) fold of each row.
        trusted: (n,) rows that may teach.
    """
    rng, names = np.random.default_rng(0), np.unique(folds)
    columns = np.ascontiguousarray(x.T, np.float32)
    said, trees = np.zeros((len(y), classes)), np.zeros(len(y))
    for _ in range(TREES if len(y) <= MANY else FEW_TREES):
        silent = np.isin(folds, rng.permutation(names)[: (len(names) + 1) // 2])
        teaching = rng.permutation(np.flatnonzero(trusted & ~silent))[:LEARNED]
        asked = np.flatnonzero(silent)
        said[asked] += _tree(columns, y, classes, teaching, asked, rng)
        trees[asked] += 1
    # A row whose fold was always taught, of few folds, is not told.
    shares: Floats = np.where(trees[:, None] > 0, said / np.maximum(trees, 1)[:, None], 1 / classes)
    return shares


def _tree(
    columns: NDArray[np.float32], y: Whole, classes: int, teaching: Whole, asked: Whole, rng: np.random.Generator
) -> Floats:
    """Grow a tree level by level, and return what its leaves say (m, classes) of the rows that are asked."""
    at, going = np.zeros(len(teaching), np.int64), np.zeros(len(asked), np.int64)
    said, open_rows, nodes = np.full((len(asked), classes), 1 / classes), np.arange(len(asked)), 1
    for depth in range(DEPTH + 1):
        counts = np.bincount(at * classes + y[teaching], minlength=nodes * classes).reshape(nodes, classes)
        sizes = counts.sum(axis=1)
        # One even vote: a leaf of two rows is not certain.
        said[open_rows] = ((counts + 1 / classes) / (sizes + 1)[:, None])[going]
        splits = (counts.max(axis=1) < sizes) & (sizes >= 2 * LEAF)
        if depth == DEPTH or not splits.any():
            break
        column, value, splits = _best_splits(columns, y, classes, teaching, at, splits, rng)
        numbers = np.cumsum(splits) - 1
        kept, left = splits[at], splits[going]
        teaching, at, open_rows, going = teaching[kept], at[kept], open_rows[left], going[left]
        at = 2 * numbers[at] + (columns[column[at], teaching] > value[at])
        going = 2 * numbers[going] + (columns[column[going], asked[open_rows]] > value[going])
        nodes = 2 * int(splits.sum())
    return said


def _best_splits(
    columns: NDArray[np.float32],
    y: Whole,
    classes: int,
    teaching: Whole,
    at: Whole,
    splits: Mask,
    rng: np.random.Generator,
) -> tuple[Whole, NDArray[np.float32], Mask]:
    """Return column and value of the best of some drawn splits of each node, and which nodes have any."""
    inside, nodes = splits[at], len(splits)
    teaching, at = teaching[inside], at[inside]
    best = np.full(nodes, -1.0)
    column, value = np.zeros(nodes, np.int64), np.zeros(nodes, np.float32)
    example, labels = np.zeros(nodes, np.int64), y[teaching]
    for _ in range(min(max(round(len(columns) ** 0.5), DRAWN), MOST_DRAWN)):
        order = rng.permutation(len(at))
        # Of several rows of a node the last one is kept: one by lot, so that values are drawn as often as they occur.
        example[at[order]] = teaching[order]
        tried = rng.integers(len(columns), size=nodes)
        cut = columns[tried, example]
        right = columns[tried[at], teaching] > cut[at]
        counts = np.bincount((2 * at + right) * classes + labels, minlength=2 * nodes * classes)
        counts = counts.reshape(nodes, 2, classes)
        sizes = counts.sum(axis=2)
        pure = ((counts**2).sum(axis=2) / np.maximum(sizes, 1)).sum(axis=1)
        better = (sizes.min(axis=1) >= LEAF) & (pure > best)
        best[better], column[better], value[better] = pure[better], tried[better], cut[better]
    return column, value, best >= 0
