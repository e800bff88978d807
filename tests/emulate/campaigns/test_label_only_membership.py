import numpy as np
import pytest

from caponier.emulate.attacker.membership import FEWEST
from caponier.emulate.caller.oracle import RefusedError
from caponier.emulate.campaign import CampaignStage
from caponier.emulate.campaigns.label_only_membership import CAMPAIGN, MOVED, NOISY, SIGMA, copies
from caponier.emulate.images import Images
from caponier.emulate.victims.digits import DigitsSplit, Victim

pytestmark = pytest.mark.slow

EACH = 1 + NOISY + MOVED


@pytest.fixture(scope="module")
def stage(split: DigitsSplit) -> CampaignStage:
    """With a victim that has been trained once for all that reads it."""
    return CAMPAIGN.stage(split, 0)


def labels_only(victim: Victim) -> object:
    """Answer with the label alone, as a server does that was told to."""

    def predict(rows: Images) -> Images:
        return np.eye(10, dtype=np.float32)[victim.answers(rows)]

    return predict


def test_it_uses_labels_alone(stage: CampaignStage) -> None:
    whole = CAMPAIGN.run(stage.victim.predict_proba, stage, seed=0)
    hard = CAMPAIGN.run(labels_only(stage.victim), stage, seed=0)  # type: ignore[arg-type]
    assert hard.measure == whole.measure
    assert hard.success


def test_each_record_is_asked_as_it_is_and_then_its_copies(stage: CampaignStage) -> None:
    asked: list[Images] = []

    def predict(rows: Images) -> Images:
        asked.append(rows[0])
        return stage.victim.predict_proba(rows)

    CAMPAIGN.run(predict, stage, seed=0)
    held = {image.tobytes() for image in stage.held.images}
    assert [image.tobytes() in held for image in asked] == ([True] + [False] * (EACH - 1)) * len(stage.held)
    assert len(asked) == CAMPAIGN.budget


def test_copies_stay_within_the_picture_and_some_are_moved() -> None:
    image = np.zeros(64, np.float32)
    image[27] = 1
    made = copies(image, np.random.default_rng(3))
    assert made.shape == (EACH - 1, 64)
    assert made.dtype == np.float32
    assert made.min() >= 0
    assert made.max() <= 1
    assert (made[:NOISY].argmax(axis=1) == 27).all()
    assert np.abs(made[:NOISY] - image).max() < 6 * SIGMA


def test_what_is_wrong_as_it_stands_is_no_member(stage: CampaignStage) -> None:
    """A model that gives every record another label than the one on file tells nothing, however firmly it does."""
    label = {image.tobytes(): label for image, label in zip(stage.held.images, stage.held.labels, strict=True)}

    def predict(rows: Images) -> Images:
        known = label.get(rows[0].tobytes())
        return np.eye(10, dtype=np.float32)[[0 if known is None else (known + 1) % 10]]

    assert CAMPAIGN.run(predict, stage, seed=0).measure["auc"] == 0.5


@pytest.mark.parametrize("answered", [0, EACH - 1, EACH, 3 * EACH + 1])
def test_a_record_counts_when_all_its_copies_were_answered(stage: CampaignStage, answered: int) -> None:
    turns = iter(range(answered))

    def predict(rows: Images) -> Images:
        if next(turns, None) is None:
            raise RefusedError("blocked")
        return stage.victim.predict_proba(rows)

    outcome = CAMPAIGN.run(predict, stage, seed=0)
    assert outcome.queries == answered
    assert outcome.measure["candidates"] == answered // EACH
    assert not outcome.success


def test_there_are_candidates_enough(stage: CampaignStage) -> None:
    assert len(stage.held) == CAMPAIGN.candidates >= FEWEST
    assert stage.member.mean() == 0.5
