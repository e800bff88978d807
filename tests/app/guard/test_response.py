"""A guard's response: at once in memory, lasting in the store, and never against what people undid."""

import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from caponier.app.guard import response
from caponier.app.guard.failures import Failures
from caponier.app.guard.response import GuardResponse
from caponier.app.incidents.findings import list_findings
from caponier.app.incidents.incidents import list_incidents
from caponier.app.respond.action_feed import ActionFeed
from caponier.app.respond.respond import list_actions, plan_response, undo_action
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.errors import InputError
from caponier.guard.call import Call
from caponier.guard.decisions import Decisions
from caponier.guard.exchange import Caller
from caponier.guard.metrics import Metrics
from caponier.guard.verdict import REFUSE
from caponier.records.finding import Basis, Finding
from caponier.records.incident import Stage
from caponier.records.inventory import Workspace
from caponier.records.response_action import ActionKind, ActionState
from caponier.store import audit
from caponier.store.database import open_store
from pace import wait_for
from respond.made import EVASION, EXTRACTION, finding


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    made = load_workspace(tmp_path)
    assert made is not None
    return made


class JudgedSubject:
    def __init__(self, workspace: Workspace, *, enforce: bool = True) -> None:
        self.told: list[str] = []
        self.decisions = Decisions()
        self.metrics = Metrics()
        failures = Failures(self.metrics, self.told.append)
        self.response = GuardResponse(workspace, self.decisions, self.told.append, failures, enforce=enforce)

    def __enter__(self) -> "JudgedSubject":
        self.response.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.response.close()

    def refuses(self, who: str) -> bool:
        return self.decisions(Caller(who, None, None), Call("predict", "digits"), lambda: 1) is REFUSE


def found(who: str, n: int = 0, techniques: tuple[str, ...] = EVASION) -> Finding:
    now = datetime.now(UTC)
    return finding(n, who, techniques=techniques, model="digits", system=None, first_time=now, last_time=now)


def test_a_finding_is_answered_at_once_and_then_in_the_store(workspace: Workspace) -> None:
    with JudgedSubject(workspace) as one:
        assert not one.refuses("eve")
        one.response.take([found("eve")])
        assert one.refuses("eve"), "before anything is written"
        assert not one.refuses("ada")
        wait_for(lambda: list_actions(workspace))
        assert one.refuses("eve")
    kinds = {action.kind: action for action in list_actions(workspace)}
    assert kinds[ActionKind.BLOCK].state is ActionState.ACTIVE
    assert [line for line in one.told if line.startswith("high finding f-")]
    assert [line for line in one.told if line.startswith("active: block principal eve until ")]


def test_it_is_answered_while_the_store_is_locked(workspace: Workspace) -> None:
    with JudgedSubject(workspace) as one:
        with open_store(workspace.store) as store, store.write() as connection:
            audit.lock(connection)
            one.response.take([found("eve")])
            one.response.take([found("mallory")])
            assert one.refuses("eve")
            assert one.refuses("mallory")
        wait_for(lambda: len(list_findings(workspace)) == 2)
        assert one.refuses("eve")


def shared(who: str, share: float | None, n: int = 0) -> Finding:
    plain = found(who, n)
    basis = Basis.COLD_START if share is None else Basis.ESTIMATE
    return replace(plain, evidence=replace(plain.evidence, share=share, basis=basis))


def test_what_too_many_benign_callers_come_as_high_as_is_listed_and_not_answered(workspace: Workspace) -> None:
    with JudgedSubject(workspace) as one:
        one.response.take([shared("usual", 0.0011), shared("rare", 0.0009), shared("unknown", None)])
        assert [one.refuses(who) for who in ("usual", "rare", "unknown")] == [False, True, True]
        wait_for(lambda: len(list_actions(workspace)) >= 2)
        assert not one.refuses("usual")
    assert {action.scope.id for action in list_actions(workspace)} == {"rare", "unknown"}
    assert {finding.subject.id for finding in list_findings(workspace)} == {"usual", "rare", "unknown"}
    (open_one,) = [one for one in list_incidents(workspace) if one.stage is Stage.OPEN]
    assert plan_response(workspace, open_one.incident_id).plan.actions, "people may answer it"


def test_what_becomes_rare_later_is_answered_then(workspace: Workspace) -> None:
    usual = shared("eve", 0.009)
    with JudgedSubject(workspace) as one:
        one.response.take([usual])
        wait_for(lambda: list_incidents(workspace))
        assert not one.refuses("eve")
        one.response.take([], [usual])
        assert one.refuses("eve"), "before anything is written"
        wait_for(lambda: list_actions(workspace))
        assert one.refuses("eve")
    assert len(list_findings(workspace)) == len(list_incidents(workspace)) == 1


def test_a_workspace_may_ask_for_more_or_for_less(workspace: Workspace) -> None:
    strict = workspace.model_copy(update={"respond": {"alpha": 0.01}})
    with JudgedSubject(strict) as one:
        one.response.take([shared("eve", 0.009), shared("ada", 0.02)])
        assert [one.refuses(who) for who in ("eve", "ada")] == [True, False]


def test_observing_records_and_does_nothing(workspace: Workspace) -> None:
    with JudgedSubject(workspace, enforce=False) as one:
        one.response.take([found("eve")])
        wait_for(lambda: list_findings(workspace))
        assert not one.refuses("eve")
    assert list_incidents(workspace)
    assert not list_actions(workspace)


def test_what_needs_approval_does_not_begin(workspace: Workspace) -> None:
    with JudgedSubject(workspace) as one:
        one.response.take([found("eve", techniques=EXTRACTION)])
        wait_for(lambda: {action.state for action in list_actions(workspace)} > {ActionState.ACTIVE})
        assert len(one.decisions) == 1, "the throttle alone"
    waiting = [action for action in list_actions(workspace) if action.state is ActionState.AWAITING_APPROVAL]
    assert [action.kind for action in waiting] == [ActionKind.BLOCK]


