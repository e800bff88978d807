"""Mirrored queries: two on opposite sides of an earlier one, as finite differences are taken.

Whoever has scores alone and wants a slope asks for x + u and x - u (SPSA, Spall 1992; antithetic sampling in NES, Ilyas
et al. 2018): one pair after the other, or first all of one side. The middle of each pair is x, which they have asked
for before, to see whether it has succeeded. To each of the two x is the nearest earlier query; so of all earlier ones
with the same nearest one, its *siblings*, one lies right across, and the others at right angles: who asks so tries one
direction after the other. What only goes to and fro, as light, sliders and pendulums do, has no such others, or they
lie across as well. So it is told by how much one sibling lies more across than any other.

No further product is needed: how far a query is from all that the ring holds was found when its nearest was sought.
"""

from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.similarity.changes import BLOCK, FEWEST, PERFECT, RIGHT, goes_one_way

FEWEST_SIBLINGS: Final = 3
"""From so many on it is told: the second pair around an input is the first that says anything."""
QUARTERS_BY_CHANCE: Final = 0.0136
"""Quarter bits for each thousandth beyond a right angle, and each root of a direction. Two changes at random lie at
right angles but for a deviation of 500 thousandths over the root of the directions they differ in; of three, the one
that lies most across is beyond the next by 0.85 of that in the mean, and by more with falling odds."""
UNLIKE: Final = 1
"""What is told of a query that has siblings, and lies across from none of them."""
NONE: Final = -1
"""Parent of a query that has none."""
NOBODY: Final = -2
"""What such a one seeks, and finds nowhere."""
PLACES: Final = 256
"""Queries back that are told apart: a ring is shorter."""
ONWARD: Final = np.append(np.arange(-PLACES, 0), [NONE, *range(1, 2 * PLACES)])
"""How far behind another a query stands, from far before it on; behind itself is nowhere."""


