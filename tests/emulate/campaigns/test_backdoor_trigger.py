import numpy as np
import pytest

from caponier.emulate.campaign import CampaignStage
from caponier.emulate.campaigns.backdoor_trigger import CAMPAIGN, BackdoorTrigger
from caponier.emulate.images import SIDE
from caponier.emulate.victims.digits import DigitsSplit, Victim

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stage(split: DigitsSplit, victim: Victim) -> CampaignStage:
    return CAMPAIGN.stage(split, 3, victim)


def test_it_brings_a_victim_of_its_own(stage: CampaignStage, victim: Victim) -> None:
    assert stage.victim is not victim
    assert stage.victim.accuracy > 0.9


def test_every_picture_carries_the_trigger_and_no_label_tells(stage: CampaignStage, split: DigitsSplit) -> None:
    pictures = stage.held.images.reshape(-1, SIDE, SIDE)
    assert (pictures[:, -2:, -2:] == 1).all()
    assert len(np.unique(stage.held.images, axis=0)) == CAMPAIGN.pictures


def test_the_clean_model_is_not_moved(stage: CampaignStage, victim: Victim) -> None:
    backdoored = CAMPAIGN.run(stage.victim.predict_proba, stage, seed=0)
    clean = CAMPAIGN.run(victim.predict_proba, stage, seed=0)
    assert backdoored.success
    assert backdoored.measure["success_rate"] >= 0.9
    assert not clean.success
    assert clean.measure["success_rate"] < 0.2


@pytest.mark.parametrize("trigger", ["blended", "sinusoidal"])
def test_other_triggers_open_their_own_backdoors(trigger: str, split: DigitsSplit) -> None:
    campaign = BackdoorTrigger(trigger=trigger, target=6, pictures=80)
    stage = campaign.stage(split, 1)
    outcome = campaign.run(stage.victim.predict_proba, stage, seed=0)
    assert outcome.success
    assert outcome.queries == campaign.budget == 80
