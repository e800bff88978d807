import numpy as np
import pytest

from caponier.emulate.campaign import CampaignStage
from caponier.emulate.campaigns import shadow_membership
from caponier.emulate.campaigns.shadow_membership import CAMPAIGN, LEAST, SORTED, signs
from caponier.emulate.images import Images
from caponier.emulate.victims.digits import DigitsSplit, Victim

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stage(split: DigitsSplit) -> CampaignStage:
    """With a victim that has been trained once for all that reads it."""
    return CAMPAIGN.stage(split, 0)


@pytest.fixture
def one_shadow(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many models the attacker trains makes no difference to what it asks, nor to what an empty answer tells."""
    monkeypatch.setattr(shadow_membership, "SHADOWS", 1)


@pytest.mark.usefixtures("one_shadow")
def test_each_candidate_is_asked_once_and_nothing_else(stage: CampaignStage) -> None:
    asked: list[bytes] = []

    def predict(rows: Images) -> Images:
        asked.append(rows[0].tobytes())
        return stage.victim.predict_proba(rows)

    CAMPAIGN.run(predict, stage, seed=0)
    assert sorted(asked) == sorted(image.tobytes() for image in stage.held.images[: CAMPAIGN.candidates])


def test_shadows_learn_from_the_attackers_own_records_alone(stage: CampaignStage) -> None:
    own = {image.tobytes() for image in stage.held.images[CAMPAIGN.candidates :]}
    assert own
    assert not own & {image.tobytes() for image in stage.training.images}
    assert not own & {image.tobytes() for image in stage.held.images[: CAMPAIGN.candidates]}


def test_it_trains_a_victim_of_its_own(split: DigitsSplit, victim: Victim) -> None:
    assert CAMPAIGN.stage(split, 0, victim).victim is not victim


@pytest.mark.usefixtures("one_shadow")
def test_the_same_answer_to_all_tells_at_most_what_labels_do(stage: CampaignStage) -> None:
    flat = CAMPAIGN.run(lambda _: np.full((1, 10), 0.1, np.float32), stage, seed=0)
    assert flat.measure["auc"] == 0.5
    assert not flat.success


def test_signs_are_the_largest_scores_the_label_and_the_entropy() -> None:
    scores = np.array([[0.5, 0.25, 0.25, 0, 0, 0, 0, 0, 0, 0]], np.float32)
    (seen,) = signs(scores, np.array([1]))
    assert seen[:SORTED].tolist() == [0.5, 0.25, 0.25]
    assert seen[SORTED] == 0.25
    assert seen[SORTED + 1] == np.log(0.25)
    assert np.isclose(seen[SORTED + 2], 1.5 * np.log(2), atol=0.02)


def test_a_score_of_nothing_has_a_logarithm() -> None:
    seen = signs(np.eye(10, dtype=np.float32)[:1], np.array([5]))
    assert seen[0, SORTED] == LEAST
    assert np.isfinite(seen).all()
