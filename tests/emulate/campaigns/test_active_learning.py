import numpy as np
import pytest

from caponier.emulate.attacker.surrogate import train_surrogate
from caponier.emulate.campaigns.active_learning import CAMPAIGN, ActiveLearning
from caponier.emulate.simulation.trace import trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Victim

pytestmark = pytest.mark.slow


def rows(split: DigitsSplit, victim: Victim, budget: int, campaign: ActiveLearning = CAMPAIGN) -> np.ndarray:
    stage = campaign.stage(split, 1, victim)
    return np.array(trace_campaign(campaign, stage, seed=1, budget=budget).events["input"].to_pylist(), np.float32)


def test_it_holds_photos_of_images_that_nobody_else_has(split: DigitsSplit, victim: Victim) -> None:
    stage = CAMPAIGN.stage(split, 1, victim)
    assert len(stage.held) == CAMPAIGN.shots * len(split.attackers)
    assert len({image.tobytes() for image in stage.held.images}) == len(stage.held)
    assert np.array_equal(stage.exam.images, split.test.images)
    assert np.array_equal(stage.exam.labels, victim.answers(split.test.images))


def test_it_begins_with_about_as_many_images_of_each_class(split: DigitsSplit, victim: Victim) -> None:
    stage = CAMPAIGN.stage(split, 1, victim)
    known = {image.tobytes(): label for image, label in zip(stage.held.images, stage.held.labels, strict=True)}
    first = [known[row.tobytes()] for row in rows(split, victim, CAMPAIGN.seeds)]
    assert np.bincount(first).tolist() == [2] * 10


def test_next_it_asks_for_what_its_copy_is_least_sure_of(split: DigitsSplit, victim: Victim) -> None:
    stage = CAMPAIGN.stage(split, 1, victim)
    asked = rows(split, victim, CAMPAIGN.seeds + CAMPAIGN.batch)
    begun, chosen = asked[: CAMPAIGN.seeds], asked[CAMPAIGN.seeds :]
    copy = train_surrogate(begun, victim.predict_proba(begun), seed=1)
    assert copy.margins(chosen).max() <= np.sort(copy.margins(stage.held.images))[CAMPAIGN.batch + CAMPAIGN.seeds]


def test_it_asks_for_nothing_twice_and_ends_when_all_was_asked(split: DigitsSplit, victim: Victim) -> None:
    campaign = ActiveLearning(shots=1, batch=60)
    asked = rows(split, victim, 500, campaign)
    assert len(asked) == len({row.tobytes() for row in asked}) == len(split.attackers)


def test_the_model_is_less_sure_of_its_queries_than_of_photos(split: DigitsSplit, victim: Victim) -> None:
    stage = CAMPAIGN.stage(split, 1, victim)
    chosen = rows(split, victim, 60)[CAMPAIGN.seeds :]
    unsure, usual = (
        np.quantile(victim.predict_proba(images).max(axis=1), 0.25) for images in (chosen, stage.held.images)
    )
    assert unsure < usual
