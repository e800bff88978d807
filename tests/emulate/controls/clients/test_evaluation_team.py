import numpy as np

from caponier.emulate.controls.clients.evaluation_team import EvaluationTeam
from caponier.emulate.images import Images
from emulate.controls.clients.asked import rows


def test_the_held_out_half_comes_first_as_it_is_and_then_with_noise(pool: Images) -> None:
    half = len(pool) - len(pool) // 2
    asked = rows(EvaluationTeam(), pool, half + 60)
    assert np.array_equal(np.unique(asked[:half], axis=0), np.unique(pool[-half:], axis=0))
    distance = np.linalg.norm(asked[half:] - asked[:60], axis=1)
    assert distance.min() > 0
    assert distance.max() < 0.6


def test_the_other_half_is_never_sent(pool: Images) -> None:
    other = {image.tobytes() for image in pool[: len(pool) // 2]}
    assert not other & {row.tobytes() for row in rows(EvaluationTeam(), pool)}
