"""Inputs in which some features are missing: they are compared over the features that both of two inputs have.

A sensor that goes dead, or a client that drops a column, changes where rows come from. If what is missing stood
anywhere on the scale, each change of it would be a step: a far one where a caller does nothing, and one that hides a
search where a caller leaves out now this feature and now that. So what is missing is marked, in the bit that quantised
values (0 to 127) leave free, and squared distances are those over the features that there are in both, times all
features over these.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.telemetry.features import MARK

FEWEST: Final = 4
"""Features that two inputs must have in common: two or three are alike by chance."""
BLOCK: Final = 64
"""Rows whose distances are looked at together."""
CROWDED: Final = 2
"""Of the squared distance to the nearest query: see `caponier.detect.similarity.nearest_query`."""


def plain(query: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return quantised rows (n, width) without marks: the same array where there are none."""
    return query & np.uint8(MARK - 1) if (query >= MARK).any() else query


def lacking(query: NDArray[np.uint8], at: NDArray[np.int64], reach: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which of the rows `at` (n,) lack a feature, or reach back to one that does, as places of them."""
    before = np.concatenate([[0], np.cumsum((query >= MARK).any(axis=1))])
    return np.flatnonzero(before[at + 1] > before[at - reach])


def nearest_present(
    query: NDArray[np.uint8], at: NDArray[np.int64], reach: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """Find the two nearest of the rows before some rows, over the features that both have.

    Two are compared if they have FEWEST features in common, or all, and at least half of those that either has: of
    others nothing is known, as if one had come from another caller.

    Args:
        query: (m, width) marked rows.
        at: (n,) ascending places of those that are looked at.
        reach: (n,) how many rows before each belong to its caller.

    Returns:
        Squared distances, -1 where there is none, and places of the nearest and of the nearest but that, (2, n) each,
        and how many are at most CROWDED times as far as the nearest (n,).
    """
    squares, places, crowd = np.full((2, len(at)), -1), np.full((2, len(at)), -1), np.zeros(len(at), np.uint8)
    begin = at - reach
    for start in range(0, len(at), BLOCK):
        for rows in _together(at, begin, start, min(start + BLOCK, len(at))):
            low, high = int(begin[rows].min()), int(at[rows].max())
            if high == low:
                continue
            there = np.arange(low, high)
            apart = _apart(query[at[rows]], query[low:high])
            reached = (there < at[rows, None]) & (there >= begin[rows, None])
            apart[~reached] = np.inf
            for turn in range(2):
                best = apart.argmin(axis=1)
                least = apart[np.arange(len(rows)), best]
                known = np.isfinite(least)
                if not turn:
                    near = np.count_nonzero((apart <= CROWDED * least[:, None]) & known[:, None], axis=1)
                    crowd[rows] = near
                squares[turn, rows[known]], places[turn, rows[known]] = least[known], low + best[known]
                apart[np.arange(len(rows)), best] = np.inf
    return squares, places, crowd


def alike_where_missing(
    query: NDArray[np.uint8], at: NDArray[np.int64], places: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Return rows and earlier ones without marks, alike wherever one of those compared lacks a feature.

    Args:
        query: (m, width) marked rows.
        at: (n,) rows.
        places: (k, n) rows to compare with, negative where there is none: the row itself stands there.

    Returns:
        (1 + k, n, width) from 0 to 127.
    """
    three = query[np.stack([at, *np.where(places >= 0, places, at)])]
    gone = (three >= MARK).any(axis=0)
    # The middle of the scale: what stands at an end is not looked at as one that might have moved on.
    return np.where(gone, np.uint8(MARK // 2), three)


def _together(at: NDArray[np.int64], begin: NDArray[np.int64], start: int, end: int) -> list[NDArray[np.int64]]:
    """Cut the places from start to end where their rows have nothing in common to be compared with."""
    rows = np.arange(start, end)
    return np.split(rows, np.flatnonzero(begin[rows[1:]] >= at[rows[:-1]] + 1) + 1)


def _apart(rows: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the squared distances (n, m) of rows from others; infinite where the two cannot be compared.

    All are whole numbers, which float64 holds exactly, so it does not matter how rows were cut into blocks.
    """
    width = rows.shape[1]
    (own, has), (other, had) = ((np.where(one < MARK, one, 0).astype(np.float64), one < MARK) for one in (rows, others))
    has, had = has.astype(np.float64), had.astype(np.float64)
    both = has @ had.T
    either = has.sum(axis=1)[:, None] + had.sum(axis=1) - both
    squared = np.square(own) @ had.T + has @ np.square(other).T - 2 * (own @ other.T)
    enough = (both >= min(FEWEST, width)) & (2 * both >= either)
    return np.where(enough, np.floor(squared * width / np.maximum(both, 1)), np.inf)
