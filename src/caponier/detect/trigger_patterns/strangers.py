"""Whether rows of a label, without the pattern that they share, are at home among rows of another label.

That is what a backdoor by wrong labels looks like, and what nothing natural does: a rare style of a class is far from
the other classes, and a telling word stands in rows that are telling by their other words, too.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.trigger_patterns.pattern import Floats, Mask, Pattern

REFERENCE: Final = 3_000
ASKED: Final = 300
NEIGHBOURS: Final = 5
NEAR_BLOCK: Final = 128
NEAR: Final = 0.75
"""Share of ordinary rows whose nearest row is as near as what counts as being at home."""


def strangers(z: Floats, y: NDArray[np.int64], pattern: Pattern) -> tuple[float, float]:
    """Return the share of strangers among the carriers, and among the other rows of their label."""
    kept = ~pattern.fixed if pattern.fixed.any() else np.ones(z.shape[1], bool)
    if not kept.any():
        return 0.0, 0.0
    plain = np.flatnonzero(~pattern.rows)
    usual = np.median(z[plain], axis=0)
    reference = plain[:: max(1, len(plain) // REFERENCE)]
    ordinary = _nearest(z[:, kept], y, reference[:: max(1, len(reference) // ASKED)], reference, None)
    near = float(np.quantile(ordinary[1], NEAR))
    carriers = np.flatnonzero(pattern.rows)
    carriers = carriers[:: max(1, len(carriers) // ASKED)]
    others = np.flatnonzero((y == pattern.label) & ~pattern.rows)
    others = others[:: max(1, len(others) // ASKED)]
    without = pattern.taken_off(z[carriers], usual)[:, kept]

    def share(rows: NDArray[np.int64], instead: Floats | None) -> float:
        labels, distances = _nearest(z[:, kept], y, rows, reference, instead)
        return float(((labels != pattern.label) & (distances <= near)).mean()) if len(rows) else 0.0

    return share(carriers, without), share(others, None)


def out_of_place(z: Floats, y: NDArray[np.int64]) -> Mask:
    """Tell which rows (n, d) have other labels than most of their nearest rows, of a sample."""
    step = max(1, len(z) // REFERENCE)
    reference = np.arange(len(z))[::step]
    # Half the numbers' width is enough for a sample.
    width = np.float64 if step == 1 else np.float32
    known = z[reference]
    sizes, turned = (known**2).sum(axis=1).astype(width), np.ascontiguousarray(-2 * known.T, width)
    labels, odd = y[reference], np.zeros(len(z), bool)
    for at in range(0, len(z), NEAR_BLOCK):
        rows = np.arange(at, min(at + NEAR_BLOCK, len(z)))
        squares: NDArray[Any] = np.matmul(z[rows].astype(width), turned)
        squares += sizes
        own = np.flatnonzero(rows % step == 0)
        squares[own, rows[own] // step] = np.inf
        near = np.argpartition(squares, min(NEIGHBOURS, len(reference) - 1), axis=1)[:, :NEIGHBOURS]
        odd[rows] = 2 * (labels[near] == y[rows, None]).sum(axis=1) < NEIGHBOURS
    return odd


def _nearest(
    z: Floats, y: NDArray[np.int64], rows: NDArray[np.int64], reference: NDArray[np.int64], instead: Floats | None
) -> tuple[NDArray[np.int64], Floats]:
    """Return label and distance of the nearest other row of the reference."""
    asked = z[rows] if instead is None else instead
    known = z[reference]
    squares = (asked**2).sum(axis=1)[:, None] + (known**2).sum(axis=1) - 2 * asked @ known.T
    squares[rows[:, None] == reference] = np.inf
    best = squares.argmin(axis=1)
    return y[reference[best]], np.sqrt(np.maximum(squares[np.arange(len(best)), best], 0))
