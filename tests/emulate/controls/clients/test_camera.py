import numpy as np

from caponier.emulate.controls.clients.camera import Camera
from caponier.emulate.images import Images
from caponier.emulate.victims.digits import Victim
from emulate.controls.clients.asked import rows, steps


def test_the_picture_never_jumps(pool: Images) -> None:
    """One digit fades into the next over eight frames: no step is as long as from one digit to another (about 3)."""
    assert steps(Camera(), pool, 1000).max() < 1.5


def test_the_scene_changes_all_the_same(pool: Images) -> None:
    film = rows(Camera(), pool, 1000)
    assert np.linalg.norm(film[::100] - film[0], axis=1)[1:].min() > 1


def test_answers_flip_along_a_fade(pool: Images, victim: Victim) -> None:
    """It is the harmless look-alike of a walk across a boundary, and must be one."""
    answers = victim.answers(rows(Camera(), pool, 1000))
    assert (np.diff(answers) != 0).sum() >= 10
