"""Training rows that are asked for one by one among many other queries, so that no window over the last holds many.

A bucket for each subject: every training row that it did not ask for shortly before pours something in, every query
lets one drop out. Whoever asks for members all along fills it however thinly it spreads them; a customer fills it once,
by as many rows as are its own.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.training_sketch.sketch import ROWS, Sketch

GAIN: Final = "training_gain"
"""Name of what a row pours in, among a detector's parameters."""
MOST: Final = 400
"""Queries, at most, after which a training row is forgotten: members among as many others are not seen."""
SLACK: Final = 3
"""Benign rows must leave the bucket so many times as fast as they come in."""
UNSEEN: Final = 3
"""Hits that are added to those that were counted: none in a short log do not say that there are none."""
KEPT: Final = 40
"""Rows of a subject that are remembered."""
BUCKET: Final = np.dtype([("level", np.int32), ("place", np.int32, (KEPT,))])
"""What is kept of a subject: how full its bucket is, and its last training rows, oldest first, from 1 (0: none)."""


def places(params: Sketch, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Return the place of each key (n,) among the training rows, from 1; 0 where it is none of them."""
    rows = params.get(ROWS)
    if rows is None or not len(rows):
        return np.zeros(len(keys), np.int32)
    at = np.minimum(np.searchsorted(rows, keys), len(rows) - 1)
    found: NDArray[np.int32] = np.where((rows[at] == keys) & (keys != 0), at + 1, 0).astype(np.int32)
    return found


def poured(
    place: NDArray[np.int32], offsets: NDArray[np.int64], before: NDArray[Any], gain: int
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Fill the buckets.

    Args:
        place: (n,) from `places`, rows sorted by subject.
        offsets: (s + 1,) where each subject's rows begin.
        before: (s,) rows of `BUCKET`.
        gain: What a row pours in.

    Returns:
        (n,) levels after each row at which a training row was asked for anew, 0 at all others, and the new buckets.
    """
    after = np.zeros(len(before), BUCKET)
    new = _anew(place, offsets, before["place"], after["place"])
    counts = np.diff(offsets)
    subject = np.repeat(np.arange(len(counts)), counts)
    total = np.concatenate([[0], np.cumsum(np.where(new, gain, 0) - 1)])
    # Without a bottom the level would be this; the bottom lifts it by the deepest that it ever was below.
    level = total[1:] - total[offsets[subject]] + before["level"][subject]
    apart = (len(counts) - subject) * (np.abs(level).max(initial=0) + 1)
    lowest = np.minimum.accumulate(np.minimum(level, 0) + apart) - apart
    level -= lowest
    after["level"] = before["level"]
    filled = counts > 0
    after["level"][filled] = np.minimum(level[offsets[1:][filled] - 1], np.iinfo(np.int32).max)
    return np.where(new, level, 0), after


def learned_gain(params: Sketch, keys: NDArray[np.uint64], offsets: NDArray[np.int64]) -> int:
    """Learn what a row pours in, so that rows that benign callers ask for by chance leave faster than they come.

    Args:
        params: With the training rows.
        keys: (n,) of different benign queries, sorted by subject.
        offsets: (s + 1,) where each subject's queries begin.

    Returns:
        From 1 to `MOST`. Only what is asked anew in the second half of a subject's queries counts: a customer has shown
        its own records by then.
    """
    blank = np.zeros((len(offsets) - 1, KEPT), np.int32)
    new = _anew(places(params, keys), offsets, blank, blank.copy())
    counts = np.diff(offsets)
    place = np.arange(len(keys)) - np.repeat(offsets[:-1], counts)
    late = place >= np.repeat(counts, counts) // 2
    often = (int(new[late].sum()) + UNSEEN) * SLACK
    return int(np.clip(late.sum() // often, 1, MOST))


def _anew(
    place: NDArray[np.int32], offsets: NDArray[np.int64], before: NDArray[Any], after: NDArray[Any]
) -> NDArray[np.bool_]:
    """Tell which rows (n,) ask for a training row that is not among the last of their subject; write the last ones."""
    counts = np.diff(offsets)
    rows = np.flatnonzero(place)
    subject = np.repeat(np.arange(len(counts)), counts)[rows]
    known = np.flatnonzero(before[:, -1])
    own, slot = np.nonzero(before[known])
    own = known[own]
    who = np.concatenate([own, subject])
    what = np.concatenate([before[own, slot], place[rows]])
    # Already in order of time within each subject: a stable sort by subject lays out the hits of each.
    order = np.argsort(who, kind="stable")
    ordinal = np.empty(len(who), np.int64)
    ordinal[order] = np.arange(len(who)) - np.searchsorted(who[order], who[order])
    total = np.bincount(who, minlength=len(counts))
    kept = KEPT - total[who] + ordinal
    after[who[kept >= 0], kept[kept >= 0]] = what[kept >= 0]
    order = np.lexsort((ordinal, what, who))
    again = (np.diff(what[order]) == 0) & (np.diff(who[order]) == 0) & (np.diff(ordinal[order]) <= KEPT)
    seen = np.zeros(len(who), bool)
    seen[order[1:][again]] = True
    new = np.zeros(len(place), bool)
    new[rows] = ~seen[len(own) :]
    return new
