import numpy as np
import pytest

from caponier.emulate.campaigns.jbda import CAMPAIGN, Jbda
from caponier.emulate.simulation.trace import trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Victim

pytestmark = pytest.mark.slow


def rows(split: DigitsSplit, victim: Victim, campaign: Jbda = CAMPAIGN) -> np.ndarray:
    stage = campaign.stage(split, 1, victim)
    events = trace_campaign(campaign, stage, seed=1, budget=100).events
    return np.array(events["input"].to_pylist(), np.float32)


def test_it_begins_with_its_natural_images(split: DigitsSplit, victim: Victim) -> None:
    stage = CAMPAIGN.stage(split, 1, victim)
    assert np.array_equal(rows(split, victim)[: CAMPAIGN.seeds], stage.held.images)


def test_every_synthetic_query_is_one_step_from_an_earlier_one(split: DigitsSplit, victim: Victim) -> None:
    asked = rows(split, victim)
    for at, image in enumerate(asked[CAMPAIGN.seeds :], CAMPAIGN.seeds):
        moved = np.abs(image - asked[at - CAMPAIGN.seeds])
        assert moved.max() <= CAMPAIGN.step + 1e-6
        # Where the picture is at its limit already the step is cut off; elsewhere it is a whole one.
        assert (np.isclose(moved, CAMPAIGN.step, atol=1e-6) | np.isin(image, (0, 1))).all()


def test_the_step_can_be_chosen(split: DigitsSplit, victim: Victim) -> None:
    asked = rows(split, victim, Jbda(step=0.3))
    assert np.abs(asked[50] - asked[0]).max() > 0.29


def test_the_copy_is_judged_on_images_that_it_never_asked_for(split: DigitsSplit, victim: Victim) -> None:
    stage = CAMPAIGN.stage(split, 1, victim)
    held = {image.tobytes() for image in stage.held.images}
    assert not held & {image.tobytes() for image in stage.exam.images}
    assert np.array_equal(stage.exam.labels, victim.answers(stage.exam.images))


def test_its_figures_count_natural_and_synthetic_queries(split: DigitsSplit, victim: Victim) -> None:
    stage = CAMPAIGN.stage(split, 1, victim)
    few = CAMPAIGN.run(victim.predict_proba, stage, seed=1, budget=20).measure
    more = CAMPAIGN.run(victim.predict_proba, stage, seed=1, budget=70).measure
    assert (few["natural"], few["synthetic"]) == (20, 0)
    assert (more["natural"], more["synthetic"]) == (50, 20)
    assert few["agreement"] == few["agreement_of_natural"]


def test_a_model_that_says_nothing_is_not_copied(split: DigitsSplit, victim: Victim) -> None:
    stage = CAMPAIGN.stage(split, 1, victim)
    outcome = CAMPAIGN.run(lambda _: np.full((1, 10), 0.1, np.float32), stage, seed=1, budget=60)
    assert not outcome.success
