import numpy as np

from caponier.emulate.controls.clients.sunrise import DARK, DAY, Sunrise
from caponier.emulate.images import Images
from emulate.controls.clients.asked import rows


def test_it_gets_light_little_by_little(pool: Images) -> None:
    photos = rows(Sunrise(frames=(50, 50)), pool, 500).reshape(10, 50, -1)
    bright = photos.max(axis=2)
    assert bright[:, 0].max() < DARK + 0.2
    assert bright[:, -1].min() > DAY - 0.2
    light = np.linspace(DARK, DAY, 50)
    assert all(np.corrcoef(scene, light)[0, 1] > 0.98 for scene in photos.sum(axis=2))


def test_a_scene_stands_still_but_for_its_light(pool: Images) -> None:
    photos = rows(Sunrise(frames=(40, 40)), pool, 40)
    by_day = photos[-1]
    alike = [np.corrcoef(photo, by_day)[0, 1] for photo in photos[20:]]
    assert min(alike) > 0.95


def test_steps_are_small_within_a_scene(pool: Images) -> None:
    photos = rows(Sunrise(frames=(60, 60)), pool, 60)
    assert np.linalg.norm(np.diff(photos, axis=0), axis=1).max() < 0.6
