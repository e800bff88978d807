"""What callers may claim freely, such as a session, harms nobody else: a response binds who sent the evidence."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from app.guard.guarded import workspace_in
from app.guard.test_run import BLOCK_ONLY, INFER
from caponier.app.guard.run import Guard, guarding
from caponier.app.incidents.findings import list_findings
from caponier.app.inference.scan import scan_inference
from caponier.app.respond.respond import apply_response, list_actions, plan_response, undo_action
from caponier.app.workspace.workspace import read_salt
from caponier.emulate.caller.oracle import RefusedError
from caponier.emulate.evasion.hop_skip_jump import HopSkipJump
from caponier.emulate.images import Images
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.emulate.victims.server import serve
from caponier.guard.settings import GuardSettings
from caponier.records.finding import SubjectRef
from caponier.records.inventory import Workspace
from caponier.records.response_action import ActionKind, ActionState, ResponseAction
from caponier.store import audit, response_actions
from caponier.store.database import open_store
from caponier.telemetry.principals import principal_of
from conftest import World
from pace import HANG, wait_for

HERE, THERE = "127.0.0.1", "127.0.0.2"
CUSTOMER = ("x-on-behalf-of", "customer")


@pytest.fixture
def workspace(world: World, tmp_path: Path) -> Workspace:
    made = workspace_in(tmp_path / "ws", world)
    (made.root / "block.yaml").write_text(BLOCK_ONLY)
    return made.model_copy(update={"respond": {"playbooks": ["block.yaml"], "shipped_playbook": False}})


class Caller:
    """Somebody with an address and headers of his own, one image a request."""

    def __init__(self, url: str, *headers: tuple[str, str], address: str = HERE) -> None:
        host, port = url.removeprefix("http://").split(":")
        self._to, self._from = (host, int(port)), (address, 0)
        self._headers = dict(headers) | {"content-type": "application/json"}

    def ask(self, rows: Images) -> int:
        tensor = {"name": "input", "shape": list(rows.shape), "datatype": "FP32", "data": rows.ravel()}
        body = orjson.dumps({"inputs": [tensor]}, option=orjson.OPT_SERIALIZE_NUMPY)
        with closing(HTTPConnection(*self._to, timeout=HANG, source_address=self._from)) as connection:
            connection.request("POST", INFER, body, self._headers)
            reply = connection.getresponse()
            self.said = reply.read()
            return reply.status

    def predict_proba(self, rows: Images) -> Images:
        def one(row: Images) -> Any:
            if self.ask(row) == 429:
                self.stopped = True
                raise RefusedError("refused")
            outputs = {tensor["name"]: tensor["data"] for tensor in orjson.loads(self.said)["outputs"]}
            return outputs["probabilities"]

        return np.array([one(row[None]) for row in rows], np.float32)

    def evade(self, digits: tuple[DigitsSplit, Victim]) -> bool:
        """Search for an adversarial example; False if that is stopped."""
        prey, self.stopped = digits[1].understood(digits[0].attackers), False
        HopSkipJump().run(self.predict_proba, prey.images[0], int(prey.labels[0]), seed=0, budget=400)
        return not self.stopped


@contextmanager
def guarded(workspace: Workspace, victim: Victim, **settings: Any) -> Iterator[str]:
    """Serve a model that answers everybody, behind a guard that enforces."""
    with serve(victim.predict_proba, record=lambda _: None, principal_of=lambda key: key or "anybody") as server:
        guard = Guard(workspace, GuardSettings(upstream=server.url, port=0, mode="enforce", **settings))
        with guarding(guard) as listening:
            yield listening.url


def images(digits: tuple[DigitsSplit, Victim], n: int, seed: int = 0) -> Images:
    pool = digits[0].test.images
    return pool[np.random.default_rng(seed).integers(0, len(pool), n)]


def goes_on(caller: Caller, digits: tuple[DigitsSplit, Victim]) -> bool:
    return {caller.ask(image[None]) for image in images(digits, 12)} == {200}


def key(name: str) -> tuple[str, str]:
    return "authorization", f"Bearer {name}"


class TestTheGuard:
    def test_a_session_is_no_name_to_hurt_somebody_by(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        # Of a caller without a key a session counts where the operator has named its header.
        with guarded(workspace, digits[1], session=CUSTOMER[0]) as url:
            assert not Caller(url, CUSTOMER).evade(digits)
            (action,) = wait_for(lambda: list_actions(workspace))
            assert action.scope == SubjectRef("session", "customer", sender=f"address:{HERE}")
            assert Caller(url, CUSTOMER).ask(images(digits, 1)) == 429
            # The customer with a key, from elsewhere, and even from where the attacker is.
            assert goes_on(Caller(url, CUSTOMER, key("customer")), digits)
            assert goes_on(Caller(url, CUSTOMER, key("customer"), address=THERE), digits)
            # A customer without a key, too, wherever else.
            assert goes_on(Caller(url, CUSTOMER, address=THERE), digits)
            undo_action(workspace, action.action_id)
            wait_for(lambda: Caller(url, CUSTOMER).ask(images(digits, 1)) == 200)
        scanned = scan_inference([Path(workspace.lake)], workspace=workspace)
        assert {one.finding_id: one for one in scanned.findings} == {
            one.finding_id: one for one in list_findings(workspace)
        }

    def test_who_has_a_key_is_meant_by_it_whatever_session_he_sends(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        with guarded(workspace, digits[1]) as url:
            assert not Caller(url, CUSTOMER, key("eve")).evade(digits)
            (action,) = wait_for(lambda: list_actions(workspace))
            assert action.scope == SubjectRef("principal", principal_of("eve", read_salt(workspace)) or "")
            assert Caller(url, ("x-on-behalf-of", "other"), key("eve")).ask(images(digits, 1)) == 429
            assert goes_on(Caller(url, CUSTOMER, key("customer")), digits)
            assert goes_on(Caller(url, CUSTOMER), digits)

    def test_who_shares_an_address_and_has_a_key_goes_on(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        with guarded(workspace, digits[1]) as url:
            assert not Caller(url, ("user-agent", "customer/1.0")).evade(digits)
            (action,) = wait_for(lambda: list_actions(workspace))
            assert action.scope == SubjectRef("address", HERE, sender=f"address:{HERE}")
            assert goes_on(Caller(url, ("user-agent", "customer/1.0"), key("customer")), digits)
            assert goes_on(Caller(url, ("user-agent", "customer/1.0"), address=THERE), digits)
            # Another agent or a session are no way around it.
            assert Caller(url, ("user-agent", "other"), CUSTOMER).ask(images(digits, 1)) == 429

    def test_whoever_sends_half_of_it_under_a_victims_session_does_not_make_the_victim_a_suspect(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        with guarded(workspace, digits[1]) as url:
            victim, attacker = Caller(url, CUSTOMER, address=THERE), Caller(url, CUSTOMER)
            stopped = False
            for image in images(digits, 10):
                assert victim.ask(image[None]) == 200
                stopped = stopped or not attacker.evade(digits)
            assert stopped
            assert goes_on(victim, digits)
            wait_for(lambda: list_actions(workspace))
        # What like queries of all callers made together is about nobody.
        found = [one for one in list_findings(workspace) if one.subject.kind != "bucket"]
        assert {one.subject.sender for one in found} == {f"address:{HERE}"}

    def test_a_forwarded_address_is_believed_from_proxies_alone(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        with guarded(workspace, digits[1], trusted_proxies=("10.0.0.1",)) as url:
            assert not Caller(url, ("x-forwarded-for", THERE)).evade(digits)
            (action,) = wait_for(lambda: list_actions(workspace))
            assert action.scope.id == HERE
            assert goes_on(Caller(url, address=THERE), digits)

    def test_behind_a_proxy_what_the_client_claims_stands_before_what_was_seen(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        with guarded(workspace, digits[1], trusted_proxies=(HERE,)) as url:
            assert not Caller(url, ("x-forwarded-for", f"{THERE}, 203.0.113.7")).evade(digits)
            (action,) = wait_for(lambda: list_actions(workspace))
            assert action.scope.id == "203.0.113.7"
            assert goes_on(Caller(url, ("x-forwarded-for", THERE)), digits)


def stored(workspace: Workspace, **changes: Any) -> ResponseAction:
    now = datetime.now(UTC)
    action = ResponseAction(
        action_id="a-old", incident_id="i-old", kind=ActionKind.BLOCK, scope=SubjectRef("session", "customer"),
        system=None, model=None, reason="r", author="ada", created=now - timedelta(minutes=1),
        expires=now + timedelta(hours=1), needs_approval=False, state=ActionState.ACTIVE, undo="u",
    )  # fmt: skip
    made = replace(action, **changes)
    with open_store(workspace.store) as store, store.write() as connection:
        audit.lock(connection)
        response_actions.add(connection, made, "ada")
    return made


class TestStored:
    def test_an_action_of_an_older_version_binds_nobody_and_the_guard_says_so(
        self, workspace: Workspace, digits: tuple[DigitsSplit, Victim]
    ) -> None:
        assert "sender" not in stored(workspace).to_dict()["scope"]
        told: list[str] = []
        with serve(digits[1].predict_proba, record=lambda _: None, principal_of=lambda _: "anybody") as server:
            guard = Guard(workspace, GuardSettings(upstream=server.url, port=0, mode="enforce"), tell=told.append)
            with guarding(guard) as listening:
                assert goes_on(Caller(listening.url, CUSTOMER), digits)
                assert goes_on(Caller(listening.url, CUSTOMER, key("customer")), digits)
        (warning,) = [line for line in told if "a-old" in line]
        assert "is not carried out" in warning
        assert "caponier respond undo a-old" in warning

    def test_whom_an_action_binds_comes_back_from_the_store(self, workspace: Workspace) -> None:
        scope = SubjectRef("session", "customer", sender="principal:k-1")
        stored(workspace, scope=scope)
        (action,) = list_actions(workspace)
        assert action.scope == scope
        assert action.scope.in_words == "session customer from principal k-1"


def logged(address: str | None, *, session: str | None, n: int, key_: str | None = None, **more: Any) -> dict[str, Any]:
    moment = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=n)
    row = {"time": moment.isoformat(), "model": "digits", "operation": "predict", "label": str(n % 2), "status": 200}
    row |= {"principal": key_, "session": session, "source_ip": address, "input": [n / 1_000] * 64} | more
    return {name: value for name, value in row.items() if value is not None}


def write(file: Path, *rows: dict[str, Any]) -> Path:
    file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return file


class TestPlanned:
    """From a log, by hand: `caponier respond plan` and `apply`."""

    def planned(self, workspace: Workspace, log: Path) -> Any:
        from caponier.app.incidents.keep_findings import keep_findings

        found = scan_inference([log], workspace=workspace).findings
        assert found
        (incident,) = keep_findings(workspace, found, actor="test").opened
        return plan_response(workspace, incident.incident_id, log=[log], actor="ada")

    def test_a_plan_counts_whom_the_guard_would_hit(self, workspace: Workspace, tmp_path: Path) -> None:
        attack = [logged("198.51.100.1", session="customer", n=n) for n in range(40)]
        others = [logged("198.51.100.2", session="customer", n=100 + n) for n in range(0, 900, 300)]
        others += [logged("198.51.100.1", session="customer", key_="k-1", n=100 + n) for n in range(0, 900, 300)]
        health = [logged("198.51.100.1", session="customer", n=2_000, operation="health")]
        report = self.planned(workspace, write(tmp_path / "log.jsonl", *attack, *others, *health))
        (action,) = report.plan.actions
        assert action.scope == SubjectRef("session", "customer", sender="address:198.51.100.1")
        count = report.dry_runs[0]
        assert (count.attack, count.of_attack, count.others, count.of_others) == (40, 40, 0, 6)
        applied = apply_response(workspace, report.plan.incident.incident_id, actor="ada")
        assert [one.scope for one in applied.actions] == [action.scope]

    def test_a_log_that_tells_no_sender_leads_to_an_order_to_people(self, workspace: Workspace, tmp_path: Path) -> None:
        log = write(tmp_path / "log.jsonl", *(logged(None, session="customer", n=n) for n in range(40)))
        report = self.planned(workspace, log)
        (action,) = report.plan.actions
        assert action.unsent
        assert report.dry_runs[0].attack == 0

    def test_whoever_was_turned_away_has_no_name(self, workspace: Workspace, tmp_path: Path) -> None:
        claim = {"session": "customer", "key_": "k-victim", "status": 401}
        log = write(tmp_path / "log.jsonl", *(logged("198.51.100.1", n=n, **claim) for n in range(40)))
        found = scan_inference([log], workspace=workspace).findings
        assert {one.subject.kind for one in found} - {"bucket"} == {"address"}
        assert "victim" not in str([one.to_dict() for one in found])
