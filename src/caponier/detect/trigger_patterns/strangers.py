"""Whether rows of a label, without the pattern that they share, are at home among rows of another label.

That is what a backdoor by wrong labels looks like, and what nothing natural does: a rare style of a class is far from
the other classes, and a telling word stands in rows that are telling by their other words, too. Where a rule decides
the label by a value alone, whatever else a row holds, its carriers are at home elsewhere as often as any rows are. Rows
that were given a trigger and a label come from other labels, and are at home there as often as those labels' own rows.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.trigger_patterns.pattern import Floats, Mask, Pattern

REFERENCE: Final = 3_000
ASKED: Final = 300
NEIGHBOURS: Final = 5
NEAR_BLOCK: Final = 128
NEAR: Final = 0.75
"""Share of a label's rows whose nearest row is as near as what counts as being at home among them."""
FEW: Final = 16
"""Rows of a label below which all rows together say what is near."""
CERTAIN: Final = 2.0
"""Standard errors by which the odds must be out of proportion: a handful of rows says little."""


@dataclass(frozen=True, slots=True)
class Strangers:
    """How many carriers of a pattern are at home elsewhere without it, beside the other rows of their label."""

    share: float
    usual: float
    """Of the other rows."""
    odds: float
    """How many times the odds of a carrier are at least those of another row."""
    by_rule: float = 0.0
    """How much likelier, as a logarithm, carriers are to be drawn from all rows than from those of other labels."""


def strangers(z: Floats, y: NDArray[np.int64], pattern: Pattern, *, by_label: bool) -> Strangers:
    """Count strangers among the carriers, and among the other rows of their label.

    Args:
        z: (n, d) rows on one scale.
        y: (n,) their labels.
        pattern: What the carriers share.
        by_label: Whether each label says what is near to its rows: in tables some lie closer together than others.
            Pictures of a plain thing would be at home nowhere.
    """
    kept = ~pattern.fixed if pattern.fixed.any() else np.ones(z.shape[1], bool)
    if not kept.any():
        return Strangers(0.0, 0.0, 0.0)
    plain = np.flatnonzero(~pattern.rows)
    usual = np.median(z[plain], axis=0)
    reference = plain[:: max(1, len(plain) // REFERENCE)]
    near = _near(z[:, kept], y, reference, by_label=by_label)
    carriers = np.flatnonzero(pattern.rows)
    carriers = carriers[:: max(1, len(carriers) // ASKED)]
    others = np.flatnonzero((y == pattern.label) & ~pattern.rows)
    others = others[:: max(1, len(others) // ASKED)]
    without = pattern.taken_off(z[carriers], usual)[:, kept]

    def count(rows: NDArray[np.int64], instead: Floats | None) -> int:
        labels, distances = _nearest(z[:, kept], y, rows, reference, instead)
        return int(((labels != pattern.label) & (distances <= near[labels])).sum())

    strange, usually = count(carriers, without), count(others, None)
    odds = _odds(strange, len(carriers), usually, len(others))
    elsewhere = plain[y[plain] != pattern.label]
    elsewhere = elsewhere[:: max(1, len(elsewhere) // ASKED)]
    foreign = (count(elsewhere, None) + 0.5) / (len(elsewhere) + 1)
    own = float((y[plain] == pattern.label).mean())
    mixed = own * (usually + 0.5) / (len(others) + 1) + (1 - own) * foreign
    by_rule = strange * np.log(mixed / foreign) + (len(carriers) - strange) * np.log((1 - mixed) / (1 - foreign))
    return Strangers(strange / max(1, len(carriers)), usually / max(1, len(others)), odds, float(by_rule))


def _near(z: Floats, y: NDArray[np.int64], reference: NDArray[np.int64], *, by_label: bool) -> Floats:
    """Return by label how far the nearest row of a row at home there may be."""
    asked = reference[:: max(1, len(reference) // ASKED)]
    distances = _nearest(z, y, asked, reference, None)[1]
    near = np.full(int(y.max()) + 1, float(np.quantile(distances, NEAR)))
    for label in np.unique(y[reference]) if by_label else ():
        own = reference[y[reference] == label]
        if len(own) >= FEW:
            own = own[:: max(1, len(own) // ASKED)]
            near[label] = np.quantile(_nearest(z, y, own, reference, None)[1], NEAR)
    return near


def _odds(strange: int, carriers: int, usually: int, others: int) -> float:
    """Return the lower bound of the ratio of the odds (Woolf 1955), with a half added to each count (Haldane 1956)."""
    counts = np.array([strange, carriers - strange, usually, others - usually]) + 0.5
    logarithm = float(np.log(counts) @ [1, -1, -1, 1])
    return float(np.exp(logarithm - CERTAIN * np.sqrt((1 / counts).sum())))


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