def test_what_people_undid_is_left_to_them(workspace: Workspace) -> None:
    with JudgedSubject(workspace) as one:
        one.response.take([found("eve")])
        for action in wait_for(lambda: list_actions(workspace)):
            undo_action(workspace, action.action_id)
        wait_for(lambda: not one.refuses("eve"))
        one.response.take([found("eve", 1)])
        assert not one.refuses("eve"), "not even for a moment"
        wait_for(lambda: len(list_findings(workspace)) == 2)
        one.response.take([found("mallory")])
        assert one.refuses("mallory")
    assert {action.scope.id for action in list_actions(workspace)} == {"mallory"}


def test_what_people_undo_while_more_is_being_answered_is_left_to_them(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned: list[str] = []

    def undone_just_before(*args: Any, **named: Any) -> Any:
        for action in list_actions(workspace):
            undo_action(workspace, action.action_id)
            planned.append(action.action_id)
        return plan_response(*args, **named)

    with JudgedSubject(workspace) as one:
        one.response.take([found("eve")])
        assert wait_for(lambda: list_actions(workspace))
        monkeypatch.setattr(response, "plan_response", undone_just_before)
        one.response.take([found("eve", 1)])
        wait_for(lambda: planned)
        wait_for(lambda: not one.refuses("eve"))
    assert not list_actions(workspace)


@pytest.mark.parametrize("broken", ["plan", "correlate"])
def test_a_finding_that_breaks_planning_spares_nobody_else(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    really = getattr(response, broken)

    def sometimes(first: Any, *arguments: Any, **more: Any) -> Any:
        held = [first] if broken == "plan" else first
        if any("trudy" in str(one) for one in held):
            raise RuntimeError("secret")
        return really(first, *arguments, **more)

    monkeypatch.setattr(response, broken, sometimes)
    monkeypatch.setattr(GuardResponse, "_run", lambda _: None)
    with JudgedSubject(workspace) as one:
        for n, who in enumerate(("ada", "trudy", "mallory")):
            one.response.take([found(who, n)])
        assert [one.refuses(who) for who in ("ada", "trudy", "mallory")] == [True, False, True]
    assert one.metrics.total("failures") == 2


def test_an_incident_that_cannot_be_answered_keeps_no_other_waiting(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = response.show_incident

    def sometimes(where: Workspace, incident_id: str) -> Any:
        case = really(where, incident_id)
        if any("trudy" in actor for actor in case.incident.actors):
            raise RuntimeError("secret")
        return case

    monkeypatch.setattr(response, "show_incident", sometimes)
    with JudgedSubject(workspace) as one:
        one.response.take([found("trudy"), found("mallory", 1)])
        wait_for(lambda: list_actions(workspace))
    assert {action.scope.id for action in list_actions(workspace)} == {"mallory"}


def test_an_incident_that_never_can_be_answered_fills_no_memory_and_goes_last(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = response.plan_response

    def sometimes(where: Workspace, incident_id: str, **more: Any) -> Any:
        time.sleep(response.ANSWERING_S * 1.2)
        if not done:
            done.append(incident_id)
            raise RuntimeError("secret")
        if incident_id in done:
            raise RuntimeError("secret")
        return really(where, incident_id, **more)

    done: list[str] = []
    monkeypatch.setattr(response, "ANSWERING_S", 0.05)
    monkeypatch.setattr(response, "plan_response", sometimes)
    monkeypatch.setattr(GuardResponse, "_run", lambda _: None)
    with JudgedSubject(workspace) as one, ActionFeed(workspace) as feed:
        one.response.take([found("trudy"), found("mallory", 1)])
        for _ in range(3):
            with suppress(RuntimeError):
                one.response._respond(feed)
        assert not one.response._waiting, "they are in the store"
        assert one.response._due == done
    assert len(list_actions(workspace)) > 0


def test_what_turned_certain_is_not_remembered_without_end(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response, "MOST_CERTAIN", 3)
    monkeypatch.setattr(GuardResponse, "_run", lambda _: None)
    with JudgedSubject(workspace) as one:
        turned = [shared("eve", 0.009, n) for n in range(9)]
        for finding_ in turned:
            one.response.take([], [finding_])
        assert [one.response.answers(each) for each in turned] == [False] * 6 + [True] * 3


def test_closing_writes_what_is_left(workspace: Workspace) -> None:
    with JudgedSubject(workspace) as one:
        one.response.take([found("eve", n) for n in range(20)])
    assert len(list_findings(workspace)) == 20
    assert list_actions(workspace)


def test_a_store_that_fails_is_tried_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = [OSError("secret"), OSError("secret")]
    really = response.correlate_findings

    def sometimes(*arguments: object, **more: object) -> object:
        if failing:
            raise failing.pop()
        return really(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(response, "correlate_findings", sometimes)
    with JudgedSubject(workspace) as one:
        one.response.take([found("eve")])
        wait_for(lambda: list_actions(workspace))
        assert one.refuses("eve")
    warnings = [line for line in one.told if line.startswith("warning")]
    assert warnings == ["warning: response: OSError; the guard goes on, and counts how often this happens"]
    assert one.metrics.total("failures") == 2


def test_a_playbook_that_cannot_be_read_is_an_error_at_the_start(workspace: Workspace) -> None:
    (workspace.root / "bad.yaml").write_text("schema: nothing")
    with pytest.raises(InputError):
        JudgedSubject(workspace.model_copy(update={"respond": {"playbooks": ["bad.yaml"]}}))
