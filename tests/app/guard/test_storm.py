"""A storm of false alarms binds no more callers than the limit says, and says so; a mistake is one command to undo."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.guard.test_response import JudgedSubject, found
from caponier.app.guard import response, run
from caponier.app.guard.callers import MOST, RecentCallers
from caponier.app.guard.response import ACTOR
from caponier.app.guard.run import Guard
from caponier.app.respond.respond import by_doubt, list_actions, undo_for
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.cli import app
from caponier.errors import InputError
from caponier.guard.call import Call
from caponier.guard.exchange import Caller
from caponier.guard.servers import Probed
from caponier.guard.settings import GuardSettings
from caponier.records.inventory import Workspace
from caponier.records.response_action import ActionState
from guard.test_spooled import exchange
from pace import Stopwatch, wait_for


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    return require_workspace(tmp_path)


def bound(one: JudgedSubject, names: list[str]) -> set[str]:
    return {name for name in names if one.refuses(name)}


@pytest.mark.slow
def test_a_storm_binds_ten_callers_at_once_and_in_the_store(workspace: Workspace) -> None:
    names = [f"k-{n}" for n in range(80)]
    with JudgedSubject(workspace) as one:
        for at in range(0, len(names), 20):
            one.response.take([found(name, n) for n, name in enumerate(names[at : at + 20], at)])
            assert len(bound(one, names)) == 10, "before anything is written"
        first = bound(one, names)
        assert [line for line in one.told if "callers are not responded to" in line]
        wait_for(lambda: len({action.scope.id for action in list_actions(workspace)}) >= 14)
        assert bound(one, names) == first
    actions = list_actions(workspace)
    by_itself = [action for action in actions if action.state is ActionState.ACTIVE]
    waiting = [action for action in actions if action.state is ActionState.AWAITING_APPROVAL]
    assert len({action.scope.id for action in by_itself}) == 10
    assert {action.author for action in actions} == {ACTOR}
    assert len({action.scope.id for action in waiting}) >= 4
    assert "waits for an approver" in waiting[0].reason


def test_many_findings_are_taken_quickly(workspace: Workspace) -> None:
    one = JudgedSubject(workspace)
    with Stopwatch() as watch:
        for at in range(0, 1_000, 100):
            one.response.take([found(f"k-{n}", n) for n in range(at, at + 100)])
    assert watch.seconds < 6, "10,000 in a minute"
    assert len(bound(one, [f"k-{n}" for n in range(1_000)])) == 10


def test_what_waits_and_has_not_changed_is_planned_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    one, planned, real = JudgedSubject(workspace), list[int](), response.plan

    def counted(*given: Any, **named: Any) -> Any:
        planned.append(1)
        return real(*given, **named)

    monkeypatch.setattr(response, "plan", counted)
    for n in range(60):
        one.response.take([found(f"k-{n}", n)])
    assert len(planned) <= 2 * 60
    monkeypatch.setattr(response, "PLANNED_ANEW", timedelta())
    one.response.take([found("k-last", 60)])
    assert len(planned) > 2 * 60 - 30, "but not for ever"


def test_a_caller_who_is_bound_by_mistake_is_one_command_to_undo_and_stands_first(workspace: Workspace) -> None:
    with JudgedSubject(workspace) as one:
        one.response.take([found("k-ada"), found("k-eve", 1)])
        wait_for(lambda: len({action.scope.id for action in list_actions(workspace)}) == 2)
        listed = by_doubt(workspace, list_actions(workspace))
        assert listed[0].state is ActionState.ACTIVE
        result = CliRunner().invoke(app, ["respond", "undo", "k-ada", "--workspace", str(workspace.root)])
        assert result.exit_code == 0, result.output
        wait_for(lambda: not one.refuses("k-ada"))
        assert one.refuses("k-eve")
        one.response.take([found("k-ada", 2)])
        assert not one.refuses("k-ada"), "what people undid is left to them"
    assert {action.scope.id for action in list_actions(workspace)} == {"k-eve"}
    with pytest.raises(InputError, match="nothing is done to a caller"):
        undo_for(workspace, "k-ada")


class TestRecentCallers:
    def test_callers_of_the_last_hour_count_and_strangers_do_not(self) -> None:
        recent = RecentCallers([])
        recent.checks_keys = True
        for n in range(20):
            recent.note(exchange(caller=Caller(f"k-{n}", None, "a")), now=100.0 * n)
        recent.note(exchange(caller=Caller("k-401", None, "a"), status=401), now=1_900)
        recent.note(exchange(caller=Caller("k-forged", None, "a", unproven=True), status=404), now=1_900)
        recent.note(exchange(caller=Caller(None, None, "10.0.0.9")), now=1_900)
        recent.note(exchange(caller=Caller(None, None, None)), now=1_900)
        assert recent.count(now=1_901) == 21
        assert recent.count(now=4_550) == 11
        recent.note(exchange(caller=Caller("k-19", None, "a")), now=9_000)
        assert recent.count(now=9_001) == 1
        assert len(recent._last) == 1

    def test_they_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert MOST >= 100_000
        monkeypatch.setattr("caponier.app.guard.callers.MOST", 5)
        recent = RecentCallers([])
        for n in range(50):
            recent.note(exchange(caller=Caller(None, None, f"10.0.0.{n}")), now=1.0)
        assert recent.count(now=2.0) == 5

    def test_names_count_only_for_models_that_turn_keys_away(self) -> None:
        recent, keyed = RecentCallers(["open", "keyed"]), Call("predict", "keyed")

        def ask_under_many_names(call: Call) -> int:
            for n in range(100):
                recent.note(exchange(call=call, caller=Caller(f"k-{call.model}-{n}", None, "10.0.0.1")), now=1.0)
            return recent.count(now=2.0)

        assert ask_under_many_names(Call("predict", "open")) == 1
        for call, name in ((Call("metadata", "open"), "k-1"), (keyed, None)):
            recent.note(exchange(call=call, caller=Caller(name, None, "10.0.0.1"), status=401), now=1.0)
        assert ask_under_many_names(keyed) == 1, "neither who shows no key tells whether keys are looked at"
        recent.note(exchange(call=keyed, caller=Caller("k-wrong", None, "10.0.0.1"), status=401), now=1.0)
        assert ask_under_many_names(Call("predict", "open")) == 1
        assert ask_under_many_names(keyed) == 101

    def test_models_that_nobody_knows_keep_no_known_one_from_counting(self) -> None:
        recent = RecentCallers(["m"])
        for model in (*(f"made-up-{n}" for n in range(2_000)), "m"):
            recent.note(exchange(call=Call("predict", model), caller=Caller("k", None, "a"), status=401), now=1.0)
        for n in range(20):
            recent.note(exchange(call=Call("predict", "m"), caller=Caller(f"k-{n}", None, "a")), now=1.0)
        assert recent.count(now=2.0) == 20

    @pytest.mark.parametrize(("asks", "counted"), [(False, 1), (None, 1), (True, 100)])
    def test_names_count_where_the_server_turned_a_made_up_key_away(
        self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, asks: bool | None, counted: int
    ) -> None:
        monkeypatch.setattr(run, "probe", lambda *_: Probed("kserve-v2", asks))
        guard = Guard(workspace, GuardSettings(upstream="http://127.0.0.1:9", spool=False))
        guard.start()
        for n in range(100):
            guard.work.callers.note(exchange(caller=Caller(f"k-{n}", None, "10.0.0.1")))
        assert guard.work.callers.count() == counted
        guard.close()
