"""Which model is attacked by what, and which harmless users stand beside it."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from caponier.app.coverage.detectors import detectors, emulations
from caponier.app.progress import Silent
from caponier.app.validate.lab.proving_ground import BEYOND, MAIN, ProvingGround, Scale
from caponier.app.validate.proofs.events import _harmless, _Plan, _plans, prove_events
from caponier.app.validate.proofs.proof import Pair, ProofRun
from caponier.emulate.controls.clients.owner_of_records import RECORDS
from caponier.emulate.registry import attacks, campaigns, probes
from caponier.records.skip import Skip

pytestmark = pytest.mark.slow

SMALL = Scale(seeds=(0,), users=60, queries=55, look_alikes=2, alpha=0.02)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> ProvingGround:
    return ProvingGround(tmp_path_factory.mktemp("ground"), 0, SMALL)


def test_every_emulation_is_in_one_plan(ground: ProvingGround) -> None:
    names = {*attacks(), *campaigns(), *probes()}
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
    assert home.detect.alpha == SMALL.alpha
    assert home.store != ground.workspace.store


@pytest.fixture(scope="module")
def plan(ground: ProvingGround) -> _Plan:
    (found,) = _plans({"api_crawl", "flood"}, ground)
    return found


def test_probes_are_aimed_at_the_shared_model(plan: _Plan) -> None:
    assert (plan.probes, list(plan.stages)) == (["api_crawl"], ["flood"])
    assert plan.target.deployment.model == MAIN


def test_look_alikes_of_both_kinds_stand_beside(ground: ProvingGround, plan: _Plan) -> None:
    who, logs = _harmless(plan.target, {"poller", "first_day", "auditor"}, ground)
    assert {name: len(principals) for name, principals in who.items()} == dict.fromkeys(
        ("poller", "first_day", "auditor"), SMALL.look_alikes
    )
    assert len(logs) == 2
    seen = {one for log in logs for one in pq.read_table(log)["principal"].to_pylist()}
    assert seen == frozenset().union(*who.values())


def test_callers_were_not_learned_from_and_ask_the_model_under_attack(ground: ProvingGround, plan: _Plan) -> None:
    callers, log = ground.callers(plan.target, ["sdk_client"])
    events = pq.read_table(log)
    assert all(caller.seed[0] != ground.seed for caller in callers)
    assert set(events["model"].to_pylist()) == {MAIN}
    requests = events.group_by("principal").aggregate([("time", "count_distinct")])["time_count_distinct"].to_pylist()
    assert requests == [SMALL.queries + BEYOND] * SMALL.look_alikes


def test_nobody_is_let_in_where_nobody_is_asked_for(ground: ProvingGround, plan: _Plan) -> None:
    assert _harmless(plan.target, set(), ground) == ({}, [])


@pytest.fixture(scope="module")
def proven(ground: ProvingGround) -> list[ProofRun]:
    known = {card.name: card for card in emulations()}
    (card,) = [card for card in detectors() if card.name == "schema_probe"]
    pairs = [Pair(card, known[name]) for name in card.emulations]
    skipped: list[Skip] = []
    runs = list(prove_events(pairs, ground, Silent(), skipped))
    assert not skipped
    return runs


def test_a_probe_is_carried_out_detected_and_its_look_alikes_are_not(proven: list[ProofRun]) -> None:
    assert {run.pair.emulation.name for run in proven} == {"api_crawl", "family_fingerprint"}
    for run in proven:
        assert run.succeeded
        assert run.detected
        assert len(run.controls) == 8
        assert all((check.checked, check.flagged) == (SMALL.look_alikes, 0) for check in run.controls.values())


def test_requests_until_the_first_finding_are_counted(proven: list[ProofRun]) -> None:
    for run in proven:
        assert run.figures["queries_to_first_finding"] <= run.figures["requests_to_first_finding"] <= 60
        assert run.figures["requests_to_first_finding"] <= run.figures["queries"]
