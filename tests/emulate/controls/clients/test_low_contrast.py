import numpy as np

from caponier.emulate.controls.clients.low_contrast import LowContrast
from caponier.emulate.controls.clients.random_user import RandomUser
from caponier.emulate.images import Images
from caponier.emulate.victims.digits import Victim
from emulate.controls.clients.asked import rows


def test_photos_are_pale(pool: Images) -> None:
    assert rows(LowContrast(), pool).max(axis=1).mean() < 0.75


def test_the_model_is_less_sure(pool: Images, victim: Victim) -> None:
    pale, clear = (victim.predict_proba(rows(habit, pool)).max(axis=1) for habit in (LowContrast(), RandomUser()))
    assert np.mean(pale < 0.9) > 1.5 * np.mean(clear < 0.9)
