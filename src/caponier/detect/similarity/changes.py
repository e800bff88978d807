"""How evenly a query's change from its nearest earlier one is spread: attacks within an L-infinity bound change by it.

Square (Andriushchenko et al. 2020), the fast gradient sign method and whatever else walks from corner to corner of an
L-infinity ball move features up and down by one and the same amount. Between two photos, two views of one thing or two
records, features differ by all kinds of amounts.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FEWEST: Final = 8
"""Features that must have changed: two or three are equal by chance."""
STILL: Final = 16
"""A feature has changed if its squared change is at least the mean one over this. A little noise on all features, added
to hide a pattern, counts for nothing so."""
MOST: Final = 96
"""Features that are looked at: enough to tell, and the cost does not grow with wider inputs."""
LEAST: Final = 2
"""Mean change, in quantised units, from which steps can be even: rounding makes smaller ones so."""
ONE_WAY: Final = 0.05
"""Share of the changed features that must go up, and down: light, shadows and stickers change all one way."""
HIGHEST: Final = 127
"""A feature at either end of the range might have moved on: by how much it changed says nothing."""
PERFECT: Final = 1000
"""All that changed, changed alike."""
EVENLY: Final = 800
"""Below it no step is called even, whatever benign clients do; uniform changes are at 750."""
RIGHT: Final = 500
"""Thousandths of lying between two others from which there is a line: less than a right angle never is."""
COUNTED: Final = 255
"""Changed features that are counted at most."""
WHOLE: Final = 2**24
"""Below it float32 holds whole numbers exactly."""
RECENT: Final = 4
"""Different queries before one in which a value of it stood already: a share of a third and more of the values that a
filler stands for shows so, and of a scale of 128 levels few others do."""
FEW: Final = 256
"""Rows of which each feature is compared several times: they stay in the nearest cache."""
BLOCK: Final = 1024
"""Rows that are compared at a time, so that they stay in the cache."""


def evenness(query: NDArray[np.uint8], at: NDArray[np.int64], earlier: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return how evenly rows differ from earlier ones, in thousandths: 1000 if all that changed, changed alike.

    It is the squared sum of changes over their number times the sum of their squares, after Cauchy and Schwarz's
    inequality: 2/π for normal changes, 3/4 for uniform ones. Of wide inputs every third feature or fewer are looked at.

    Args:
        query: (m, width) quantised inputs.
        at: (n,) rows that are looked at.
        earlier: (n,) the nearest earlier row of each; negative where there is none.

    Returns:
        (n,) whole numbers; 0 where there is no earlier row, few features changed, by little, or all in one way.
    """
    found = np.zeros(len(at), np.int16)
    known = np.flatnonzero(earlier >= 0)
    seen = query[:, :: _apart(query.shape[1])]
    for start in range(0, len(known), BLOCK):
        rows = known[start : start + BLOCK]
        own, other = seen[at[rows]], seen[earlier[rows]]
        up = own > other
        change = np.maximum(own, other)
        change -= np.minimum(own, other)
        free = (own > 0) & (own < HIGHEST)
        # Sums of whole numbers below 2**24, which float32 holds exactly.
        amount = change * free.astype(np.float32)
        energy = np.einsum("ij,ij->i", amount, amount)
        mean = energy / (STILL * np.maximum(1, np.count_nonzero(free, axis=1)))
        changed = (change > 0) & (change >= np.sqrt(mean)[:, None])
        moved, upward = np.count_nonzero(changed, axis=1), np.count_nonzero(changed & up, axis=1)
        amount *= changed
        count, total = np.count_nonzero(amount, axis=1), np.einsum("ij->i", amount).astype(np.int64)
        even = PERFECT * total * total // np.maximum(1, count * energy.astype(np.int64))
        both = np.minimum(upward, moved - upward) >= ONE_WAY * moved
        found[rows] = np.where(both & (count >= FEWEST) & (total >= LEAST * count), even, 0)
    return found


