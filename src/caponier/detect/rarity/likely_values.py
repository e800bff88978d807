"""What most likely would stand where a feature is missing, told by the features that are there.

Rows are foreign or surprising as a whole. Whatever stood for a missing feature would be judged with the others, and one
number for all rows is itself foreign: the middle of the scale where values are skewed, the median where features go
together. So each missing feature takes the benign median beside what its neighbour in the tree of dependences (see
`caponier.detect.rarity.dependence_tree`) holds: what is there says what it says, and what is not there says nothing.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Params
from caponier.detect.similarity.nearest_query import FAR
from caponier.telemetry.features import LEVELS, MARK

SHIFT: Final = 4
"""Quantised values of 0 to 127 are told apart by their upper three bits."""
CELLS: Final = MARK >> SHIFT
RIGHT: Final = 1_000
UNKNOWN: Final = MARK // 2
"""Stands for a feature that is missing in every benign row: nothing says where it would lie."""


def missing(queries: EventBatch) -> NDArray[np.bool_]:
    """Return which features of each query are missing, (n, width); no column at all where none is."""
    return _told(queries, "missing")


def _told(queries: EventBatch, signal: str) -> NDArray[np.bool_]:
    packed, width = queries.signals.get(signal), queries.query.shape[1]
    if packed is None or not packed.any():
        return np.zeros((len(queries), 0), np.bool_)
    return np.unpackbits(packed, axis=1, count=width).astype(np.bool_)


def medians(query: NDArray[np.uint8], gone: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the lower median of each feature where it is there, (w,); `gone` as `missing` returns it."""
    found = np.zeros(query.shape[1], np.uint8)
    for feature in range(query.shape[1]):
        values = query[~gone[:, feature], feature] if gone.size else query[:, feature]
        found[feature] = _medians(values, np.zeros(len(values), np.int64), UNKNOWN)[0]
    return found


def fit_likely(query: NDArray[np.uint8], gone: NDArray[np.bool_], parents: NDArray[np.int64]) -> Params:
    """Learn what stands beside what, from the rows (n, w) in which both are there; the order of rows does not matter.

    Args:
        query: Quantised rows.
        gone: Which features are missing, as `missing` returns it.
        parents: (w,) each feature's neighbour, an earlier feature, or a negative number where it has none.

    Returns:
        `alone` (w,) the median of each feature, `below` (w, CELLS) that by its parent's cell, and `above` (w, CELLS)
        that of its parent by its own; `sure` (2, w), in how many of RIGHT rows the first and the second are right.
    """
    width = query.shape[1]
    alone = medians(query, gone)
    below, above = np.repeat(alone[:, None], CELLS, axis=1), np.zeros((width, CELLS), np.uint8)
    sure, cells = np.zeros((2, width), np.int64), (query >> SHIFT).astype(np.int64)
    for feature in np.flatnonzero(parents >= 0).tolist():
        parent = int(parents[feature])
        there = ~(gone[:, feature] | gone[:, parent]) if gone.size else np.ones(len(query), np.bool_)
        own, other = cells[there, feature], cells[there, parent]
        below[feature] = _medians(query[there, feature], other, int(alone[feature]))
        above[feature] = _medians(query[there, parent], own, int(alone[parent]))
        right = (
            np.count_nonzero(told[by] >> SHIFT == held)
            for told, by, held in (
                (below[feature], other, own),
                (above[feature], own, other),
            )
        )
        sure[:, feature] = [RIGHT * count // max(1, len(own)) for count in right]
    return {"alone": alone, "below": below, "above": above, "sure": sure}


def likely(params: Params, queries: EventBatch) -> NDArray[np.uint8]:
    """Return the queries (n, w) with what most likely would stand where a feature is missing.

    The same array where none is, or where the baseline is one of before, which says nothing of it.
    """
    gone = missing(queries)
    if not gone.size or "alone" not in params:
        return queries.query
    found = queries.query.copy()
    rows = np.flatnonzero(gone.any(axis=1))
    found[rows] = _filled(params, found[rows], gone[rows])
    return found


def without_fillers(params: Params, queries: EventBatch) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return the rows (m,) that may have fillers, and what most likely would stand there in their place, (m, w).

    A filler is one and the same value for all that is missing: it stands in one of the last few queries, though this
    one is as far from earlier ones (`far`) as most of benign callers are. Steps of a search are nearer than that.
    """
    stands, squared = _told(queries, "standing"), queries.signals["squared"]
    if not stands.size or "alone" not in params:
        return np.zeros(0, np.int64), queries.query[:0]
    rows = np.flatnonzero(stands.any(axis=1) & (squared != FAR) & (squared >= params["far"][0]))
    gone = stands[rows]
    if (lacks := missing(queries)).size:
        gone |= lacks[rows]
    return rows, _filled(params, queries.query[rows].copy(), gone)


def _filled(params: Params, query: NDArray[np.uint8], gone: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Fill in what is `gone` (n, w) from the nearest feature of the tree that is there, in place of rows (n, w)."""
    gone, parents = gone.copy(), params["parents"]
    wanted = np.logical_or.reduce(gone, axis=0)
    by_parent, by_child = params["sure"]
    # Up the tree first, from the last to the first parent, each told by its surest child that is there or is known by
    # then, unless its own parent is there and tells more.
    order = np.lexsort((-by_child, -parents))
    for feature in order[(parents[order] >= 0) & wanted[parents[order]]].tolist():
        parent = parents[feature]
        above = parents[parent]
        better = ~gone[:, above] & (above >= 0) & (by_parent[parent] >= by_child[feature])
        told = np.flatnonzero(gone[:, parent] & ~gone[:, feature] & ~better)
        query[told, parent] = params["above"][feature, query[told, feature] >> SHIFT]
        gone[told, parent] = False
    # Then down: parents come before their children, so that each is known by then.
    for feature in np.flatnonzero(wanted).tolist():
        told, parent = np.flatnonzero(gone[:, feature]), parents[feature]
        beside = params["below"][feature, query[told, parent] >> SHIFT]
        query[told, feature] = beside if parent >= 0 else params["alone"][feature]
    return query


def _medians(values: NDArray[np.uint8], cells: NDArray[np.int64], usual: int) -> NDArray[np.uint8]:
    """Return the lower median of values (n,) by the `cells` (n,) beside them, (CELLS,); `usual` where there is none."""
    places = cells * (LEVELS + 1) + values
    counts = np.bincount(places, minlength=CELLS * (LEVELS + 1)).reshape(CELLS, LEVELS + 1).cumsum(axis=1)
    middle = (2 * counts >= counts[:, -1:]).argmax(axis=1)
    return np.where(counts[:, -1] > 0, middle, usual).astype(np.uint8)
