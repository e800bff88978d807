"""Whoever makes up names where none is checked uses up nothing that is there for others, and is bound himself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.guard.test_response import found
from caponier.app.guard import made_up_names
from caponier.app.guard.callers import RecentCallers
from caponier.app.guard.failures import Failures
from caponier.app.guard.response import GuardResponse
from caponier.app.respond.respond import list_actions, undo_for
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.guard.call import Call
from caponier.guard.decisions import Decisions
from caponier.guard.exchange import Caller
from caponier.guard.metrics import Metrics
from caponier.guard.verdict import REFUSE
from caponier.records.inventory import Workspace
from caponier.records.response_action import ActionState, everybody_at
from guard.test_spooled import exchange
from pace import wait_for

ASK = Call("predict", "digits")
KEYED = Call("predict", "keyed")
BAD, WORSE, OFFICE, HOME = "203.0.113.1", "203.0.113.2", "198.51.100.7", "192.0.2.5"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    return require_workspace(tmp_path)


class Site:
    """A response and decisions with the callers that they go by."""

    def __init__(self, workspace: Workspace, is_shared: Callable[[str], bool] = lambda _: False) -> None:
        self.callers, self.told = RecentCallers(["digits", "keyed"], is_shared), list[str]()
        self.decisions = Decisions(nameless=self.callers.names.are_nothing)
        failed = Failures(Metrics(), self.told.append)
        self.response = GuardResponse(
            workspace, self.decisions, self.told.append, failed, enforce=True, callers=self.callers.count,
            origins=self.callers.names,
        )  # fmt: skip

    def ask(self, name: str | None, place: str, call: Call = ASK, *, status: int = 200, proven: bool = False) -> bool:
        """Ask, and return whether that is answered."""
        caller = Caller(name, None, place, proven=proven)
        passed = self.decisions(caller, call, lambda: 1) is not REFUSE
        self.callers.note(exchange(call=call, caller=caller, status=status if passed else 429))
        return passed

    def attack(self, name: str, place: str, n: int = 0, *, proven: bool = False) -> bool:
        """Attack under a name; return whether it was answered before it was found out."""
        passed = self.ask(name, place, proven=proven)
        # Detection looks at what was refused, too.
        self.response.take([found(name, n)])
        return passed


@contextmanager
def standing(workspace: Workspace, **settings: Callable[[str], bool]) -> Iterator[Site]:
    one = Site(workspace, **settings)
    one.response.start()
    try:
        yield one
    finally:
        one.response.close()


def test_two_addresses_of_two_hundred_names_keep_no_answer_from_others(workspace: Workspace) -> None:
    one = Site(workspace)
    passed = sum(one.attack(f"made-up-{n}", (BAD, WORSE)[n % 2], n) for n in range(200))
    assert passed <= 10, "from then on the addresses are bound"
    assert not one.ask("made-up-anew", BAD)
    assert not one.ask(None, WORSE), "nor does it help to name oneself not at all"
    assert one.attack("k-real", HOME, 900)
    assert not one.ask("k-real", HOME)
    assert one.attack("k-second", OFFICE, 901)
    assert not one.ask("k-second", OFFICE)
    assert one.ask("k-honest", OFFICE), "who shares an address with one of them"


def test_the_store_goes_by_the_same_and_says_why(workspace: Workspace) -> None:
    with standing(workspace) as one:
        for n in range(40):
            one.attack(f"made-up-{n}", (BAD, WORSE)[n % 2], n)
        one.attack("k-real", HOME, 900)
        active = wait_for(
            lambda: (
                got := {a.scope for a in list_actions(workspace) if a.state is ActionState.ACTIVE},
                {everybody_at(BAD), everybody_at(WORSE)} < got and "k-real" in {scope.id for scope in got} and got,
            )[1]
        )
        assert len(active) <= 11
        assert not one.ask("k-real", HOME)
    at = [action for action in list_actions(workspace) if action.scope == everybody_at(BAD)]
    assert "binds the address" in at[0].reason
    assert "whose names are new there" in at[0].scope.in_words
    # A guard that comes after it knows none of the names, and goes by what is bound.
    with standing(workspace) as after:
        assert not after.ask("made-up-once-more", BAD)


def test_an_address_that_people_let_go_is_not_bound_again(workspace: Workspace) -> None:
    with standing(workspace) as one:
        for n in range(12):
            one.attack(f"made-up-{n}", BAD, n)
        wait_for(lambda: everybody_at(BAD) in {action.scope for action in list_actions(workspace)})
        assert not one.ask("other", BAD)
        undo_for(workspace, BAD)
        wait_for(lambda: one.ask("other", BAD))
        for n in range(20, 32):
            assert one.attack(f"made-up-{n}", BAD, n)
        assert one.ask("other", BAD)
    assert not [a for a in list_actions(workspace) if a.scope == everybody_at(BAD) and a.state is ActionState.ACTIVE]


def test_who_has_long_come_from_there_goes_on_and_so_do_all_at_a_shared_address(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Site(workspace, is_shared=lambda address: address == OFFICE)
    monkeypatch.setattr(made_up_names, "LONG_S", 0.0)
    assert one.ask("k-old", BAD)
    old = one.callers.names._names[BAD]["k-old"]
    monkeypatch.setattr(made_up_names, "LONG_S", 3_600.0)
    one.callers.names._names[BAD]["k-old"] = old - 3_601
    for n in range(20):
        one.attack(f"made-up-{n}", BAD, n)
        one.attack(f"behind-{n}", OFFICE, 100 + n)
    assert one.ask("k-old", BAD)
    assert not one.ask("k-young", BAD)
    assert one.ask("k-any", OFFICE)
    assert not one.ask("behind-0", OFFICE)
    assert one.attack("k-real", HOME, 900)
    assert not one.ask("k-real", HOME)


def test_a_name_that_was_checked_is_somebody(workspace: Workspace) -> None:
    one = Site(workspace)
    one.ask("k-wrong", HOME, KEYED, status=401)
    for n in range(12):
        one.attack(f"made-up-{n}", BAD, n)
    assert not one.ask("k-ada", BAD)
    assert one.ask("k-ada", BAD, KEYED), "of another model, whose server checks"
    assert one.ask("k-cert", BAD, proven=True)
    for n in range(5):
        assert one.attack(f"k-{n}", BAD, 100 + n, proven=True)
        assert not one.ask(f"k-{n}", BAD, proven=True)


class TestMadeUpNames:
    def test_they_are_bounded_and_nobody_pushes_out_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(made_up_names, "MOST_AT_ONE", 10)
        monkeypatch.setattr(made_up_names, "MOST", 25)
        names = made_up_names.MadeUpNames()
        names.note("k-old", HOME, -10_000.0)
        for n in range(1_000):
            names.note(f"made-up-{n}", BAD)
        assert len(names._names[BAD]) == 10
        assert "k-old" in names._names[HOME]
        for n in range(1_000):
            names.note("same", f"10.0.{n // 250}.{n % 250}")
        assert sum(map(len, names._names.values())) == 25
        for n in range(1_000):
            names.note(f"other-{n}", f"10.1.{n // 250}.{n % 250}")
        assert len(names._places) == sum(map(len, names._names.values())) == 25

    def test_where_an_accused_name_came_from_is_remembered_when_it_is_forgotten(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(made_up_names, "MOST_AT_ONE", 3)
        names = made_up_names.MadeUpNames()
        names.note("first", BAD)
        caller = found("first").subject
        assert names.address_of(caller) == everybody_at(BAD)
        for n in range(9):
            names.note(f"made-up-{n}", BAD)
        assert names.address_of(caller) == everybody_at(BAD)
        assert names.is_new(caller)
        names.prove("first")
        assert names.address_of(caller) is None

    def test_what_was_known_before_a_restart_is_known_after_it(self) -> None:
        recent = RecentCallers(["digits"])
        then = datetime.now(UTC) - timedelta(hours=5)
        recent.known({"principal": "k-old", "source_ip": BAD, "model": "digits", "time": then})
        recent.known({"principal": None, "source_ip": BAD, "model": "digits", "time": then})
        assert not recent.names.are_nothing(Caller("k-old", None, BAD), ASK)
        assert recent.names.are_nothing(Caller("k-new", None, BAD), ASK)
        assert recent.names.are_nothing(Caller("k-old", None, WORSE), ASK)
