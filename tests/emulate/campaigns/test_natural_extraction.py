import numpy as np

from caponier.emulate.campaigns.natural_extraction import CAMPAIGN
from caponier.emulate.simulation.trace import trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Victim


def test_it_photographs_each_of_its_images_before_it_begins_again(split: DigitsSplit, victim: Victim) -> None:
    stage = CAMPAIGN.stage(split, 1, victim)
    n = len(split.attackers)
    events = trace_campaign(CAMPAIGN, stage, seed=1, budget=2 * n).events
    asked = np.array(events["input"].to_pylist(), np.float32)
    assert len({row.tobytes() for row in asked}) == 2 * n
    for turn in (asked[:n], asked[n:]):
        apart = np.square(turn[:, None] - stage.held.images[None]).sum(axis=2).argmin(axis=1)
        # A photo that is a pixel off may be nearer to another image.
        assert len(set(apart)) > 0.8 * n


def test_more_queries_make_a_better_copy(split: DigitsSplit, victim: Victim) -> None:
    stage = CAMPAIGN.stage(split, 1, victim)
    few, many = (CAMPAIGN.run(victim.predict_proba, stage, seed=1, budget=n) for n in (15, 200))
    assert few.measure["agreement"] < many.measure["agreement"]
    assert not few.success
    assert many.success


def test_the_copy_is_judged_on_images_that_it_never_asked_for(split: DigitsSplit, victim: Victim) -> None:
    stage = CAMPAIGN.stage(split, 1, victim)
    assert np.array_equal(stage.exam.images, split.test.images)
    held, mine = ({image.tobytes() for image in images} for images in (stage.held.images, split.attackers.images))
    assert held == mine
