"""What is promised of every campaign, whichever the folder holds: against a real victim, in process and over HTTP."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from caponier.emulate import campaigns as campaign_folder
from caponier.emulate import registry
from caponier.emulate.caller.oracle import BudgetSpentError, RefusedError
from caponier.emulate.campaign import Campaign, CampaignStage, MeteredModel
from caponier.emulate.event_log import ServerLog
from caponier.emulate.images import Images
from caponier.emulate.outcome import Stop
from caponier.emulate.simulation.trace import trace_campaign
from caponier.emulate.victims.client import RemoteModel
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.emulate.victims.server import serve
from caponier.errors import InputError

pytestmark = pytest.mark.slow

EVERY = pytest.mark.parametrize("campaign", registry.campaigns().values(), ids=registry.campaigns().keys())


@pytest.fixture(scope="module", params=registry.campaigns().values(), ids=registry.campaigns().keys())
def staged(request: pytest.FixtureRequest, split: DigitsSplit, victim: Victim) -> tuple[Campaign, CampaignStage]:
    return request.param, request.param.stage(split, 5, victim)


def test_every_campaign_of_the_folder_is_listed() -> None:
    (path,) = campaign_folder.__path__
    names = {file.stem for file in Path(path).glob("*.py")} - {"__init__"}
    assert set(registry.campaigns()) == names
    assert {"jbda", "membership_inference", "flood"} <= names


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="jbda"):
        registry.campaigns.one("no_such_thing")
    assert registry.campaigns.one("jbda").name == "jbda"


@EVERY
def test_a_campaign_says_what_it_shows(campaign: Campaign) -> None:
    assert {technique.matrix for technique in campaign.techniques} == {"atlas", "amltm-2020"}
    assert campaign.budget > 0
    assert campaign.gap_s > 0
    assert campaign.description


@EVERY
def test_campaigns_succeed_on_every_seed(campaign: Campaign, seeded: Mapping[int, tuple[DigitsSplit, Victim]]) -> None:
    for seed, (split, victim) in seeded.items():
        stage = campaign.stage(split, seed, victim)
        outcome = campaign.run(stage.victim.predict_proba, stage, seed=seed)
        assert outcome.success, outcome.measure
        assert outcome.stop is Stop.FINISHED
        assert outcome.queries <= campaign.budget


def test_every_query_is_one_image_within_the_picture(staged: tuple[Campaign, CampaignStage]) -> None:
    campaign, stage = staged
    seen = []

    def predict(rows: Images) -> Images:
        seen.append(rows)
        return stage.victim.predict_proba(rows)

    outcome = campaign.run(predict, stage, seed=0, budget=120)
    assert {rows.shape for rows in seen} == {(1, 64)}
    assert {rows.dtype for rows in seen} == {np.dtype(np.float32)}
    assert len(seen) == outcome.queries
    assert len({rows.tobytes() for rows in seen}) == outcome.unique_queries
    assert min(rows.min() for rows in seen) >= 0
    assert max(rows.max() for rows in seen) <= 1


@pytest.mark.parametrize("budget", [1, 2, 30])
def test_a_budget_is_kept(staged: tuple[Campaign, CampaignStage], budget: int) -> None:
    campaign, stage = staged
    assert campaign.run(stage.victim.predict_proba, stage, seed=0, budget=budget).queries == budget


def test_a_budget_of_nothing_is_refused(staged: tuple[Campaign, CampaignStage]) -> None:
    campaign, stage = staged
    with pytest.raises(InputError, match="at least one"):
        campaign.run(stage.victim.predict_proba, stage, seed=0, budget=0)


def test_the_seed_fixes_a_campaign(staged: tuple[Campaign, CampaignStage]) -> None:
    campaign, stage = staged
    once, again, other = (trace_campaign(campaign, stage, seed=seed, budget=90).events for seed in (4, 4, 5))
    assert once.equals(again)
    assert not once["time"].equals(other["time"])


def test_a_refusal_ends_a_campaign_without_success(staged: tuple[Campaign, CampaignStage]) -> None:
    campaign, stage = staged
    answered = 0

    def predict(rows: Images) -> Images:
        nonlocal answered
        if answered == 20:
            raise RefusedError("blocked")
        answered += 1
        return stage.victim.predict_proba(rows)

    outcome = campaign.run(predict, stage, seed=0)
    assert outcome.stop is Stop.REFUSED
    assert outcome.queries == 20
    # What a copy has learned, and an image that has fooled the model, stay so.
    assert campaign.name in ("jbda", "transfer") or not outcome.success


def test_a_trace_is_what_a_server_would_have_logged(staged: tuple[Campaign, CampaignStage]) -> None:
    campaign, stage = staged
    traced = trace_campaign(campaign, stage, seed=3, principal="mallory", budget=60)
    assert traced.events.num_rows == traced.outcome.queries
    assert set(traced.events["principal"].to_pylist()) == {"mallory"}
    times = traced.events["time"].to_pylist()
    assert all(a <= b for a, b in pairwise(times))
    mean = (times[-1] - times[0]).total_seconds() / (len(times) - 1)
    assert campaign.gap_s / 2 < mean < campaign.gap_s * 2


def test_campaigns_run_over_http_one_instance_a_request(staged: tuple[Campaign, CampaignStage]) -> None:
    campaign, stage = staged
    log = ServerLog()
    with (
        serve(stage.victim.predict_proba, record=log.record, principal_of=lambda key: key) as server,
        RemoteModel(server.url, "mallory") as remote,
    ):
        outcome = campaign.run(remote.predict_proba, stage, seed=0, budget=110)
    events = log.rows()
    assert len(events) == outcome.queries
    assert len({event["request_id"] for event in events}) == len(events)
    assert {event["principal"] for event in events} == {"mallory"}


def test_a_line_counts_what_was_answered() -> None:
    line = MeteredModel(lambda rows: rows[:, :10], 3)
    image = np.zeros(64, np.float32)
    assert line.ask(image).shape == (10,)
    line.ask(image)
    line.ask(image + np.float32(0.5))
    assert (line.queries, line.unique_queries) == (3, 2)
    with pytest.raises(BudgetSpentError):
        line.ask(image)
