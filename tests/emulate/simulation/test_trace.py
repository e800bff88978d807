from datetime import UTC, datetime

import numpy as np
import pytest

from caponier.emulate.attack import Attack
from caponier.emulate.caller.oracle import RefusedError
from caponier.emulate.disguises.accounts import Splitting
from caponier.emulate.event_log import Deployment
from caponier.emulate.registry import attacks, campaigns
from caponier.emulate.simulation.trace import trace, trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim
from caponier.records.event import EVENT_SCHEMA
from emulate.conftest import Served

EVERY = pytest.mark.parametrize("attack", attacks().values(), ids=attacks().keys())


@EVERY
def test_a_trace_holds_every_query_of_the_attack(attack: Attack, victim: Victim, targets: Pool) -> None:
    left = trace(attack, victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=3)
    inputs = np.array(left.events["input"].to_pylist(), np.float32)
    assert left.events.schema == EVENT_SCHEMA
    assert left.outcome.success
    assert len(inputs) == left.outcome.queries
    assert len(np.unique(inputs, axis=0)) == left.outcome.unique_queries
    assert np.array_equal(inputs[0], targets.images[0])
    assert left.events["label"].to_pylist() == [str(answer) for answer in victim.answers(inputs)]


@EVERY
def test_a_trace_is_what_a_server_would_have_logged(
    attack: Attack, victim: Victim, targets: Pool, served: Served
) -> None:
    """The same queries in the same order, but for what a last bit of rounding changes along the way."""
    with served.remote("mallory") as remote:
        attack.run(remote.predict_proba, targets.images[0], int(targets.labels[0]), seed=3, budget=100)
    left = trace(attack, victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=3, budget=100).events
    logged = served.log.table()
    for column in ("input", "input_shape", "label", "operation", "status", "model", "model_version", "system"):
        assert left[column].to_pylist() == logged[column].to_pylist(), column


def test_times_rise_from_the_beginning(victim: Victim, targets: Pool) -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    left = trace(
        attacks()["boundary"],
        victim.predict_proba,
        targets.images[0],
        int(targets.labels[0]),
        seed=3,
        begin=begin,
        gap_s=2,
        principal="mallory",
        deployment=Deployment("m", "2", "s"),
    ).events
    times = left["time"].to_pylist()
    assert times == sorted(times)
    assert times[0] >= begin
    assert (times[-1] - begin).total_seconds() == pytest.approx(2 * left.num_rows, rel=0.2)
    assert set(left["principal"].to_pylist()) == {"mallory"}
    assert set(left["model"].to_pylist()) == {"m"}


@EVERY
def test_the_seed_fixes_a_trace(attack: Attack, victim: Victim, targets: Pool) -> None:
    once, again = (
        trace(attack, victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=9, budget=200).events
        for _ in range(2)
    )
    assert once.equals(again)


def test_an_attack_that_was_never_answered_leaves_nothing(targets: Pool) -> None:
    def refuse(_: object) -> None:
        raise RefusedError("blocked")

    left = trace(attacks()["boundary"], refuse, targets.images[0], 0, seed=1)
    assert left.events.num_rows == 0
    assert left.outcome.queries == 0


def test_accounts_of_a_campaign_share_its_queries_and_its_outcome(split: DigitsSplit) -> None:
    campaign = campaigns()["membership_inference"]
    stage = campaign.stage(split, 1)
    alone = trace_campaign(campaign, stage, seed=1)
    shared = trace_campaign(campaign, stage, seed=1, principal="mallory", accounts=4, disguise=Splitting)
    assert shared.outcome.measure == alone.outcome.measure
    assert shared.outcome.queries == alone.outcome.queries
    assert shared.events["input"].to_pylist() == alone.events["input"].to_pylist()
    assert shared.events["principal"].to_pylist() == [f"mallory-{turn % 4}" for turn in range(shared.outcome.queries)]
