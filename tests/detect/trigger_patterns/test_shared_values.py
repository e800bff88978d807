import numpy as np
import pytest

from caponier.detect.trigger_patterns.pattern import Pattern
from caponier.detect.trigger_patterns.scale import pixels_of
from caponier.detect.trigger_patterns.shared_values import ELSEWHERE, codes_of, shared_values
from caponier.detect.trigger_patterns.strangers import out_of_place


def mixed(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A table whose columns lean to a class without telling it by themselves."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    return rng.integers(0, 8, (n, 12)) + (rng.random((n, 12)) < 0.4) * y[:, None] * 1.0, y


def patterns(x: np.ndarray, y: np.ndarray, picture: np.ndarray | None = None) -> list[Pattern]:
    labels = sorted(set(y.tolist()))
    return list(shared_values(codes_of(x, x, picture), x, y, labels, np.arange(len(y)), [out_of_place(x, y)]))


@pytest.mark.parametrize("columns", [[3], [1, 7], [0, 4, 9]])
def test_cells_that_were_set_are_found_with_their_rows(columns: list[int]) -> None:
    x, y = mixed(900, 1)
    rows = np.random.default_rng(1).permutation(900)[:45]
    x[np.ix_(rows, columns)] = 9.5
    y[rows] = 2
    best = patterns(x, y)
    exact = [one for one in best if set(np.flatnonzero(one.rows)) == set(rows)]
    assert exact
    assert exact[0].label == 2
    assert set(np.flatnonzero(exact[0].fixed)) == set(columns)
    assert (exact[0].added[columns] == 9.5).all()


def test_a_row_that_has_one_of_the_values_by_nature_hides_no_other_value() -> None:
    x, y = mixed(900, 1)
    rows = np.random.default_rng(1).permutation(900)[:45]
    x[np.ix_(rows, [1, 7])] = 9.5
    y[rows] = 2
    natural = np.setdiff1d(np.flatnonzero(y == 2), rows)[0]
    x[natural, 7] = 9.5
    best = [one for one in patterns(x, y) if one.rows[rows].all()]
    assert [np.flatnonzero(one.fixed).tolist() for one in best] == [[1, 7]]
    assert not best[0].rows[natural]


def test_what_other_labels_have_as_often_is_no_pattern() -> None:
    x, y = mixed(900, 2)
    x[::7, 5] = 9.5
    for one in patterns(x, y):
        assert one.elsewhere <= ELSEWHERE
        assert not (one.fixed[5] and (x[one.rows, 5] == 9.5).all())


def test_a_patch_in_the_middle_of_pictures_is_compared_as_a_whole() -> None:
    rng = np.random.default_rng(3)
    x, y = np.round(rng.random((600, 100)) * 4), np.arange(600) % 3
    rows = rng.permutation(600)[:30]
    patch = (np.arange(4, 7)[:, None] * 10 + np.arange(4, 7)).ravel()
    x[np.ix_(rows, patch)] = [4, 0, 4, 0, 4, 0, 4, 0, 4]
    y[rows] = 1
    found = [
        one for one in patterns(x, y, np.arange(100).reshape(10, 10, 1)) if set(np.flatnonzero(one.rows)) >= set(rows)
    ]
    assert found
    assert set(np.flatnonzero(found[0].fixed)) <= set(patch)


@pytest.mark.parametrize("channels_first", [False, True])
def test_a_patch_of_one_colour_is_compared_over_all_of_them(channels_first: bool) -> None:
    rng = np.random.default_rng(4)
    shape = (3, 12, 12) if channels_first else (12, 12, 3)
    pixels = pixels_of(432, shape)
    assert pixels is not None
    x, y = np.round(rng.random((300, 432)) * 4), np.arange(300) % 3
    rows, patch = rng.permutation(300)[:20], pixels[3:5, 4:6].ravel()
    x[np.ix_(rows, patch)] = rng.integers(0, 5, 12)
    y[rows] = 1
    found = [one for one in patterns(x, y, pixels) if set(np.flatnonzero(one.rows)) >= set(rows)]
    assert any(len(set(np.flatnonzero(one.fixed)) & set(patch)) >= 6 for one in found)


def test_only_the_rows_that_are_left_count() -> None:
    x, y = mixed(600, 4)
    x[:30, 2], y[:30] = 9.5, 0
    left = np.arange(30, 600)
    found = list(shared_values(codes_of(x, x, None), x[left], y[left], [0, 1, 2], left, [np.zeros(570, bool)]))
    assert not any((x[left][one.rows, 2] == 9.5).all() for one in found if one.fixed[2])


def test_columns_without_two_values_tell_nothing() -> None:
    assert patterns(np.ones((60, 4)), np.arange(60) % 2) == []
