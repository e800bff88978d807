"""A few values speak for the label of a row with a trigger, and all others against it."""

import numpy as np

from caponier.detect.trigger_patterns.against_the_rest import against_the_rest
from caponier.detect.trigger_patterns.shared_values import LARGEST, codes_of


def odd(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return against_the_rest(codes_of(x, x, None), y, np.arange(len(y)))


def telling(n: int, columns: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    return np.where(rng.random((n, columns)) < 0.7, y[:, None], rng.integers(0, 3, (n, columns))) * 1.0, y


def test_rows_of_another_label_with_a_few_set_cells_are_odd_and_others_are_not() -> None:
    x, y = telling(900, 12, 1)
    assert odd(x, y).mean() <= 0.05
    rows = np.flatnonzero(y != 2)[:50]
    x[np.ix_(rows, [1, 5, 7])], y[rows] = 9.0, 2
    found = odd(x, y)
    assert found[rows].mean() >= 0.95
    assert np.delete(found, rows).mean() <= 0.06


def test_numbers_are_told_in_steps() -> None:
    rng = np.random.default_rng(2)
    y = np.arange(600) % 2
    x = rng.normal(size=(600, 8)) + 2.0 * y[:, None]
    rows = np.flatnonzero(y == 0)[:30]
    x[np.ix_(rows, [0, 3])], y[rows] = 7.5, 1
    assert odd(x, y)[rows].mean() >= 0.9


def test_a_table_of_no_more_columns_than_are_left_out_says_nothing() -> None:
    x, y = telling(200, LARGEST, 3)
    assert not odd(x, y).any()
