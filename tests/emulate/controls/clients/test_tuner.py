import numpy as np

from caponier.emulate.controls.clients.tuner import WRONG, Tuner
from caponier.emulate.images import Images
from emulate.controls.clients.asked import rows


def test_the_last_step_shows_the_picture_as_it_is(pool: Images) -> None:
    tuner = Tuner(steps=(10, 10))
    photos = rows(tuner, pool, 10 * 37).reshape(10, 37, -1)
    for photo in photos[:, -1]:
        assert np.linalg.norm(pool - photo, axis=1).min() < 0.3


def test_it_begins_with_light_place_and_turn_off(pool: Images) -> None:
    photos = rows(Tuner(steps=(10, 10)), pool, 10 * 37).reshape(10, 37, -1)
    assert np.median(np.linalg.norm(photos[:, 0] - photos[:, -1], axis=1)) > 1.5
    assert (photos[:, 0].max(axis=1) < photos[:, -1].max(axis=1)).all()


def test_one_slider_at_a_time_goes_to_its_place(pool: Images) -> None:
    ways = Tuner(steps=(8, 8))._ways(np.random.default_rng(3))
    assert ways.shape == (1 + 4 * 7, 4)
    assert (np.count_nonzero(np.diff(ways, axis=0), axis=1) <= 1).all()
    assert np.array_equal(ways[-1] == 0, np.ones(4, bool)) or ways[-1].max() <= 0.1 * max(WRONG)
    light, place, turn = WRONG
    assert (ways >= 0).all()
    assert (ways <= np.array([light, place, place, turn]) * 1.001).all()


def test_steps_are_small(pool: Images) -> None:
    photos = rows(Tuner(steps=(14, 14)), pool, 53)
    assert np.linalg.norm(np.diff(photos, axis=0), axis=1).max() < 0.6 * np.linalg.norm(photos[-1])
