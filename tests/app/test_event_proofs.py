"""Which model is attacked by what, and which harmless users stand beside it."""

from pathlib import Path

import pytest

from caponier.app.event_proofs import _plans
from caponier.app.proving_ground import MAIN, ProvingGround, Scale
from caponier.emulate.benign.owner_of_records import RECORDS
from caponier.emulate.registry import attacks, campaigns
from caponier.records.alert_budget import AlertBudget

SMALL = Scale(seeds=(0,), users=60, queries=55, look_alikes=2, horizon=50, alert_budget=AlertBudget(bound=0.02))


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> ProvingGround:
    return ProvingGround(tmp_path_factory.mktemp("ground"), 0, SMALL)


def test_every_emulation_is_in_one_plan(ground: ProvingGround) -> None:
    names = {*attacks(), *campaigns()}
    plans = list(_plans(names, ground))
    assert sorted(name for plan in plans for name in plan.names) == sorted(names)
    assert plans[0].target.deployment.model == MAIN
    assert len({plan.target.deployment.model for plan in plans}) == len(plans)


def test_a_campaign_that_brings_its_victim_gets_a_model_of_its_own(ground: ProvingGround) -> None:
    (plan,) = _plans({"membership_inference"}, ground)
    (stage,) = plan.stages.values()
    assert plan.target.victim is stage.victim
    assert plan.target.victim is not ground.victim
    assert plan.target.deployment.model == "digits-forest-membership_inference"


def test_its_victim_was_trained_on_what_the_owners_among_the_users_own(ground: ProvingGround) -> None:
    (plan,) = _plans({"membership_inference"}, ground)
    learned = {row.tobytes() for row in plan.stages["membership_inference"].training.images}
    owned = {row.tobytes() for row in ground.split.test.images[:RECORDS]}
    assert owned <= learned
    users, log = ground.look_alikes(plan.target, ["owner_of_records", "poller"])
    assert [member.habit.name for member in users.members] == ["owner_of_records", "poller"] * SMALL.look_alikes
    asked = {bytes(row.tobytes()) for member in users.members[:1] for rows in member.requests(55) for row in rows}
    assert asked & owned
    report = ground.scan(log, plan.target)
    assert report.events > 0


def test_users_who_are_controls_were_not_learned_from(ground: ProvingGround) -> None:
    (plan,) = _plans({"flood"}, ground)
    users, _ = ground.look_alikes(plan.target, ["poller"])
    assert all(member.images is ground.split.test.images for member in users.members)
    assert all(member.seed[0] != ground.seed for member in users.members)


def test_a_guard_s_workspace_knows_the_model_and_its_baseline(ground: ProvingGround) -> None:
    (plan,) = _plans({"flood"}, ground)
    home = ground.home(plan.target)
    model = home.model(MAIN)
    assert model is not None
    assert model.baseline is not None
    assert model.baseline.is_file()
    assert Path(home.lake).parent == ground.folder
    assert home.detect.alert_budget == SMALL.alert_budget
    assert home.store != ground.workspace.store
