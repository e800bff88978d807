"""Patterns that move rows in a direction in which natural rows hardly vary.

A trigger is the same on all rows that carry it; what nature does is not. Measured in the standard deviations that rows
of the other labels have around their means, a patch, a blended picture or a wave moves its carriers farther than any
style of writing does (whitening before a spectral look: Hayase, Kong, Somani, Oh 2021). In that measure each label has
its widest directions; along each, its rows are cut in two where that explains most of their spread (Otsu 1979). No
share, no target and no clean rows have to be known: the other labels say what is natural.

What else varies much in a label may hide that. So each label is also cut along what its rows that seem out of place
have beyond their nearest rows of other labels: of rows that were given a trigger and a label, that is the trigger.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.trigger_patterns.pattern import Floats, Mask, Pattern
from caponier.detect.trigger_patterns.strangers import ASKED, NEIGHBOURS, REFERENCE

FEWEST: Final = 6
"""Rows of a group, and of what is left of its label, below which neither says anything."""
DIRECTIONS: Final = 3
"""How many of a label's widest directions are looked along."""
ITERATIONS: Final = 40
SHRINK: Final = 0.02
"""Share of the mean variance that every direction has at least: a pixel that is always dark is no infinite proof."""


def shifts(z: Floats, y: NDArray[np.int64], labels: list[int], odd: Mask) -> Iterator[Pattern]:
    """Yield both sides of each cut of each label.

    Args:
        z: (n, d) rows, all columns on one scale.
        y: (n,) their labels.
        labels: Those with enough rows to be looked at.
        odd: (n,) rows that seem out of place under their label.
    """
    usual = {label: _spread(z[y == label]) for label in labels} if z.shape[1] <= 256 else {}
    total = np.zeros((z.shape[1], z.shape[1]))
    for label in labels:
        total += usual[label] if usual else _spread(z[y == label])
    for label in labels:
        own = z[y == label]
        natural = (total - (usual[label] if usual else _spread(own))) / max(1, len(labels) - 1)
        floor = SHRINK * float(np.trace(natural)) / len(natural)
        if floor > 0:
            lower = np.asarray(np.linalg.cholesky(natural + floor * np.eye(len(natural))), np.float64)
            yield from _cuts(z, y, label, lower, _beyond_their_neighbours(z, y, label, odd))


def _beyond_their_neighbours(z: Floats, y: NDArray[np.int64], label: int, odd: Mask) -> Floats | None:
    """Return what the odd rows of a label have beyond their nearest rows of other labels (d,); None of too few."""
    mine, others = np.flatnonzero((y == label) & odd), np.flatnonzero(y != label)
    if len(mine) < FEWEST:
        return None
    mine, others = (rows[:: max(1, len(rows) // most)] for rows, most in ((mine, ASKED), (others, REFERENCE)))
    known = z[others]
    squares = (known**2).sum(axis=1) - 2 * z[mine] @ known.T
    near = np.argpartition(squares, min(NEIGHBOURS, len(others) - 1), axis=1)[:, :NEIGHBOURS]
    beyond: Floats = (z[mine] - known[near].mean(axis=1)).mean(axis=0)
    return beyond


def _cuts(z: Floats, y: NDArray[np.int64], label: int, lower: Floats, beyond: Floats | None) -> Iterator[Pattern]:
    own = np.flatnonzero(y == label)
    middle = np.median(z[own], axis=0)
    white = np.linalg.solve(lower, (z[own] - middle).T).T
    directions = _widest(white - white.mean(axis=0))
    if beyond is not None:
        towards = np.linalg.solve(lower, beyond)
        directions.append(np.asarray(towards / max(float(np.sqrt((towards**2).sum())), 1e-9), np.float64))
    for direction in directions:
        along = white @ direction
        # Of all rows: the same product without a second copy of them.
        back = np.linalg.solve(lower.T, direction)
        others = (z[y != label] - middle) @ back
        cut = _cut(along)
        for side in (1.0, -1.0):
            chosen = side * along > side * cut
            if min(chosen.sum(), (~chosen).sum()) < FEWEST:
                continue
            rows = np.zeros(len(y), bool)
            rows[own[chosen]] = True
            # The wider of the two: a trigger moves rows and leaves them as different as they were, a rare style is
            # a narrow cluster.
            inside = float(np.sqrt(max(along[chosen].var(), along[~chosen].var())))
            apart = abs(float(along[chosen].mean() - along[~chosen].mean()))
            natural = (float(along[~chosen].sum()) + float(others.sum())) / (len(y) - int(chosen.sum()))
            moved = float(along[chosen].mean()) - natural
            yield Pattern(
                label=label,
                rows=rows,
                added=lower @ direction * moved,
                fixed=np.zeros(z.shape[1], bool),
                gap=apart / max(inside, 1e-9),
                elsewhere=float((side * others > side * cut).mean()),
            )


def _spread(rows: Floats) -> Floats:
    centred = rows - rows.mean(axis=0)
    spread: Floats = centred.T @ centred / len(rows)
    return spread


def _widest(white: Floats) -> list[Floats]:
    """Return the directions in which rows (m, d) vary most, by subspace iteration from a fixed start."""
    count = min(DIRECTIONS + 2, white.shape[1])
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(white.shape[1], count)))[0]
    for _ in range(ITERATIONS):
        basis = np.linalg.qr(white.T @ (white @ basis))[0]
    values, turns = np.linalg.eigh((white @ basis).T @ (white @ basis))
    directions = basis @ turns[:, np.argsort(-values)]
    return [directions[:, at] for at in range(min(DIRECTIONS, count))]


def _cut(along: Floats) -> float:
    """Return where two groups are best told apart."""
    ordered = np.sort(along)
    sums, n, left = np.cumsum(ordered), len(ordered), np.arange(1, len(ordered))
    between = (sums[-1] * left / n - sums[:-1]) ** 2 / (left * (n - left))
    at = int(between.argmax())
    return float((ordered[at] + ordered[at + 1]) / 2)
