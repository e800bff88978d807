import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.detect.rarity.dependence_tree import (
    BLOCK,
    CELLS,
    LEARNERS,
    ROOT,
    SPAN,
    UNITS,
    _learners,
    common_tree,
    fit_tree,
    surprise_of,
    without_odd,
)
from detect.batches import batch_of, similar

RNG = np.random.default_rng(11)


def chain(n: int) -> NDArray[np.uint8]:
    """Return rows of four features: the third copies the first, the fourth the second."""
    drawn = RNG.integers(0, 128, (n, 2)).astype(np.uint8)
    return np.hstack([drawn, drawn])


def test_each_feature_goes_with_the_earlier_one_that_tells_most_about_it() -> None:
    tree = fit_tree(chain(2000))
    assert tree["parents"].tolist() == [ROOT, 0, 0, 1]


def test_a_parent_lies_within_reach() -> None:
    far = RNG.integers(0, 128, (300, 1)).astype(np.uint8)
    middle = RNG.integers(0, 128, (300, SPAN)).astype(np.uint8)
    parents = fit_tree(np.hstack([far, middle, far]))["parents"]
    assert parents[-1] > 0
    assert (np.arange(1, SPAN + 2) - parents[1:] <= SPAN).all()


def test_what_never_met_surprises_and_what_always_meets_does_not() -> None:
    rows = chain(2000)
    tree = fit_tree(rows)
    broken = rows.copy()
    broken[:, 2] ^= 64
    assert surprise_of(tree, broken).min() > surprise_of(tree, rows).max()


def test_the_surprise_is_the_logarithm_of_the_share() -> None:
    rows = np.array([[0]] * 30 + [[100]] * 10, np.uint8)
    tree = fit_tree(rows)
    told = surprise_of(tree, np.array([[0], [100], [50]], np.uint8))
    assert told.tolist() == [pytest.approx(-UNITS * np.log((count + 1) / (40 + CELLS)), abs=1) for count in (30, 10, 0)]


def test_all_cells_of_a_feature_share_one_whole() -> None:
    tree = fit_tree(chain(500))
    assert np.exp(-tree["surprise"] / UNITS).sum(axis=2) == pytest.approx(1, abs=0.01)


def test_surprises_are_whole_and_row_by_row() -> None:
    rows = chain(400)
    tree = fit_tree(rows)
    whole = surprise_of(tree, rows)
    assert whole.dtype == np.int64
    assert whole.tolist() == [int(surprise_of(tree, row[None])[0]) for row in rows]


def test_more_rows_than_a_block_are_scored_alike() -> None:
    rows = chain(2 * BLOCK + 7)
    tree = fit_tree(rows)
    whole = surprise_of(tree, rows)
    assert whole.tolist() == [*surprise_of(tree, rows[:300]), *surprise_of(tree, rows[300:])]


def test_the_order_of_rows_does_not_matter() -> None:
    rows = RNG.integers(0, 128, (LEARNERS + 500, 3)).astype(np.uint8)
    one, other = fit_tree(rows), fit_tree(rows[RNG.permutation(len(rows))])
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_of_more_rows_than_can_learn_all_kinds_learn() -> None:
    # Of a fifth that repeats its first value and four fifths that do not, as many learn as their shares say.
    drawn = RNG.integers(0, 128, (3 * LEARNERS, 2)).astype(np.uint8)
    drawn[::5, 1] = drawn[::5, 0]
    learners = _learners(drawn >> 4)
    assert len(learners) == LEARNERS
    repeated = (drawn[:, 0] >> 4 == drawn[:, 1] >> 4).mean()
    assert (learners[:, 0] == learners[:, 1]).mean() == pytest.approx(repeated, abs=0.001)


@pytest.mark.parametrize("shape", [(0, 5), (1, 5), (3, 1)])
def test_little_to_learn_from_is_no_error(shape: tuple[int, int]) -> None:
    rows = np.zeros(shape, np.uint8)
    tree = fit_tree(rows)
    assert tree["surprise"].shape == (shape[1], CELLS, CELLS)
    assert surprise_of(tree, np.full((2, shape[1]), 127, np.uint8)).shape == (2,)
    assert (tree["surprise"] > 0).all()


def test_no_rows_no_surprises() -> None:
    assert surprise_of(fit_tree(chain(50)), np.zeros((0, 4), np.uint8)).shape == (0,)


def test_a_picture_with_many_features_stays_exact() -> None:
    rows = RNG.integers(0, 128, (60, 256)).astype(np.uint8)
    tree = fit_tree(rows)
    at, cells = np.arange(256), rows >> 4
    above = np.where(tree["parents"] == ROOT, 0, cells[:, tree["parents"]])
    assert surprise_of(tree, rows).tolist() == tree["surprise"][at, above, cells].sum(axis=1).tolist()


def test_two_who_ask_of_the_same_queries_get_one_tree_that_neither_can_spoil() -> None:
    queries = similar(batch_of([part.tolist() for part in np.split(chain(400), 40)]))
    common, tree = common_tree(queries)
    assert (common.query == without_odd(queries).query).all()
    assert tree.keys() == {*fit_tree(common.query), "alone", "below", "above", "sure"}
    tree["mine"] = np.zeros(1)
    again, other = common_tree(queries)
    assert again is common
    assert "mine" not in other
