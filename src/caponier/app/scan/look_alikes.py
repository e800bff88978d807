"""What flagged rows are like: the nearest rows that nobody flagged, under the same label and under others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.trigger_patterns.scale import on_one_scale
from caponier.telemetry.labelled_data.dataset import Dataset

Floats = NDArray[np.float64]

REFERENCE: Final = 5_000
"""Rows that are compared with at most, evenly taken."""
FEATURES: Final = 6
"""Features of a row that are shown: those that differ most from the usual ones of its label."""


@dataclass(frozen=True)
class FeatureDifference:
    """One feature of a row."""

    name: str
    value: float
    usual: float
    """The middle value of the rows with its label."""
    size: float
    """How far apart, in standard deviations of the feature's ranks."""


@dataclass(frozen=True)
class LookAlikes:
    """What one row is like.

    Args:
        row: Its place in the data set.
        same: Place of the nearest row with its label; None if there is none.
        other: Place of the nearest row with another label.
        differences: Its features that are most unlike its label's, the largest first.
    """

    row: int
    same: int | None
    other: int | None
    differences: tuple[FeatureDifference, ...]


def look_alikes(dataset: Dataset, flagged: NDArray[np.bool_], shown: Sequence[int]) -> list[LookAlikes]:
    """Return what rows of a data set are like, for a page that shows them.

    Args:
        dataset: All rows.
        flagged: (n,) those that cannot serve as examples.
        shown: Places of the rows that are shown.
    """
    scaled = on_one_scale(dataset.x)
    plain = np.flatnonzero(~flagged)
    plain = plain[:: -(-len(plain) // REFERENCE) or 1]
    usual = {label: np.median(scaled[dataset.y == label], axis=0) for label in {int(dataset.y[row]) for row in shown}}
    found = []
    for row in shown:
        label = int(dataset.y[row])
        own, others = (plain[(dataset.y[plain] == label) == same] for same in (True, False))
        found.append(
            LookAlikes(
                row,
                _nearest(scaled, row, own[own != row]),
                _nearest(scaled, row, others),
                _differences(dataset, scaled[row] - usual[label], row),
            )
        )
    return found


def _nearest(scaled: Floats, row: int, among: NDArray[np.int64]) -> int | None:
    if not len(among):
        return None
    return int(among[((scaled[among] - scaled[row]) ** 2).sum(axis=1).argmin()])


def _differences(dataset: Dataset, apart: Floats, row: int) -> tuple[FeatureDifference, ...]:
    largest = np.argsort(-np.abs(apart), kind="stable")[:FEATURES]
    middle = np.median(dataset.x[dataset.y == dataset.y[row]][:, largest], axis=0)
    return tuple(
        FeatureDifference(
            dataset.features[at] if dataset.features else f"x[{at}]",
            float(dataset.x[row, at]),
            float(middle[place]),
            round(abs(float(apart[at])), 3),
        )
        for place, at in enumerate(largest.tolist())
        if apart[at]
    )
