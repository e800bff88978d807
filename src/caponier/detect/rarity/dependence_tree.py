"""How surprising a row is, given which values benign rows combine: a tree of dependences (Chow, Liu 1968).

A covariance knows how far a value may stray; it does not know that two neighbouring pixels are hardly ever both half
grey, or that the border is black but for a stroke. Each feature is looked at together with the one before it that tells
most about it, in coarse cells, so that a few thousand rows are enough to learn from.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Params
from caponier.detect.rarity.likely_values import CELLS, SHIFT, fit_likely, likely, medians, missing

NAME: Final = "dependence tree"
SPAN: Final = 32
"""How many features before it may be a feature's parent: two rows of a pooled picture."""
LEARNERS: Final = 10_000
"""Rows from which the parents are chosen: of more, evenly many in the order of their cells. That order is the same for
every salt and for every order of the log, and nobody gets more than his share of it by what he sends."""
OWN: Final = 0.99
ODD: Final = 0.03
"""Share of benign subjects that are not learned from, those whose most surprising queries (their quantile OWN) surprise
most. Two attackers among a hundred would otherwise make noise a common input: they ask more than others do."""
UNITS: Final = 1_000
"""Surprise is counted in thousandths of a nat."""
ROOT: Final = -1
BLOCK: Final = 256
"""Rows that are scored at a time, so that what belongs to them stays in the cache: ten times faster for wide rows."""


def fit_tree(query: NDArray[np.uint8]) -> Params:
    """Learn which feature goes with which, and how often their values meet; the order of rows does not matter.

    Args:
        query: (n, w) quantised rows, 0 to 127.

    Returns:
        `parents` (w,) index of each feature's parent or ROOT, and `surprise` (w, CELLS, CELLS) of each cell given the
        parent's cell, in UNITS.
    """
    cells: NDArray[Any] = query >> SHIFT
    learners = _learners(cells).astype(np.int64)
    width = cells.shape[1]
    parents = np.array([_parent(learners, feature) for feature in range(width)], np.int64)
    counts = np.stack([_meetings(cells, parents, feature) for feature in range(width)]) + 1.0
    surprise = -np.log(counts / counts.sum(axis=2, keepdims=True))
    return {"parents": parents, "surprise": np.rint(UNITS * surprise).astype(np.int32)}


def surprise_of(tree: Params, query: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the surprise of each row (n, w), (n,) in UNITS: a sum of whole numbers, exact in any order."""
    blocks = [_surprise(tree, query[begin : begin + BLOCK]) for begin in range(0, len(query), BLOCK)]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.int64)


def _surprise(tree: Params, query: NDArray[np.uint8]) -> NDArray[np.int64]:
    cells, parents = (query >> SHIFT).astype(np.int32), tree["parents"]
    # Indices are right by construction; "wrap" and "clip" only spare their check.
    at = np.take(cells, parents, axis=1, mode="wrap")
    at[:, parents == ROOT] = 0
    at *= CELLS
    at += cells
    at += np.arange(cells.shape[1], dtype=np.int32) * CELLS**2
    total: NDArray[np.int64] = np.take(tree["surprise"].ravel(), at, mode="clip").sum(axis=1, dtype=np.int64)
    return total


def common_tree(queries: EventBatch) -> tuple[EventBatch, Params]:
    """Return the queries without the few subjects whose queries surprise most, whoever they are, and their tree.

    With the tree goes what `caponier.detect.rarity.likely_values` needs; where features are missing, the queries have
    what that tells in their place.
    """
    made = queries.made_once
    if NAME not in made:
        common = without_odd(_completed(queries))
        tree = fit_tree(common.query)
        made[NAME] = common, {**tree, **fit_likely(common.query, missing(common), tree["parents"])}
    common, tree = made[NAME]
    return common, dict(tree)


def _completed(queries: EventBatch) -> EventBatch:
    """Return queries with what most likely would stand where a feature is missing; the same where none is."""
    gone = missing(queries)
    if not gone.size:
        return queries
    # Which features go together is learned with medians first: where many are missing, better than with the middle.
    parents = fit_tree(np.where(gone, medians(queries.query, gone), queries.query))["parents"]
    params = {"parents": parents, **fit_likely(queries.query, gone, parents)}
    return replace(queries, query=likely(params, queries))


def without_odd(queries: EventBatch) -> EventBatch:
    """Leave out the few subjects whose queries surprise most."""
    odd = int(ODD * queries.subjects)
    if not odd:
        return queries
    surprises = surprise_of(fit_tree(queries.query), queries.query)
    parts = np.split(surprises, queries.offsets[1:-1])
    own = np.array([np.quantile(part, OWN) if part.size else 0.0 for part in parts])
    # Of those that are as odd as the last one left out, all stay: which of them comes first must not matter.
    kept = own <= np.sort(own)[-odd - 1]
    return queries.take(np.flatnonzero(kept[queries.subject]))


def _learners(cells: NDArray[Any]) -> NDArray[Any]:
    """Return LEARNERS of the rows (n, w), or all of them: every so many in the order of their values."""
    n, width = cells.shape
    if n <= LEARNERS or not width:
        return cells
    whole = np.ascontiguousarray(cells).view(np.dtype((np.void, width))).ravel()
    learners: NDArray[Any] = cells[np.argsort(whole)[np.arange(LEARNERS) * n // LEARNERS]]
    return learners


def _meetings(cells: NDArray[Any], parents: NDArray[np.int64], feature: int) -> NDArray[np.int64]:
    """Count how often a parent's cell meets a feature's, (CELLS, CELLS)."""
    parent = parents[feature]
    above = np.zeros(len(cells), np.int64) if parent == ROOT else cells[:, parent].astype(np.int64)
    met: NDArray[np.int64] = np.bincount(above * CELLS + cells[:, feature], minlength=CELLS**2)
    return met.reshape(CELLS, CELLS)


def _parent(cells: NDArray[np.int64], feature: int) -> int:
    """Return the earlier feature that shares most information with this one, ROOT for the first."""
    first = max(0, feature - SPAN)
    near = cells[:, first:feature]
    if not near.size:
        return ROOT
    candidates = feature - first
    codes = (np.arange(candidates) * CELLS + near) * CELLS + cells[:, feature, None]
    joint = np.bincount(codes.ravel(), minlength=candidates * CELLS**2).reshape(candidates, CELLS, CELLS)
    return first + int(_information(joint / len(cells)).argmax())


def _information(joint: NDArray[np.float64]) -> NDArray[Any]:
    """Return the mutual information of each joint distribution (k, CELLS, CELLS), (k,) in nats."""
    apart = joint.sum(axis=2, keepdims=True) * joint.sum(axis=1, keepdims=True)
    ratio = np.divide(joint, apart, out=np.ones_like(joint), where=joint > 0)
    information: NDArray[Any] = (joint * np.log(ratio)).sum(axis=(1, 2))
    return information
