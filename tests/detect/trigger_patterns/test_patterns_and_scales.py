"""Patterns that are put on and taken off, and the scales on which pictures and tables are compared."""

import numpy as np
import pytest

from caponier.detect.trigger_patterns.pattern import Pattern
from caponier.detect.trigger_patterns.scale import BINS, binned, is_picture, on_one_scale, sides
from caponier.detect.trigger_patterns.shifts import shifts
from caponier.detect.trigger_patterns.strangers import out_of_place, strangers


def pattern(added: np.ndarray, fixed: np.ndarray, rows: np.ndarray, label: int = 0) -> Pattern:
    return Pattern(label, rows, added, fixed, 9.0, 0.0)


def test_what_is_put_on_comes_off_again() -> None:
    x = np.random.default_rng(0).normal(size=(40, 6))
    added, rows = np.array([0.0, 2.0, 0.0, -1.0, 0.0, 0.0]), np.zeros(40, bool)
    shift = pattern(added, np.zeros(6, bool), rows)
    np.testing.assert_allclose(shift.taken_off(shift.put_on(x), np.zeros(6)), x)
    fixed = added != 0
    values = pattern(added, fixed, rows)
    assert (values.put_on(x)[:, fixed] == added[fixed]).all()
    assert (values.put_on(x)[:, ~fixed] == x[:, ~fixed]).all()
    usual = np.full(6, 0.5)
    assert (values.taken_off(x, usual)[:, fixed] == 0.5).all()
    np.testing.assert_array_equal(values.put_on(values.put_on(x)), values.put_on(x))


@pytest.mark.parametrize(
    ("width", "shape", "expected"),
    [
        (64, (), (8, 8)),
        (60, (6, 10), (6, 10)),
        (60, (), None),
        (3, (3,), None),
        (192, (8, 8, 3), None),
        (1, (), (1, 1)),
    ],
)
def test_a_pictures_sides_are_its_shape_or_a_square(width: int, shape: tuple[int, ...], expected: object) -> None:
    assert sides(width, shape) == expected


def test_pictures_are_told_from_tables_whatever_their_border_and_unit() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.random((100, 8, 8))
    for border in (0.0, 0.5, 1.0):
        framed = np.pad(pixels, ((0, 0), (2, 2), (2, 2)), constant_values=border).reshape(100, -1)
        for unit in (1.0, 255.0):
            assert is_picture(framed * unit)
    table = rng.normal(size=(100, 40)) * 10.0 ** np.arange(40)
    assert not is_picture(table)
    assert not is_picture(pixels.reshape(100, -1)[:, :31]), "too narrow"
    for same in (np.zeros((10, 64)), np.full((10, 64), 3.0), np.zeros((1, 64))):
        assert not is_picture(same)


def test_ranks_do_not_mind_any_unit_that_keeps_the_order() -> None:
    x = np.random.default_rng(0).normal(size=(80, 5))
    np.testing.assert_allclose(on_one_scale(np.exp(3 * x)), on_one_scale(x))
    np.testing.assert_allclose(on_one_scale(x).mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(on_one_scale(x).std(axis=0), 1, atol=0.05)
    for alone in (np.ones((80, 3)), np.ones((1, 3))):
        assert not on_one_scale(alone).any()
    halves = on_one_scale(np.repeat([[0.0], [1.0]], 40, axis=0))
    assert set(np.round(halves.ravel(), 6)) == {-round(float(halves.max()), 6), round(float(halves.max()), 6)}


def test_a_camera_s_noise_leaves_a_shade_as_it_is() -> None:
    rng = np.random.default_rng(0)
    x = np.round(rng.random((50, 64)) * BINS) / BINS
    x[0, :2] = 0.0, 1.0
    noisy = np.clip(x + rng.uniform(-0.4, 0.4, x.shape) / BINS, 0, 1)
    noisy[0, :2] = 0.0, 1.0
    np.testing.assert_array_equal(binned(noisy), binned(x))
    assert binned(x[:, :5]) is not None
    np.testing.assert_array_equal(binned(x[:, :5]), x[:, :5])


def test_rows_from_elsewhere_are_strangers_and_a_style_of_its_own_is_none() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 150)
    z = rng.normal(size=(300, 8)) * 0.3 + 3.0 * y[:, None]
    added = np.zeros(8)
    added[0] = 9.0
    moved, rows = z.copy(), np.zeros(300, bool)
    rows[150:180] = True
    given = np.where(rows, 0, y)
    moved[rows] += added
    for by_label in (False, True):
        seen = strangers(moved, given, pattern(added, np.zeros(8, bool), rows), by_label=by_label)
        assert seen.share > 0.6
        assert seen.usual < 0.05
        assert seen.odds > 4
    style = np.zeros(300, bool)
    style[:30] = True
    own = z.copy()
    own[style] += added
    assert strangers(own, y, pattern(added, np.zeros(8, bool), style), by_label=True).share < 0.1
    assert out_of_place(z, given)[rows].mean() > 0.9
    assert out_of_place(z, given)[~rows].mean() < 0.1


@pytest.mark.parametrize("z", [np.zeros((40, 6)), np.ones((40, 1)), np.repeat(np.eye(2), 20, axis=0)])
def test_rows_without_spread_have_no_direction(z: np.ndarray) -> None:
    assert list(shifts(z, np.repeat([0, 1], 20), [0, 1], np.zeros(40, bool))) == []
