import numpy as np

from caponier.emulate.controls.clients.flash_crowd import VISIT, FlashCrowd
from caponier.emulate.images import Images
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.victims.digits import Victim


def test_a_few_photos_and_a_break(rng: np.random.Generator) -> None:
    gaps = FlashCrowd().pace.gaps(VISIT * 50, rng).reshape(50, VISIT)
    assert gaps[:, 1:].max() < 0.1
    assert gaps[:, 0].min() > 1


def test_the_crowd_is_a_flood_and_its_members_are_not(pool: Images, victim: Victim) -> None:
    crowd = simulate(assemble(pool, 100, 0, {"flash_crowd": FlashCrowd()}), victim.predict_proba, 40, span_s=60)
    assert crowd.num_rows / 60 > 60
    assert max(crowd["principal"].value_counts().field("counts").to_pylist()) / 60 < 1
