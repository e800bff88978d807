"""Sums over the last few queries of each subject, the same however the stream is cut.

Everything is a whole number: integer sums do not depend on their order, floating-point ones do.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def windowed_sum(
    increments: NDArray[np.int64], offsets: NDArray[np.int64], history: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Sum the last w increments of each subject at each row.

    Args:
        increments: (n,) whole numbers, rows sorted by subject.
        offsets: (s + 1,) where each subject's rows begin.
        history: (s, w) the increments before these rows, oldest first; zeros where there were none.

    Returns:
        (n,) sums including the row itself, and the (s, w) new history.
    """
    width, counts = history.shape[1], np.diff(offsets)
    total = np.concatenate([[0], np.cumsum(increments)])
    rows, subject = np.arange(len(increments)), np.repeat(np.arange(len(counts)), counts)
    sums = total[1:] - total[np.maximum(rows + 1 - width, offsets[subject])]
    newest = np.zeros(history.shape, np.int32)
    place = rows + width - offsets[subject + 1]
    late = place >= 0
    newest[subject[late], place[late]] = increments[late]
    # Most subjects of a log begin in the batch that they end in: what came before is laid out for the others alone.
    known = np.flatnonzero(history.any(axis=1))
    if known.size:
        _go_on(sums, newest, offsets, history, known)
    return sums, newest


def _go_on(
    sums: NDArray[np.int64],
    newest: NDArray[np.int32],
    offsets: NDArray[np.int64],
    history: NDArray[Any],
    known: NDArray[np.int64],
) -> None:
    """Add what some `known` subjects brought with them to their sums and to their new history."""
    width, counts = history.shape[1], np.diff(offsets)[known]
    # What is left of the history at each place: the sum of all from there on.
    left = np.zeros((len(known), width + 1), np.int64)
    left[:, :width] = np.cumsum(history[known, ::-1], axis=1)[:, ::-1]
    reached = np.minimum(counts, width)
    own = np.repeat(np.arange(len(known)), reached)
    ordinal = np.arange(len(own)) - np.repeat(np.cumsum(reached) - reached, reached)
    sums[offsets[known][own] + ordinal] += left[own, ordinal + 1]
    moved = np.arange(width) + counts[:, None]
    staying = np.take_along_axis(history[known], np.minimum(moved, width - 1), axis=1)
    newest[known] = np.where(moved < width, staying, newest[known])


def previous(
    values: NDArray[np.int64], offsets: NDArray[np.int64], before: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each row's predecessor of the same subject.

    Args:
        values: (n,) rows sorted by subject.
        offsets: (s + 1,) where each subject's rows begin.
        before: (s,) the value in front of each subject's first row.

    Returns:
        (n,) predecessors, and the (s,) last value of each subject.
    """
    shifted = np.empty_like(values)
    shifted[1:] = values[:-1]
    filled = offsets[1:] > offsets[:-1]
    shifted[offsets[:-1][filled]] = before[filled]
    last = before.copy()
    last[filled] = values[offsets[1:][filled] - 1]
    return shifted, last


def run_lengths(
    holds: NDArray[np.bool_], offsets: NDArray[np.int64], before: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count, at each row, for how many rows in a row a condition has held for its subject.

    Args:
        holds: (n,) the condition, rows sorted by subject.
        offsets: (s + 1,) where each subject's rows begin.
        before: (s,) the run in front of each subject's first row.

    Returns:
        (n,) run lengths, and the (s,) run at each subject's end.
    """
    counts = np.diff(offsets)
    rows = np.arange(len(holds))
    begin = np.repeat(offsets[:-1], counts)
    broken = np.maximum.accumulate(np.where(holds, -1, rows)) if len(holds) else rows
    unbroken = broken < begin
    runs = np.where(unbroken, rows - begin + 1 + np.repeat(before, counts), rows - broken)
    last = before.copy()
    filled = counts > 0
    last[filled] = runs[offsets[1:][filled] - 1]
    return runs, last


def above_zero(
    steps: NDArray[np.int64], offsets: NDArray[np.int64], before: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Add up each subject's steps, from zero again whenever the sum would fall below it.

    Args:
        steps: (n,) whole numbers, rows sorted by subject.
        offsets: (s + 1,) where each subject's rows begin.
        before: (s,) the sums in front of these rows.

    Returns:
        (n,) sums, and the (s,) last one of each subject.
    """
    counts = np.diff(offsets)
    subject = np.repeat(np.arange(len(counts)), counts)
    total = np.concatenate([[0], np.cumsum(steps)])
    sums = total[1:] - total[offsets[:-1]][subject] + before[subject]
    # Each subject lies below the ones before it, so that one running minimum serves all of them.
    deep = 2 * int(np.abs(sums).max(initial=0)) + 1
    lowest: Any = np.minimum.accumulate(sums - deep * subject) + deep * subject
    above: NDArray[np.int64] = sums - np.minimum(lowest, 0)
    last = before.copy()
    filled = counts > 0
    last[filled] = above[offsets[1:][filled] - 1]
    return above, last


def excursions(
    steps: NDArray[np.int64],
    spread: NDArray[np.int64],
    offsets: NDArray[np.int64],
    before: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Add up steps as `above_zero` does, and what they spread since the sum was last at zero.

    Args:
        steps: (n,) whole numbers, rows sorted by subject.
        spread: (n,) the variance of each.
        offsets: (s + 1,) where each subject's rows begin.
        before: (s,) sums, and (s,) what they have spread, in front of these rows.

    Returns:
        (n,) each, and the (s,) last ones of each subject.
    """
    sums, last = above_zero(steps, offsets, before[0])
    rows, counts = np.arange(len(steps)), np.diff(offsets)
    begin = np.repeat(offsets[:-1], counts)
    zero = np.maximum.accumulate(np.where(sums == 0, rows, -1)) if len(rows) else rows
    total = np.concatenate([[0], np.cumsum(spread)])
    since = total[1:] - total[np.where(zero >= begin, zero + 1, begin)]
    since += np.where(zero >= begin, 0, np.repeat(before[1], counts))
    held = before[1].copy()
    filled = counts > 0
    held[filled] = since[offsets[1:][filled] - 1]
    return sums, since, (last, held)
