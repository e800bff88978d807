"""Sums over the last few queries of each subject, the same however the stream is cut.

Everything is a whole number: integer sums do not depend on their order, floating-point ones do.
"""

import numpy as np
from numpy.typing import NDArray


def windowed_sum(
    increments: NDArray[np.int64], offsets: NDArray[np.int64], history: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Sum the last w increments of each subject at each row.

    Args:
        increments: (n,) whole numbers, rows sorted by subject.
        offsets: (s + 1,) where each subject's rows begin.
        history: (s, w) the increments before these rows, oldest first; zeros where there were none.

    Returns:
        (n,) sums including the row itself, and the (s, w) new history.
    """
    subjects, width = history.shape
    counts = np.diff(offsets)
    # Lay each subject's history in front of its rows, so that one cumulative sum serves all of them.
    starts = offsets[:-1] + width * np.arange(subjects)
    laid = np.zeros(len(increments) + width * subjects, np.int64)
    laid[(starts[:, None] + np.arange(width)).ravel()] = history.ravel()
    rows = np.arange(len(increments)) + width * (np.repeat(np.arange(subjects), counts) + 1)
    laid[rows] = increments
    total = np.concatenate([[0], np.cumsum(laid)])
    ends = starts + width + counts
    newest = laid[(ends[:, None] - width + np.arange(width)).ravel()].reshape(subjects, width)
    return total[rows + 1] - total[rows + 1 - width], newest.astype(np.int32)


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
