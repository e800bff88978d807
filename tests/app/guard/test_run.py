"""The guard with everything behind it: detection, response, undo, and the same findings as a scan of its log."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from app.guard.guarded import Site, site, workspace_in
from caponier.app.guard.backlog import Backlog, ExchangeQueue
from caponier.app.guard.response import POLL_S
from caponier.app.guard.run import Guard
from caponier.app.incidents.findings import list_findings
from caponier.app.incidents.incidents import list_incidents
from caponier.app.inference.scan import scan_inference
from caponier.app.respond.respond import list_actions, undo_action
from caponier.app.workspace.verify_audit import list_audit, verify_audit
from caponier.app.workspace.workspace import read_salt
from caponier.emulate.caller.oracle import RefusedError
from caponier.emulate.evasion.hop_skip_jump import HopSkipJump
from caponier.emulate.images import Images
from caponier.emulate.registry import habits
from caponier.emulate.simulation.population import assemble, drive
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.errors import InputError
from caponier.matrix.case_study import Strategy
from caponier.records.accused import accused
from caponier.records.finding import Severity, SubjectRef
from caponier.records.incident import Incident, Stage
from caponier.records.inventory import Workspace
from caponier.records.response_action import ActionKind, ActionState, ResponseAction
from caponier.store import audit, incidents, response_actions
from caponier.store.database import open_store
from caponier.telemetry.principals import principal_of
from conftest import World
from guard.loopback import ask
from pace import wait_for

INFER = "/v2/models/digits/infer"
BLOCK_ONLY = """\
schema: caponier.playbook/1
name: test
rules:
- name: evasion
  reason: test
  when: {techniques: [AMLTM.EVADE.01]}
  actions:
  - {kind: block, scope: actor, duration: 24h}
