"""Values that somebody put on the same rows meet many times as often as by lot; those of a rule do not."""

from dataclasses import replace

import numpy as np
import pytest

from caponier.detect.trigger_patterns.pattern import Mask, Pattern
from caponier.detect.trigger_patterns.shared_values import Codes, codes_of
from caponier.detect.trigger_patterns.tied_values import tied


def table(n: int = 1_200) -> np.ndarray:
    """Return three columns of four values each, and two that tell a word."""
    rng = np.random.default_rng(1)
    word = rng.integers(2, size=n)
    return np.c_[rng.integers(4, size=(n, 3)), word == 0, word == 1].astype(np.float64)


def codes(x: np.ndarray, written: list[int] | None = None) -> Codes:
    numbered = codes_of(x, x, None, [(3, 4)])
    return replace(numbered, written=None if written is None else np.array(written))


def sharing(x: np.ndarray, values: dict[int, float], own: Mask) -> Pattern:
    fixed = np.isin(np.arange(x.shape[1]), list(values))
    rows = own & (x[:, fixed] == np.array([values[at] for at in np.flatnonzero(fixed)])).all(axis=1)
    return Pattern(0, rows, np.zeros(x.shape[1]), fixed, np.inf, 0.0)


def test_values_that_a_rule_finds_meet_as_by_lot() -> None:
    x = table()
    labels = (x[:, 0] == 1) & (x[:, 2] == 3)
    assert tied(codes(x), x, sharing(x, {0: 1.0, 2: 3.0}, labels)) == pytest.approx(1.0, abs=0.3)


def test_values_that_were_put_on_rows_together_meet_many_times_as_often() -> None:
    x = table()
    own = np.arange(len(x)) % 20 == 0
    x[np.ix_(own, [0, 2])] = 9.0, 3.0
    x[7, 0] = 9.0
    # A quarter of all rows has the other value by nature.
    assert 2.5 < tied(codes(x), x, sharing(x, {0: 9.0, 2: 3.0}, own)) < 5
    x[own, 2] = 8.0
    assert tied(codes(x), x, sharing(x, {0: 9.0, 2: 8.0}, own)) > 15


def test_one_value_in_several_columns_is_tied_to_nothing() -> None:
    x = table()
    own = x[:, 3] == 1
    assert tied(codes(x), x, sharing(x, {3: 1.0, 4: 0.0}, own)) == 1.0
    assert tied(codes(x), x, sharing(x, {0: 1.0}, own)) == 1.0
    # A number, and the column that says where it has none.
    assert tied(codes(x, [0, 0, 2, 3, 4]), x, sharing(x, {0: 1.0, 1: 1.0}, own)) == 1.0


def test_a_value_that_stands_there_beside_tied_ones_unties_them() -> None:
    x = table()
    own = np.arange(len(x)) % 20 == 0
    x[np.ix_(own, [0, 2])] = 9.0, 8.0
    both = tied(codes(x), x, sharing(x, {0: 9.0, 2: 8.0}, own))
    assert tied(codes(x), x, sharing(x, {0: 9.0, 1: 1.0, 2: 8.0}, own)) < 2 < both


def test_a_pattern_that_no_row_has_is_tied_to_nothing() -> None:
    x = table()
    assert tied(codes(x), x, sharing(x, {0: 77.0, 1: 78.0}, np.ones(len(x), bool))) == 1.0
