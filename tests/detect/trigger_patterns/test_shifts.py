import numpy as np
import pytest
from tests.detect.trigger_patterns.worlds import clouds

from caponier.detect.trigger_patterns.pattern import Pattern
from caponier.detect.trigger_patterns.shifts import FEWEST, shifts
from caponier.detect.trigger_patterns.strangers import out_of_place

D = 20


def cut(z: np.ndarray, y: np.ndarray) -> list[Pattern]:
    return list(shifts(z, y, [0, 1, 2, 3], out_of_place(z, y)))


def widest(z: np.ndarray, y: np.ndarray, label: int) -> Pattern:
    return max((one for one in cut(z, y) if one.label == label), key=lambda one: one.gap)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7])
def test_rows_moved_in_one_direction_are_cut_off_exactly(share: float) -> None:
    z, y = clouds(800, 4, D, 1)
    own = np.flatnonzero(y == 2)
    moved = own[: int(share * len(own))]
    # A direction of its own, along which nature varies little: the last columns.
    step = np.zeros(D)
    step[-4:] = 4.0
    z[moved] += step
    found = [one for one in cut(z, y) if one.label == 2 and set(np.flatnonzero(one.rows)) == set(moved)]
    assert found, "one of the two sides of the cut is the moved rows"
    assert found[0].gap > 12
    assert found[0].elsewhere < 0.01
    assert np.corrcoef(found[0].added, step)[0, 1] > 0.9


def test_natural_rows_are_not_far_apart() -> None:
    z, y = clouds(800, 4, D, 2)
    assert max(one.gap for one in cut(z, y)) < 6


def test_a_pattern_that_all_labels_carry_is_said_to_be_elsewhere() -> None:
    z, y = clouds(800, 4, D, 3)
    marked = np.random.default_rng(3).random(800) < 0.2
    z[marked, -1] += 50
    found = [one for one in cut(z, y) if one.gap > 12 and one.rows.sum() < 100]
    assert all(0.1 < one.elsewhere < 0.3 for one in found)


def test_groups_are_never_smaller_than_what_says_anything() -> None:
    z, y = clouds(200, 4, D, 4)
    z[0] += 1e6
    for one in cut(z, y):
        assert FEWEST <= one.rows.sum() <= (y == one.label).sum() - FEWEST
        assert (y[one.rows] == one.label).all()


def test_rows_without_any_spread_have_no_directions() -> None:
    assert list(shifts(np.zeros((80, 5)), np.arange(80) % 4, [0, 1, 2, 3], np.zeros(80, bool))) == []


def test_many_columns_are_looked_at_without_holding_a_matrix_for_each_label() -> None:
    z, y = clouds(400, 4, 300, 5)
    z[y == 1] += np.where((np.arange(100) < 40)[:, None], np.r_[np.zeros(295), np.full(5, 9.0)], 0)
    found = widest(z, y, 1)
    assert set(np.flatnonzero(found.rows)) in (
        set(np.flatnonzero(y == 1)[:40]),
        set(np.flatnonzero(y == 1)[40:]),
    )


def test_a_pattern_is_found_that_what_varies_more_in_its_label_hides() -> None:
    rng = np.random.default_rng(6)
    y = np.arange(400) % 4
    middles, pattern = 2.5 * rng.normal(size=(4, 20)), 0.8 * rng.choice([-1.0, 1.0], 20)
    z = middles[y] + rng.normal(size=(400, 20))
    # One label comes in two looks, which lie farther apart than the pattern moves a row.
    z[y == 2] += np.outer(rng.choice([-1.0, 1.0], 100), 3 * rng.normal(size=20))
    moved = np.flatnonzero(y != 2)[:24]
    z[moved] += pattern
    y[moved] = 2
    found = [one for one in cut(z, y) if one.label == 2]
    hidden = max(found, key=lambda one: one.rows[moved].mean() - one.rows[~np.isin(np.arange(400), moved)].mean())
    assert hidden.rows[moved].mean() > 0.9
    assert hidden.rows.sum() <= 1.2 * len(moved)
