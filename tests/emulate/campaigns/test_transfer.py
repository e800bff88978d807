import numpy as np
import pytest

from caponier.emulate.attacker.surrogate import train_surrogate
from caponier.emulate.campaign import CampaignOutcome, CampaignStage
from caponier.emulate.campaigns.transfer import CAMPAIGN, fgsm, pgd
from caponier.emulate.images import Images
from caponier.emulate.outcome import Stop
from caponier.emulate.simulation.trace import trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Victim

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stage(split: DigitsSplit, victim: Victim) -> CampaignStage:
    return CAMPAIGN.stage(split, 0, victim)


@pytest.fixture(scope="module")
def outcome(stage: CampaignStage) -> CampaignOutcome:
    return CAMPAIGN.run(stage.victim.predict_proba, stage, seed=0)


def test_most_of_what_it_sends_fools_a_model_that_it_never_asked(outcome: CampaignOutcome) -> None:
    assert outcome.success
    assert outcome.measure["fooled"] >= CAMPAIGN.fooled
    assert outcome.stop is Stop.FINISHED
    assert outcome.queries == outcome.unique_queries == CAMPAIGN.budget


def test_the_same_images_unchanged_would_have_fooled_hardly_any(stage: CampaignStage, victim: Victim) -> None:
    assert (victim.answers(stage.held.images) != stage.held.labels).mean() < 0.1


def test_each_image_is_one_of_the_attackers_changed_by_no_more_than_the_size(stage: CampaignStage) -> None:
    sent = np.array(trace_campaign(CAMPAIGN, stage, seed=1).events["input"].to_pylist(), np.float32)
    changed = np.abs(sent[:, None] - stage.held.images).max(axis=2).min(axis=1)
    assert (changed <= CAMPAIGN.size + 1e-6).all()
    assert (changed > 0).all()
    assert sent.min() >= 0
    assert sent.max() <= 1


def test_a_smaller_budget_sends_fewer(stage: CampaignStage) -> None:
    assert CAMPAIGN.run(stage.victim.predict_proba, stage, seed=0, budget=5).queries == 5


def test_a_model_that_is_not_fooled_makes_no_success(stage: CampaignStage) -> None:
    known = {image.tobytes(): label for image, label in zip(stage.held.images, stage.held.labels, strict=True)}

    def predict(rows: Images) -> Images:
        near = [np.abs(stage.held.images - row).sum(axis=1).argmin() for row in rows]
        return np.eye(10, dtype=np.float32)[[known[stage.held.images[at].tobytes()] for at in near]]

    outcome = CAMPAIGN.run(predict, stage, seed=0)
    assert not outcome.success
    assert outcome.measure["fooled"] < 0.3


def test_the_same_seed_sends_the_same(stage: CampaignStage) -> None:
    one, other = (trace_campaign(CAMPAIGN, stage, seed=5, budget=6).events for _ in range(2))
    assert one["input"] == other["input"]


def test_many_small_steps_are_worth_more_than_one(stage: CampaignStage) -> None:
    images, labels = stage.held.images[:100], stage.held.labels[:100]
    model = train_surrogate(stage.held.images, np.eye(10, dtype=np.float32)[stage.held.labels], 0)
    fooled = [(model.logits(make(model, images, labels, 0.1)).argmax(axis=1) != labels).mean() for make in (fgsm, pgd)]
    assert fooled[1] >= fooled[0] > 0.1
