"""Groups of several labels in one table: one may look guilty only beside the rows that a trigger was put on."""

import numpy as np
from tests.detect.datasets.test_label_noise import dataset

from caponier.detect.datasets.trigger_rows import _beside_the_strongest, _Found, detector
from caponier.detect.trigger_patterns.pattern import Pattern
from caponier.detect.trigger_patterns.scale import on_one_scale
from caponier.detect.trigger_patterns.shared_values import codes_of

Rows = np.ndarray


def drawn(n: int, classes: int, seed: int) -> tuple[Rows, Rows]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return rng.normal(size=(n, 8)) + rng.normal(0, 2.5, (classes, 8))[y], y


def put(x: Rows, y: Rows, own: int, label: int, columns: list[int], value: float) -> Rows:
    """Set cells of 60 rows of a class, give them another label, and return which they are."""
    rows = np.flatnonzero(y == own)[:60]
    x[np.ix_(rows, columns)] = value
    y[rows] = label
    return rows


def found(x: Rows, y: Rows, rows: Rows, columns: list[int], strangers: float) -> _Found:
    z = on_one_scale(x)
    carries, fixed = np.isin(np.arange(len(y)), rows), np.isin(np.arange(8), columns)
    pattern = Pattern(int(y[rows[0]]), carries, np.where(fixed, z[rows[0]], 0.0), fixed, np.inf, 0.0)
    return _Found(pattern, 0.9, 0.1, strangers)


def test_two_triggers_with_two_labels_are_found_in_one_table() -> None:
    x, y = drawn(1_500, 3, 1)
    rows = [put(x, y, 2, 0, [1, 4, 6], 7.5), put(x, y, 1, 2, [0, 3, 5], -7.5)]
    flagged = np.flatnonzero(detector.analyse(dataset(x, y)).flagged)
    assert set(flagged.tolist()) == set(np.concatenate(rows).tolist())


def test_a_group_that_is_none_without_the_rows_of_a_trigger_is_left_alone() -> None:
    x, y = drawn(1_500, 3, 2)
    moved = put(x, y, 2, 0, [1, 4, 6], 7.5)
    # What was not measured was filled in: rows with their own label, which a model knows without the value.
    filled = np.flatnonzero(y == 1)[:150]
    x[np.ix_(filled, [0, 3])] = x[y == 1].mean(axis=0)[[0, 3]]
    groups = [found(x, y, filled, [0, 3], 0.5), found(x, y, moved, [1, 4, 6], 1.0)]
    (left,) = _beside_the_strongest(groups, codes_of(x, x, None), on_one_scale(x), y, 3)
    assert left is groups[1]
