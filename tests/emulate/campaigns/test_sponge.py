import numpy as np
import pytest

from caponier.emulate.campaign import CampaignOutcome, CampaignStage
from caponier.emulate.campaigns.sponge import CAMPAIGN, DEAR
from caponier.emulate.images import Images
from caponier.emulate.outcome import Stop
from caponier.emulate.simulation.trace import trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.emulate.victims.variable_cost import billed, settling_steps


@pytest.fixture(scope="module")
def stage(split: DigitsSplit, victim: Victim) -> CampaignStage:
    return CAMPAIGN.stage(split, 0, victim)


@pytest.fixture(scope="module")
def outcome(stage: CampaignStage) -> CampaignOutcome:
    return CAMPAIGN.run(stage.victim.predict_proba, stage, seed=0)


def test_it_finds_inputs_that_cost_many_times_the_usual(outcome: CampaignOutcome) -> None:
    assert outcome.success
    assert outcome.measure["times_usual"] >= DEAR
    assert outcome.stop is Stop.FINISHED
    assert outcome.queries == CAMPAIGN.budget


def test_what_it_sends_after_the_search_is_dear_and_never_the_same(stage: CampaignStage, victim: Victim) -> None:
    trace = trace_campaign(CAMPAIGN, stage, seed=1)
    sent = billed(trace.events).slice(int(trace.outcome.measure["searching"]))
    usual = float(np.median(settling_steps(victim.predict_proba(stage.exam.images))))
    assert (sent["cost"].to_numpy() >= DEAR * usual).all()
    assert len({tuple(row) for row in sent["input"].to_pylist()}) == sent.num_rows


def test_honest_images_do_not_cost_that_much(split: DigitsSplit, victim: Victim) -> None:
    steps = settling_steps(victim.predict_proba(split.attackers.images))
    assert (steps < DEAR * np.median(steps)).mean() > 0.98


def test_a_budget_that_ends_the_search_is_no_success(stage: CampaignStage) -> None:
    outcome = CAMPAIGN.run(stage.victim.predict_proba, stage, seed=0, budget=20)
    assert not outcome.success
    assert outcome.measure == {"times_usual": 0.0, "searching": 20.0}


def test_a_model_that_answers_everything_alike_has_no_sponges(stage: CampaignStage) -> None:
    def predict(rows: Images) -> Images:
        return np.tile(np.array([0.91, *[0.01] * 9], np.float32), (len(rows), 1))

    outcome = CAMPAIGN.run(predict, stage, seed=0)
    assert not outcome.success
    assert outcome.queries == CAMPAIGN.budget


def test_the_same_seed_sends_the_same(stage: CampaignStage) -> None:
    one, other = (trace_campaign(CAMPAIGN, stage, seed=5, budget=30).events for _ in range(2))
    assert one["input"] == other["input"]
