import numpy as np

from caponier.emulate.benign.aging_camera import AgingCamera
from caponier.emulate.images import Images
from emulate.benign.asked import rows, steps


def test_no_photo_differs_from_the_one_before_by_more_than_another_digit_does(pool: Images) -> None:
    assert np.median(steps(AgingCamera(), pool, 300)) > 1


def test_light_falls_and_the_background_rises_with_age(pool: Images) -> None:
    photos = rows(AgingCamera(photos=300), pool, 400)
    young, old = photos[:60], photos[320:]
    assert old.max(axis=1).mean() < 0.8 * young.max(axis=1).mean()
    assert np.quantile(old, 0.2, axis=1).mean() > np.quantile(young, 0.2, axis=1).mean()


def test_it_drifts_little_by_little(pool: Images) -> None:
    bright = rows(AgingCamera(photos=300), pool, 300).max(axis=1).reshape(6, 50).mean(axis=1)
    assert (np.diff(bright) < 0).all()
    assert -np.diff(bright).min() < 0.5 * (bright[0] - bright[-1])


def test_what_is_old_does_not_age_any_more(pool: Images) -> None:
    bright = rows(AgingCamera(photos=20), pool, 420).max(axis=1)[20:].reshape(4, 100).mean(axis=1)
    assert np.ptp(bright) < 0.05