def betweenness(
    query: NDArray[np.uint8], places: NDArray[np.int64], squares: NDArray[np.int64], at: NDArray[np.int64]
) -> NDArray[np.int16]:
    """Return how much rows lie between the two nearest earlier ones, in thousandths: 1000 right in the middle.

    It is the squared distance of the two over twice the sum of the row's own from each (the law of the parallelogram):
    250 for three that have nothing to do with each other, 100 where one step follows another straight on.

    Args:
        query: (m, width) quantised inputs.
        places: (2, n) the nearest earlier row of each, and the nearest but that.
        squares: (2, n) their squared distances.
        at: (k,) which of the n are looked at: of these there must be two earlier rows.

    Returns:
        (n,) whole numbers from RIGHT on; 0 where there is no line. Negative ones are of lines along which nearly all
        goes up, or down, as light does.
    """
    found = np.zeros(places.shape[1], np.int16)
    exact = np.float32 if query.shape[1] * HIGHEST**2 < WHOLE else np.float64
    for start in range(0, len(at), BLOCK):
        rows = at[start : start + BLOCK]
        # Up to 127 either way: what a byte runs over by is its sign.
        across = (query[places[0, rows]] - query[places[1, rows]]).view(np.int8).astype(np.float32)
        apart = np.einsum("ij,ij->i", across, across, dtype=exact).astype(np.int64)
        share = PERFECT * apart // (2 * squares[:, rows].sum(axis=0))
        lines = np.flatnonzero(share >= RIGHT)
        total, net = np.abs(across[lines]).sum(axis=1), np.abs(across[lines].sum(axis=1))
        found[rows[lines]] = np.where(3 * net >= 2 * total, -share[lines], share[lines])
    return found


def moved(query: NDArray[np.uint8], at: NDArray[np.int64], earlier: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return how many features of rows differ from earlier ones, 255 at most; arguments as in `evenness`."""
    found = np.zeros(len(at), np.uint8)
    known = np.flatnonzero(earlier >= 0)
    for start in range(0, len(known), BLOCK):
        rows = known[start : start + BLOCK]
        differs = query[at[rows]] != query[earlier[rows]]
        found[rows] = np.minimum(np.count_nonzero(differs, axis=1), COUNTED)
    return found


def standing(query: NDArray[np.uint8], at: NDArray[np.int64], reach: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return which features of rows are just what they were in one of the RECENT rows before, a bit each.

    Args:
        query: (m, width) quantised inputs.
        at: (n,) rows that are looked at.
        reach: (n,) how many rows before each belong to its caller.

    Returns:
        (n, ceil(width / 8)) bits, the first feature's in front.
    """
    found = np.zeros((len(at), -(-query.shape[1] // 8)), np.uint8)
    for start in range(0, len(at), FEW):
        rows, before = at[start : start + FEW], reach[start : start + FEW]
        first, end = int(rows[0]), int(rows[-1]) + 1
        # Where no row is left out in between, they need not be copied.
        whole = end - first == len(rows)
        own, same = query[first:end] if whole else query[rows], np.zeros((len(rows), query.shape[1]), bool)
        for back in range(1, RECENT + 1):
            view = whole and first >= back
            now = own == (query[first - back : end - back] if view else query[np.maximum(rows - back, 0)])
            if before.min() < back:
                now[before < back] = False
            same |= now
        found[start : start + FEW] = np.packbits(same, axis=1)
    return found


def _apart(width: int) -> int:
    """Return how far apart the features lie that are looked at: an odd number, so that no rows of a picture align."""
    return -(-width // MOST) | 1


def levels_beyond(usual: float, levels: int) -> NDArray[np.int64]:
    """Return (levels,) ascending thousandths of evenness beyond the usual, what is left to 1000 halved by four of them.

    Where perfectly even steps are usual, as between records of yes and no, no level is ever reached.
    """
    if usual >= PERFECT:
        return np.full(levels, PERFECT + 1)
    return np.ceil(PERFECT - (PERFECT - usual) * 2.0 ** (-np.arange(1, levels + 1) / 4)).astype(np.int64)
