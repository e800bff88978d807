import numpy as np

from caponier.emulate.controls.clients.one_class import OneClass
from caponier.emulate.images import Images
from caponier.emulate.victims.digits import Victim
from emulate.controls.clients.asked import rows


def test_most_answers_are_one_class(pool: Images, victim: Victim) -> None:
    counts = np.bincount(victim.answers(rows(OneClass(), pool, 200)), minlength=10)
    assert counts.max() > 120
