"""How alike rows are: as much as they say together that others do not."""

import numpy as np
import pytest

from caponier.detect.near_copies.crowds import Crowds
from caponier.detect.near_copies.likeness import Likeness


def drawn(n: int = 200, width: int = 12) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, width))


def alike(x: np.ndarray, one: int, other: int) -> float:
    vectors = Likeness.of(x).vectors
    return float(vectors[one] @ vectors[other])


def test_equal_rows_are_as_alike_as_can_be_and_no_rows_are_more() -> None:
    x = drawn()
    x[1] = x[0]
    found = Likeness.of(x).vectors
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert alike(x, 0, 1) == pytest.approx(1, abs=1e-5)
    assert (found @ found.T).max() <= 1 + 1e-5
    assert (found @ found.T).min() >= 0


def test_a_mutant_is_like_its_parent_however_far_one_cell_went() -> None:
    x = drawn()
    x[1], x[2] = x[0], x[0]
    x[1, 3], x[2, 3] = 1e12, x[0, 3] + 5
    assert alike(x, 0, 1) > 0.85
    assert alike(x, 0, 1) == pytest.approx(alike(x, 0, 2), abs=0.08)
    assert max(alike(x, 0, other) for other in range(3, 200)) < 0.6


def test_what_nearly_all_rows_share_makes_none_alike() -> None:
    x = np.zeros((200, 6))
    x[:2, 0], x[:, 1] = 1.0, np.arange(200) % 2
    rare, common = alike(x, 0, 1), alike(x, 10, 12)
    assert Likeness.of(x).told[0] > 4 * Likeness.of(x).told[10]
    assert rare > 0.8
    assert common == pytest.approx(1, abs=1e-5), "it says little, and that little is the same"


@pytest.mark.parametrize("x", [np.ones((70, 5)), np.zeros((70, 64)), np.zeros((70, 0)), np.ones((1, 3))])
def test_rows_that_say_nothing_are_like_nothing(x: np.ndarray) -> None:
    found = Likeness.of(x)
    assert np.isfinite(found.vectors).all()
    assert not found.told.any()
    crowds = Crowds.of(x, np.zeros(len(x), np.int64), None)
    assert not crowds.near.any()
    assert not crowds.around(np.zeros(len(x), bool)).any()


@pytest.mark.parametrize("times", [1e-9, 1.0, 1e9])
def test_the_unit_of_a_column_does_not_count(times: float) -> None:
    x = drawn()
    plain = Likeness.of(x).vectors
    x[:, 4] *= times
    other = Likeness.of(x).vectors
    np.testing.assert_allclose(other @ other[0], plain @ plain[0], atol=0.02)


def test_a_crowd_is_found_around_its_parent_and_stops_there() -> None:
    x = drawn(300)
    rng = np.random.default_rng(1)
    for row in range(1, 31):
        x[row] = x[0]
        x[row, rng.integers(12)] = rng.normal() * 9
    sources = np.where(np.arange(300) < 31, 0, 1 + np.arange(300) % 4)
    crowds = Crowds.of(x, np.arange(300) % 2, sources)
    assert (crowds.near[:31] >= 25).all()
    assert crowds.near[31:].max() <= 2
    assert (crowds.near_own[:31] == crowds.near[:31]).all()
    cores = np.zeros(300, bool)
    cores[0] = True
    around = crowds.around(cores)
    assert around[:31].all()
    assert not around[31:].any()


def test_sources_split_what_is_near_and_never_add_to_it() -> None:
    x = np.repeat(drawn(20), 10, axis=0) + 1e-6 * drawn(200)
    y = np.arange(200) % 2
    everybody, alone = Crowds.of(x, y, None), Crowds.of(x, y, np.arange(200))
    assert (everybody.near == alone.near).all()
    assert (everybody.near_own == everybody.near).all()
    assert not alone.near_own.any(), "a row is no copy of itself"