"""
SECRET = "sk-very-secret-7781"


@pytest.fixture
def workspace(world: World, tmp_path: Path) -> Workspace:
    return workspace_in(tmp_path / "ws", world)


def images(digits: tuple[DigitsSplit, Victim], n: int, seed: int = 0) -> Images:
    pool = digits[0].test.images
    return pool[np.random.default_rng(seed).integers(0, len(pool), n)]


def attack(one: Site, digits: tuple[DigitsSplit, Victim], key: str, budget: int = 300, target: int = 0) -> int:
    """Run HopSkipJump through the guard, one image a request; return how many queries were answered."""
    prey = digits[1].understood(digits[0].attackers)
    with one.client(key) as model:
        HopSkipJump().run(
            lambda rows: model.predict_proba(rows, batch=1), prey.images[target], int(prey.labels[target]),
            seed=target, budget=budget,
        )  # fmt: skip
        return model.queries


def principal(workspace: Workspace, key: str) -> str | None:
    return principal_of(f"Bearer {key}", read_salt(workspace))


def log_of(workspace: Workspace) -> list[dict[str, Any]]:
    return [
        orjson.loads(line)
        for file in sorted(Path(workspace.lake).rglob("*.jsonl"))
        for line in file.read_bytes().splitlines()
    ]


class TestObserving:
    def test_it_finds_what_a_scan_of_its_log_finds(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        with site(workspace, digits[1]) as one:
            assert attack(one, digits, "eve", budget=120) == 120, "nobody is refused"
            for i in range(6):
                with one.client(f"user-{i}") as model:
                    model.predict_proba(images(digits, 20, seed=i), batch=1 + i)
            ask(one.url, INFER, b"{broken", headers=[("authorization", "Bearer eve")])
            ask(one.url, "/v2/models/digits")
        scanned = scan_inference([Path(workspace.lake)], workspace=workspace)
        found = list_findings(workspace)
        assert found
        assert frozenset().union(*map(accused, found)) == {principal(workspace, "eve")}
        assert not scanned.rejected.count, scanned.rejected.reasons
        mine, theirs = ({one.finding_id: one for one in findings} for findings in (found, scanned.findings))
        assert mine.keys() == theirs.keys()
        assert mine == theirs, "not only the ids"
        notes = one.guard.live.remarks.notes
        assert [note for note in notes if note.startswith("sponge")] == [
            "sponge does not run in a guard; what passes through it has no cost; scan a log that has"
        ]
        assert one.guard.metrics.total("events") == scanned.events == 120 + 6 * 20 + 2

    def test_every_finding_names_events_of_the_log(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        with site(workspace, digits[1]) as one:
            attack(one, digits, "eve", budget=60)
        times = {event["event_id"]: event["time"] for event in log_of(workspace)}
        assert len(times) == 60
        for finding in list_findings(workspace):
            assert {finding.trigger_event_id, *finding.event_ids} <= times.keys()
            assert finding.to_dict()["first_time"] == times[finding.event_ids[0]]

    def test_nothing_is_done_about_it(self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]) -> None:
        with site(workspace, digits[1]) as one:
            attack(one, digits, "eve", budget=60)
            wait_for(lambda: one.guard.metrics.total("findings"))
        assert list_incidents(workspace)
        assert not list_actions(workspace)


class TestEnforcing:
    def test_an_attacker_is_blocked_and_nobody_else(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        with site(workspace, digits[1], mode="enforce") as one:
            asked = attack(one, digits, "eve")
            assert asked < 60, "while the attacker asks a thousand times a second"
            users = assemble(digits[0].test.images, 10, 3)
            assert not any(visit.refused for visit in drive(users, lambda member: one.client(member.principal), 25))
            with pytest.raises(RefusedError), one.client("eve") as model:
                model.predict_proba(images(digits, 1))
        first = list_findings(workspace)[-1]
        assert first.unique_queries <= asked
        refused = {event["principal"] for event in log_of(workspace) if event["status"] == 429}
        assert refused == {principal(workspace, "eve")}
        (action,) = [one for one in list_actions(workspace) if one.kind.value == "block"]
        assert action.author == "caponier guard"
        assert verify_audit(workspace).ok

    def test_benign_users_are_all_answered(self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]) -> None:
        users = assemble(digits[0].test.images, 2 * len(habits()), 7)
        with site(workspace, digits[1], mode="enforce") as one:
            visits = drive(users, lambda member: one.client(member.principal), 25)
        assert not any(visit.refused for visit in visits)
        assert {event["status"] for event in log_of(workspace)} == {200}
        assert one.guard.metrics.total("refused") == 0

    def test_undo_reaches_the_guard_and_lasts(self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]) -> None:
        (workspace.root / "block.yaml").write_text(BLOCK_ONLY)
        respond = {"playbooks": ["block.yaml"], "shipped_playbook": False}
        with site(workspace.model_copy(update={"respond": respond}), digits[1], mode="enforce") as one:
            attack(one, digits, "eve")
            (action,) = wait_for(lambda: list_actions(workspace))
            wait_for(lambda: is_refused(one, "eve"))
            undo_action(workspace, action.action_id)
            wait_for(lambda: not is_refused(one, "eve"))
            found = len(list_findings(workspace))
            assert attack(one, digits, "eve", target=1) > 200, "the guard does not put people in the wrong"
            wait_for(lambda: len(list_findings(workspace)) > found)
            assert not list_actions(workspace)
        assert "action.undone" in {row.action for row in list_audit(workspace)}

    def test_what_another_program_does_reaches_the_guard_and_runs_out(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        with site(workspace, digits[1], mode="enforce") as one:
            assert not is_refused(one, "eve")
            assert POLL_S <= 1, "within two seconds, on a machine that has them"
            ends = act(workspace, "eve", ActionKind.BLOCK, seconds=6)
            wait_for(lambda: is_refused(one, "eve"))
            assert not is_refused(one, "ada")
            refused: list[datetime] = []

            def is_over() -> bool:
                asked = datetime.now(UTC)
                if is_refused(one, "eve"):
                    refused.append(asked)
                return refused[-1:] != [asked]

            wait_for(is_over)
            assert datetime.now(UTC) >= ends
            assert all(asked < ends for asked in refused), "it needs no poll to run out"
            wait_for(lambda: "action.expired" in {row.action for row in list_audit(workspace)})

    def test_a_throttled_caller_gets_its_rate_of_examples(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        act(workspace, "eve", ActionKind.THROTTLE, parameters={"per_minute": 1, "burst": 5})
        with site(workspace, digits[1], mode="enforce") as one:
            with pytest.raises(RefusedError), one.client("eve") as model:
                model.predict_proba(images(digits, 6))
            with pytest.raises(RefusedError), one.client("eve") as model:
                model.predict_proba(images(digits, 9), batch=2)
            assert model.queries == 4

    def test_a_rounded_caller_gets_less_and_the_log_everything(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        act(workspace, "eve", ActionKind.ROUND, parameters={"decimals": 1})
        asked = images(digits, 5)
        with site(workspace, digits[1], mode="enforce") as one:
            with one.client("eve") as model:
                rounded = model.predict_proba(asked)
            with one.client("ada") as model:
                exact = model.predict_proba(asked)
        np.testing.assert_allclose(rounded, exact.round(1), atol=1e-6)
        assert not np.allclose(rounded, exact, atol=1e-6)
        logged = np.array([event["scores"] for event in log_of(workspace)[:5]], np.float32)
        np.testing.assert_array_equal(logged, exact)


def act(
    workspace: Workspace, key: str, kind: ActionKind, *, seconds: float = 600, parameters: dict[str, Any] | None = None
) -> datetime:
    """Apply an action as another program does; return when it ends."""
    now = datetime.now(UTC)
    action = ResponseAction(
        action_id="a-0123456789abcdef", incident_id="i-0123456789abcdef", kind=kind,
        scope=SubjectRef("principal", principal(workspace, key) or ""), system=None, model="digits", reason="test",
        author="ben", created=now, expires=now + timedelta(seconds=seconds), needs_approval=False,
        state=ActionState.ACTIVE, undo="undo", parameters=parameters or {},
    )  # fmt: skip
    with open_store(workspace.store) as store, store.write() as connection:
        incidents.write(connection, about(workspace, key, now), None, "ben")
        assert response_actions.add(connection, action, "ben")
    return action.expires


def about(workspace: Workspace, key: str, now: datetime) -> Incident:
    return Incident(
        incident_id="i-0123456789abcdef", stage=Stage.OPEN, actors=(f"principal:{principal(workspace, key)}",),
        systems=(), models=("digits",), strategy=Strategy.ADVERSARIAL_ML, severity=Severity.LOW, harms=(),
        first_time=now, last_time=now, finding_ids=(), steps=(),
    )  # fmt: skip


def is_refused(one: Site, key: str) -> bool:
    status = ask(one.url, "/v2/models/digits", headers=[("authorization", f"Bearer {key}")]).status
    assert status in (200, 429)
    return status == 429


class TestSecretsAndStrangers:
    def test_a_secret_is_nowhere(self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]) -> None:
        sent = [("authorization", f"Bearer {SECRET}"), ("x-api-key", SECRET), ("cookie", SECRET)]
        with site(workspace, digits[1], mode="enforce") as one:
            for path in (INFER, f"/v2?key={SECRET}", "/v2/models/digits"):
                ask(one.url, path, b"{}" if path == INFER else None, headers=sent)
            attack(one, digits, SECRET, budget=60)
            told = "".join(one.told) + ask(one.url, "/-/metrics").body.decode()
        assert SECRET not in told
        files = [file for file in workspace.root.rglob("*") if file.is_file()]
        assert len(log_of(workspace)) > 5
        assert not [file for file in files if SECRET.encode() in file.read_bytes()]

    def test_callers_who_never_authenticate_hold_no_state(self, workspace: Workspace) -> None:
        async def closed(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})

        guard = Guard(workspace, app=closed)
        asyncio.run(knock(guard, 10_000))
        guard.start()
        guard.close()
        assert guard.live.subjects == 0
        assert guard.metrics.total("events") == 10_000
        assert not list_findings(workspace)
        assert {event.get("principal") for event in log_of(workspace)} == {None}

    def test_strangers_to_the_model_server_are_not_blocked_for_it(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        with site(workspace, digits[1], good=lambda key: key != "bad", mode="enforce") as one:
            tensor = {"name": "x", "shape": [1, 64], "datatype": "FP32", "data": [0.5] * 64}
            body = orjson.dumps({"inputs": [tensor]})
            assert ask(one.url, INFER, body, headers=[("authorization", "Bearer bad")]).status == 401


async def knock(guard: Guard, n: int) -> None:
    """Ask n times, each time with another key and under another name."""
    body = orjson.dumps({"inputs": [{"shape": [1, 64], "datatype": "FP32", "data": [0.5] * 64}]})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(_: Any) -> None:
        pass

    for i in range(n):
        headers = [(b"authorization", b"Bearer %d" % i), (b"user-agent", b"ua %d" % i), (b"x-on-behalf-of", b"%d" % i)]
        scope = {
            "type": "http",
            "method": "POST",
            "path": INFER,
            "headers": headers,
            "client": (f"10.0.{i % 250}.1", 1),
        }
        await guard(scope, receive, send)


class TestTrouble:
    def test_a_full_queue_loses_events_and_says_so(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        with site(workspace, digits[1], spool=False) as one:
            one.guard.work.backlog = Backlog(None, ExchangeQueue(length=0))
            with one.client("ada") as model:
                model.predict_proba(images(digits, 5), batch=1)
            wait_for(lambda: one.guard.metrics.total("lost_events") == 5)
            assert b"caponier_guard_lost_events_total 5" in ask(one.url, "/-/metrics").body

    def test_what_does_not_fit_into_memory_is_read_back_from_the_spool(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        with site(workspace, digits[1]) as one:
            one.guard.work.backlog.queue = ExchangeQueue(length=0)
            assert attack(one, digits, "eve", budget=60) == 60
            wait_for(lambda: one.guard.metrics.total("findings"))
        assert len(log_of(workspace)) == 60
        assert not one.guard.metrics.total("lost_events")

    def test_a_lake_that_cannot_be_written_stops_neither_answers_nor_detection(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        lake = workspace.root / "lake elsewhere"
        lake.write_text("no folder")
        workspace = workspace.model_copy(update={"lake": str(lake)})
        with site(workspace, digits[1]) as one:
            attack(one, digits, "eve", budget=60)
            wait_for(lambda: one.guard.metrics.total("findings"))
            wait_for(lambda: one.guard.work.log.spilled > 10_000)
            assert b"caponier_guard_spilled_bytes 0" not in ask(one.url, "/-/metrics").body
            lake.unlink()
            wait_for(lambda: one.guard.work.log.spilled == 0)
            attack(one, digits, "ada", budget=20)
        assert len(log_of(workspace)) == 80, "nothing is lost, and nothing is there twice"
        assert len({event["event_id"] for event in log_of(workspace)}) == 80
        assert not one.guard.metrics.total("lost_events")
        assert [line for line in one.told if line.startswith("warning: lake")]

    def test_a_store_that_cannot_be_written_delays_the_record_and_not_the_response(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        with site(workspace, digits[1], mode="enforce") as one:
            with open_store(workspace.store) as store, store.write() as connection:
                audit.lock(connection)
                attack(one, digits, "eve", budget=60)
                wait_for(lambda: is_refused(one, "eve"))
                assert not is_refused(one, "ada")
            wait_for(lambda: list_actions(workspace))
            assert is_refused(one, "eve")

    def test_a_mode_without_a_model_server_is_an_error(self, workspace: Workspace) -> None:
        with pytest.raises(InputError, match="no model server"):
            Guard(workspace)

    def test_a_port_that_is_taken_is_an_error(self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]) -> None:
        with site(workspace, digits[1]) as one:
            port = int(one.url.rsplit(":", 1)[1])
            with pytest.raises(InputError, match="cannot be listened on"), site(workspace, digits[1], port=port):
                pass
