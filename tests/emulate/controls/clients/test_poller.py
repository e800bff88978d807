import numpy as np

from caponier.emulate.controls.clients.poller import Poller
from caponier.emulate.images import Images
from emulate.controls.clients.asked import rows, steps


def test_a_scene_stands_still_for_30_to_80_photos(pool: Images) -> None:
    changes = np.flatnonzero(steps(Poller(), pool, 1000) > 0.8)
    frames = np.diff(changes)
    assert len(changes) > 10
    assert frames.min() >= 30
    assert frames.max() <= 80


def test_photos_of_a_scene_differ_by_noise_only(pool: Images) -> None:
    still = steps(Poller(), pool, 1000)
    still = still[still < 0.8]
    assert still.min() > 0
    assert np.median(still) < 0.45


def test_frames_can_be_chosen(pool: Images) -> None:
    photos = rows(Poller(frames=(5, 5)), pool, 50).reshape(10, 5, -1)
    assert np.ptp(photos, axis=1).max() < 0.5
