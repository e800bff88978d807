import numpy as np

from caponier.emulate.attacker.membership import FEWEST
from caponier.emulate.campaigns.membership_inference import CAMPAIGN
from caponier.emulate.victims.digits import DigitsSplit, Victim


def test_half_of_the_candidates_are_rows_that_the_victim_learned(split: DigitsSplit) -> None:
    stage = CAMPAIGN.stage(split, 0)
    learned = {image.tobytes() for image in stage.training.images}
    assert [image.tobytes() in learned for image in stage.held.images] == stage.member.tolist()
    assert stage.member.mean() == 0.5
    assert len(stage.held) >= FEWEST


def test_it_trains_a_victim_of_its_own(split: DigitsSplit, victim: Victim) -> None:
    assert CAMPAIGN.stage(split, 0, victim).victim is not victim


def test_a_victim_that_does_not_leak_gives_nobody_away(split: DigitsSplit, victim: Victim) -> None:
    """The usual victim learned none of the attacker's images, so that whom it is surer of tells nothing."""
    stage = CAMPAIGN.stage(split, 0)
    flat = CAMPAIGN.run(lambda _: np.full((1, 10), 0.1, np.float32), stage, seed=0)
    assert flat.measure["auc"] == 0.5
    assert not flat.success


def test_few_candidates_prove_nothing(split: DigitsSplit) -> None:
    stage = CAMPAIGN.stage(split, 0)
    outcome = CAMPAIGN.run(stage.victim.predict_proba, stage, seed=0, budget=FEWEST - 1)
    assert outcome.measure["auc"] > CAMPAIGN.auc
    assert not outcome.success
