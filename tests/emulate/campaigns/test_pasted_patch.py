import numpy as np
import pytest

from caponier.emulate.campaign import CampaignStage
from caponier.emulate.campaigns.pasted_patch import CAMPAIGN, PastedPatch
from caponier.emulate.images import SIDE
from caponier.emulate.victims.digits import DigitsSplit, Victim


@pytest.fixture(scope="module")
def stage(split: DigitsSplit, victim: Victim) -> CampaignStage:
    return CAMPAIGN.stage(split, 3, victim)


def test_one_patch_at_one_place_on_different_pictures(stage: CampaignStage) -> None:
    pictures = stage.held.images.reshape(-1, SIDE, SIDE)
    same = (pictures == pictures[0]).all(axis=0)
    levels = np.isin(pictures[0], (0.0, 0.5, 1.0)) & same
    squares = np.lib.stride_tricks.sliding_window_view(levels, (3, 3)).all(axis=(2, 3))
    assert squares.any()
    assert len(np.unique(stage.held.images, axis=0)) == CAMPAIGN.pictures


def test_it_is_on_the_model_that_is_there(stage: CampaignStage, victim: Victim) -> None:
    assert stage.victim is victim
    outcome = CAMPAIGN.run(victim.predict_proba, stage, seed=0)
    assert outcome.success
    assert outcome.measure["success_rate"] >= 0.5


def test_without_the_patch_hardly_any_picture_gets_the_answer(
    stage: CampaignStage, split: DigitsSplit, victim: Victim
) -> None:
    target = int(stage.held.labels[0])
    others = split.attackers.images[split.attackers.labels != target]
    assert (victim.answers(others) == target).mean() < 0.1


def test_a_larger_patch_works_better(split: DigitsSplit, victim: Victim) -> None:
    shares = []
    for side in (2, 4):
        campaign = PastedPatch(side=side, pictures=60)
        stage = campaign.stage(split, 3, victim)
        shares.append(campaign.run(victim.predict_proba, stage, seed=0).measure["success_rate"])
    assert shares[0] < shares[1]