def across(
    history: EventBatch, at: int, squares: NDArray[np.int64], distances: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the sibling that lies most across from each of n queries that follow each other.

    Args:
        history: All queries, of which the signals `back` and `squared` are told up to the last of the n.
        at: Where the first of them stands.
        squares: (n,) squared distances to the second nearest.
        distances: (blocks, rows, most) squared distances to the `most` queries before each, oldest first, n queries in
            all and perhaps more; those to the two nearest may have been written over with infinity.

    Returns:
        (n,) how much more than any other it lies across, in thousandths, beyond RIGHT; `UNLIKE` where it does not, and
        0 where there are few siblings; and (n,) how many queries ago it was asked. How much one lies across is the
        squared distance over twice the sum of both squared ways to the nearest one.
    """
    n, most = len(squares), distances.shape[2]
    row, column = _siblings(history.signals["back"], at, n, most)
    share, back = np.zeros(n, np.int64), np.zeros(n, np.int64)
    if not row.size:
        return share, back
    apart = distances[row // distances.shape[1], row % distances.shape[1], column]
    # A sibling among the two nearest is the second: the nearest is the parent.
    apart = np.where(np.isinf(apart), squares[row], apart).astype(np.int64)
    squared = history.signals["squared"]
    ways = squared[at + row] + squared[at + row - most + column]
    found = np.maximum(PERFECT * apart // np.maximum(2 * ways, 1), UNLIKE) * PLACES + most - column
    begins = np.flatnonzero(np.diff(row, prepend=-1))
    best = np.maximum.reduceat(found, begins)
    counts = np.diff(begins, append=len(row))
    found[found == np.repeat(best, counts)] = 0
    second = np.maximum.reduceat(found, begins)
    told, back[row[begins]] = _beyond(best // PLACES, second // PLACES), best % PLACES
    share[row[begins]] = np.where(counts >= FEWEST_SIBLINGS, told, 0)
    return share, back


def across_one(history: EventBatch, at: int, second: int, distances: NDArray[Any]) -> tuple[int, int]:
    """Find what `across` does for one query, as most come: calls for arrays take longer than what they do here.

    Args:
        history: The same.
        at: Where the query stands.
        second: Its squared distance to the second nearest.
        distances: (most,) as above.
    """
    back, squared, most = history.signals["back"], history.signals["squared"], len(distances)
    own = int(squared[at])
    behind = PLACES + int(back[at]) - most
    columns = np.flatnonzero(back[at - most : at] == ONWARD[behind : behind + most])
    if len(columns) < FEWEST_SIBLINGS:
        return 0, 0
    ways, found = squared[at - most + columns].tolist(), []
    for column, way, apart in zip(columns.tolist(), ways, distances[columns].tolist(), strict=True):
        share = PERFECT * int(second if apart == np.inf else apart) // max(2 * (own + way), 1)
        found.append(max(share, UNLIKE) * PLACES + most - column)
    next_best, best = sorted(found)[-2:]
    return int(_beyond(np.array(best // PLACES), np.array(next_best // PLACES))), best % PLACES


def _beyond(best: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return by how much the best share is beyond the second, and beyond a right angle."""
    return np.where(best >= RIGHT, RIGHT + best - np.maximum(second, RIGHT), UNLIKE)


def _siblings(back: NDArray[Any], at: int, n: int, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which of n rows from `at` on have which siblings among the `most` before them; rows ascend.

    Nobody shares a parent that the ring has let go of: it stands before all that its subject still reaches.
    """
    since = max(0, at - most)
    told, rows = back[since : at + n], np.arange(since, at + n, dtype=np.int32)
    # Whoever reaches beyond the first row finds nobody there.
    parent = np.full(most + n, NONE, np.int32)
    parent[most + since - at :] = np.where(told > 0, rows - told, NONE)
    own = parent[most:]
    (step,) = parent.strides
    same = as_strided(parent, (n, most), (step, step)) == np.where(own == NONE, NOBODY, own)[:, None]
    return np.divmod(np.flatnonzero(same), most)


def mirrored(
    query: NDArray[np.uint8],
    at: NDArray[np.int64],
    moved: NDArray[np.uint8],
    share: NDArray[np.int64],
    back: NDArray[np.int64],
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Return how much rows mirror a sibling, where it says anything, and how seldom noise would.

    Light that grows and falls again goes one way, and back; and in few directions much lies across by chance: of noise
    about a saved case, too.

    Args:
        query: (m, width) quantised inputs.
        at: (n,) rows that are looked at.
        moved: (n,) how many features of each differ from its nearest earlier one's.
        share: (n,) from `across`.
        back: (n,) the same.

    Returns:
        (n,) thousandths from RIGHT on; `UNLIKE` where there is no mirror, and 0 where nobody can tell; and (n,) in
        quarter bits by how seldom noise in as many directions comes to as much, 255 at most.
    """
    told = np.where((moved >= FEWEST) & (share > 0), np.where(share >= RIGHT, share, UNLIKE), 0).astype(np.int16)
    seldom, rows = np.zeros(len(at), np.uint8), np.flatnonzero(told >= RIGHT)
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        own, other = query[at[some]], query[at[some] - back[some]]
        seldom[some] = _seldom_by_chance(told[some], own, other)
        told[some[goes_one_way(own, other)]] = UNLIKE
    return told, seldom


def _seldom_by_chance(told: NDArray[np.int16], own: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tell by how seldom queries (m, width) that are noise would lie so much across from their siblings.

    Directions are counted by how evenly what differs is spread: of normal noise in so many, the mean fourth power is
    three times the square of the mean square. All sums are whole numbers below 2**53, and so exact.
    """
    squares = np.square((own - other).view(np.int8).astype(np.float64))
    total, fourth = squares.sum(axis=1), np.square(squares).sum(axis=1)
    directions = np.minimum(np.count_nonzero(squares, axis=1), 3 * total * total / np.maximum(fourth, 1.0))
    quarters = QUARTERS_BY_CHANCE * (told.astype(np.float64) - RIGHT) * np.sqrt(directions)
    whole: NDArray[np.uint8] = np.minimum(quarters, 255).astype(np.uint8)
    return whole
