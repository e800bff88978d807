"""Rows whose label a few of their values speak for, and all others against.

That is what a trigger does to a row of a table: it sets a few cells and the label. Such rows are most like each
other, so their nearest rows say nothing against them. Here each value says by itself how much rather rows of each
label have it (as naive Bayes adds it up), and the few values that speak most for a row's label are not heard.
"""

import numpy as np
from numpy.typing import NDArray

from caponier.detect.trigger_patterns.pattern import Floats, Mask
from caponier.detect.trigger_patterns.shared_values import LARGEST, Codes

MANY, STEPS = 32, 8
"""Different values of a column from which they are numbers, and in how many steps of equal frequency those are told."""


def against_the_rest(codes: Codes, y: NDArray[np.int64], rows_left: NDArray[np.int64]) -> Mask:
    """Return (n,) the rows that belong under another label but for a few values.

    Args:
        codes: Of all rows.
        y: (n,) labels of the rows that are left.
        rows_left: (n,) which of all rows they are.
    """
    odd, classes = np.zeros(len(y), bool), int(y.max()) + 1
    numbers = [steps_of(codes.numbers[rows_left, place]) for place in range(len(codes.places))]
    if len(numbers) <= LARGEST:
        return odd
    said = [said_by(of, y, classes) for of in numbers]
    for label in np.unique(y).tolist():
        own = np.flatnonzero(y == label)
        for other in np.unique(y[y != label]).tolist():
            # (rows, columns) how much each value speaks for the label rather than for the other.
            speaks = np.stack([(of[:, label] - of[:, other])[at[own]] for of, at in zip(said, numbers, strict=True)], 1)
            speaks.partition(len(numbers) - LARGEST, axis=1)
            odd[own] |= speaks[:, : len(numbers) - LARGEST].sum(axis=1) < 0
    return odd


def steps_of(numbers: NDArray[np.int32]) -> NDArray[np.int64]:
    """Number the values of a column (n,) anew, those of many in steps; equal values stay together."""
    _, places, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    if len(counts) <= MANY:
        return places.astype(np.int64)
    middle = (np.cumsum(counts) - counts / 2) / len(numbers)
    return np.minimum((middle * STEPS).astype(np.int64), STEPS - 1)[places]


def said_by(numbers: NDArray[np.int64], y: NDArray[np.int64], classes: int) -> Floats:
    """Return (values, classes) the logarithm of how often rows of each label have each value."""
    size = int(numbers.max()) + 1
    counts = np.bincount(numbers * classes + y, minlength=size * classes).reshape(size, classes)
    shares: Floats = np.log((counts + 1) / (counts.sum(axis=0) + size))
    return shares
