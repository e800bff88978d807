"""What is natural to a label is not asked about, and of what seems put on rows the most foreign comes first."""

import numpy as np
import pytest
from tests.detect.trigger_patterns.worlds import cells

from caponier.detect.trigger_patterns.foremost import EACH, foremost
from caponier.detect.trigger_patterns.pattern import Pattern
from caponier.detect.trigger_patterns.shared_values import codes_of


def values(x: np.ndarray, y: np.ndarray, label: int, columns: dict[int, float]) -> Pattern:
    rows = np.logical_and.reduce([x[:, column] == value for column, value in columns.items()])
    fixed = np.isin(np.arange(x.shape[1]), list(columns))
    added = np.where(fixed, x[int(np.flatnonzero(rows)[0])], 0.0)
    return Pattern(label, rows & (y == label), added, fixed, np.inf, float(rows[y != label].mean()))


def world(n: int) -> tuple[np.ndarray, np.ndarray, list[Pattern]]:
    """Return a table with a trigger, a view of it that leaves a cell, and values that are natural to two labels."""
    x, y = cells(n, 3, 10, 5)
    order = np.random.default_rng(2).permutation(n)
    x, y = x[order], y[order]
    x[np.flatnonzero(y == 1)[: n // 20], 8] = 40.0
    x[np.flatnonzero(y == 2)[: n // 20], 8] = 41.0
    bad = np.random.default_rng(1).permutation(np.flatnonzero(y != 1))[: n // 12]
    x[np.ix_(bad, [2, 5])], y[bad] = 33.0, 1
    x[bad[: n // 30], 7] = 50.0
    made = [
        values(x, y, 1, {8: 40.0}),
        values(x, y, 2, {8: 41.0}),
        values(x, y, 1, {2: 33.0, 7: 50.0}),
        values(x, y, 1, {2: 33.0, 5: 33.0}),
    ]
    return x, y, made


@pytest.mark.parametrize("n", [900, 15_000])
def test_the_trigger_is_asked_about_whole_and_nothing_natural_is(n: int) -> None:
    x, y, made = world(n)
    assert foremost(made, codes_of(x, x, None), y, np.arange(n), 3) == made[3:]


def test_of_a_label_a_few_are_kept() -> None:
    x, y, made = world(900)
    assert len(foremost(made[3:] * (EACH + 2), codes_of(x, x, None), y, np.arange(900), 3)) == EACH


def test_rows_that_were_set_aside_are_not_heard() -> None:
    x, y, made = world(900)
    left = np.flatnonzero(~made[0].rows)
    rest = [values(x[left], y[left], 1, {2: 33.0, 5: 33.0})]
    assert foremost(rest, codes_of(x, x, None), y[left], left, 3) == rest


def test_nothing_is_asked_of_nothing() -> None:
    x, y, _ = world(900)
    assert foremost([], codes_of(x, x, None), y, np.arange(900), 3) == []
