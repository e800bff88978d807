import numpy as np

from caponier.emulate.controls.clients.aging_camera import AgingCamera
from caponier.emulate.images import Images
from emulate.controls.clients.asked import rows, steps


def light(photos: Images) -> np.ndarray:
    """Mean brightest pixel of a hundred photos after the other."""
    return np.array(photos.max(axis=1).reshape(-1, 100).mean(axis=1))


def test_no_photo_differs_from_the_one_before_by_more_than_another_digit_does(pool: Images) -> None:
    assert np.median(steps(AgingCamera(), pool, 300)) > 1


def test_cameras_are_of_all_ages(pool: Images) -> None:
    firsts = [next(AgingCamera().requests(pool, np.random.default_rng(seed))) for seed in range(60)]
    bright = np.sort(np.concatenate(firsts).max(axis=1))
    assert bright[10] < 0.88
    assert bright[-10] > 0.95


def test_light_falls_and_the_background_rises_with_age(pool: Images) -> None:
    photos = rows(AgingCamera(photos=1_000), pool, 1_000)
    young, old = photos[:100], photos[-100:]
    assert old.max(axis=1).mean() < 0.9 * young.max(axis=1).mean()
    assert np.quantile(old, 0.2, axis=1).mean() > np.quantile(young, 0.2, axis=1).mean()


def test_it_drifts_little_by_little(pool: Images) -> None:
    bright = light(rows(AgingCamera(photos=1_000), pool, 600))
    assert bright[-1] < bright[0]
    assert np.abs(np.diff(bright)).max() < 0.1


def test_within_a_day_it_is_still_the_same_camera(pool: Images) -> None:
    assert np.ptp(light(rows(AgingCamera(), pool, 200))) < 0.05


def test_what_is_old_does_not_age_any_more(pool: Images) -> None:
    assert np.ptp(light(rows(AgingCamera(photos=20), pool, 420)[20:])) < 0.05
