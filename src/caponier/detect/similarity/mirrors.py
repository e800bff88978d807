"""Mirrored queries: two on opposite sides of an earlier one, as finite differences are taken.

Whoever has scores alone and wants a slope asks for x + u and x - u (SPSA, Spall 1992; antithetic sampling in NES, Ilyas
et al. 2018): one pair after the other, or first all of one side. The middle of each pair is x, which they have asked
for before, to see whether it has succeeded. To each of the two x is the nearest earlier query; so of all earlier queries
with the same nearest one, its *siblings*, one lies right across. Others lie at right angles, or nearer.

No further product is needed: how far a query is from all that the ring holds was found when its nearest was sought.
"""

from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.similarity.changes import BLOCK, FEWEST, PERFECT, RIGHT, goes_one_way

UNLIKE: Final = 1
"""What is told of a query that has siblings, and lies across from none of them."""
NONE: Final = -1
"""Parent of a query that has none; `NOBODY` is what such a one seeks, and finds nowhere."""
NOBODY: Final = -2
PLACES: Final = 256
"""Queries back that are told apart: a ring is shorter."""


class Siblings:
    """Which earlier query each one of a history is nearest to, and how far away, as far as it is known yet.

    Args:
        history: Remembered queries with their signals, and new ones, of which nothing is known.
        ring: How many queries before it each one looks at, at most.
    """

    def __init__(self, history: EventBatch, ring: int) -> None:
        rows, back = np.arange(len(history)), history.signals["back"].astype(np.int64)
        begins = np.repeat(history.offsets[:-1], np.diff(history.offsets))
        # A parent that the ring has let go of is nobody's any more: whatever comes now does not reach it.
        known = (back > 0) & (rows - back >= begins)
        self._ring = ring
        # Whoever reaches beyond the first row finds nobody there.
        self._parent = np.full(ring + len(rows), NONE, np.int32)
        self._parent[ring:][known] = (rows - back)[known]
        self._squared: NDArray[np.int64] = history.signals["squared"].copy()

    def across(
        self, at: int, places: NDArray[np.int64], squares: NDArray[np.int64], distances: NDArray[Any]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Find the sibling that lies most across from each of n queries that follow each other from `at` on.

        Args:
            at: Where the first of them stands in the history.
            places: (2, n) where the nearest earlier query stands, and the nearest but that; negative if there is none.
            squares: (2, n) how far away they are, squared.
            distances: (blocks, rows, most) squared distances to the `most` queries before each, oldest first, n
                queries in all and perhaps more; those to the two nearest may have been written over with infinity.

        Returns:
            (n,) how much it lies across: squared distance over twice the sum of both squared ways to the nearest one, in
            thousandths, `UNLIKE` at least and 0 where there is no sibling; and (n,) how many queries ago it was asked.
        """
        n, most = places.shape[1], distances.shape[2]
        own = self._parent[self._ring + at : self._ring + at + n]
        own[:] = places[0]
        self._squared[at : at + n] = squares[0]
        before = self._parent[self._ring + at - most :]
        (step,) = before.strides
        same = as_strided(before, (n, most), (step, step)) == np.where(own < 0, NOBODY, own)[:, None]
        row, column = np.nonzero(same)
        share, back = np.zeros(n, np.int64), np.zeros(n, np.int64)
        if not row.size:
            return share, back
        apart = distances[row // distances.shape[1], row % distances.shape[1], column]
        # A sibling among the two nearest is the second: the nearest is the parent.
        apart = np.where(np.isinf(apart), squares[1][row], apart).astype(np.int64)
        ways = self._squared[at + row] + self._squared[at + row - most + column]
        found = np.maximum(PERFECT * apart // np.maximum(2 * ways, 1), UNLIKE) * PLACES + most - column
        begins = np.flatnonzero(np.diff(row, prepend=-1))
        best = np.maximum.reduceat(found, begins)
        share[row[begins]], back[row[begins]] = best // PLACES, best % PLACES
        return share, back


def mirrored(
    query: NDArray[np.uint8],
    at: NDArray[np.int64],
    moved: NDArray[np.uint8],
    share: NDArray[np.int64],
    back: NDArray[np.int64],
) -> NDArray[np.int16]:
    """Return how much rows mirror a sibling, where it says anything.

    Light that grows and falls again goes one way, and back; and among a few whole numbers much lies across by chance.

    Args:
        query: (m, width) quantised inputs.
        at: (n,) rows that are looked at.
        moved: (n,) how many features of each differ from its nearest earlier one's.
        share: (n,) from `Siblings.across`.
        back: (n,) the same.

    Returns:
        (n,) thousandths from RIGHT on; `UNLIKE` where there is no mirror, and 0 where nobody can tell.
    """
    told = np.where((moved >= FEWEST) & (share > 0), np.where(share >= RIGHT, share, UNLIKE), 0).astype(np.int16)
    rows = np.flatnonzero(told >= RIGHT)
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        told[some[goes_one_way(query[at[some]], query[at[some] - back[some]])]] = UNLIKE
    return told
