import numpy as np
import pytest

from caponier.emulate.images import FEATURES, SIDE, Images, noisy, shifted, shots, warped


def dot(row: int, column: int) -> Images:
    picture = np.zeros((SIDE, SIDE), np.float32)
    picture[row, column] = 1
    return picture.reshape(1, FEATURES)


def none(n: int = 1) -> Images:
    return np.zeros(n, np.float32)


def test_shift_moves_down_and_right() -> None:
    assert np.array_equal(shifted(dot(3, 4), np.array([[1, -1]])), dot(4, 3))


def test_shift_by_nothing_changes_nothing(pool: Images) -> None:
    assert np.array_equal(shifted(pool, np.zeros((len(pool), 2), np.int64)), pool)


def test_what_leaves_the_picture_is_gone() -> None:
    assert shifted(dot(0, 0), np.array([[-1, 0]])).sum() == 0


def test_warp_by_nothing_changes_nothing(pool: Images) -> None:
    n = len(pool)
    same = warped(pool, none(n), np.zeros((n, 2), np.float32), np.ones(n, np.float32))
    assert np.allclose(same, pool, atol=1e-6)


def test_warp_by_a_whole_pixel_is_a_shift(pool: Images) -> None:
    n = len(pool)
    moves = np.tile(np.array([[1, -1]], np.float32), (n, 1))
    moved = warped(pool, none(n), moves, np.ones(n, np.float32))
    assert np.allclose(moved, shifted(pool, moves.astype(np.int64)), atol=1e-5)


def test_a_full_turn_comes_home(pool: Images) -> None:
    n = len(pool)
    turned = warped(pool, np.full(n, 2 * np.pi, np.float32), np.zeros((n, 2), np.float32), np.ones(n, np.float32))
    assert np.allclose(turned, pool, atol=1e-4)


def test_light_scales_and_never_blinds() -> None:
    half = warped(dot(2, 2), none(), np.zeros((1, 2), np.float32), np.array([0.5], np.float32))
    bright = warped(dot(2, 2), none(), np.zeros((1, 2), np.float32), np.array([3], np.float32))
    assert half.max() == pytest.approx(0.5)
    assert bright.max() == 1


@pytest.mark.parametrize("photograph", [noisy, shots])
def test_photos_are_what_a_camera_gives(photograph, pool: Images, rng: np.random.Generator) -> None:
    photos = photograph(pool, rng)
    assert photos.shape == pool.shape
    assert photos.dtype == np.float32
    assert photos.min() >= 0
    assert photos.max() <= 1


def test_no_two_shots_of_one_thing_agree(pool: Images, rng: np.random.Generator) -> None:
    assert len(np.unique(shots(np.tile(pool[0], (500, 1)), rng), axis=0)) == 500


def test_noise_is_as_strong_as_it_says(rng: np.random.Generator) -> None:
    grey = np.full((2000, FEATURES), 0.5, np.float32)
    spread = (noisy(grey, rng) - 0.5).std(axis=1)
    assert spread.min() > 0.015
    assert spread.max() < 0.055
    assert spread.mean() == pytest.approx(0.03, abs=0.002)


def test_few_shots_are_a_pixel_off(pool: Images, rng: np.random.Generator) -> None:
    """Sensor noise moves an image by at most 0.5; a moved digit is farther away."""
    image = np.tile(pool[0], (1000, 1))
    off = np.linalg.norm(shots(image, rng) - image, axis=1) > 0.6
    assert 0.08 < off.mean() < 0.16
