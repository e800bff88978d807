"""Nobody stays answered by names that he has kept for long, by paths that name no model, or by networks of his own."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from app.guard.storms.test_made_up_names import ASK, BAD, HOME, KEYED, OFFICE, Site
from app.guard.test_response import found
from caponier.app.guard import made_up_names
from caponier.app.guard.callers import RecentCallers
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.guard.call import Call
from caponier.guard.exchange import Caller
from caponier.records.finding import Finding, SubjectRef
from caponier.records.inventory import Workspace
from guard.test_spooled import exchange

ELSEWHERE = Call("predict", None)
"""A query on a path that does not say which model it is to."""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    return require_workspace(tmp_path)


def kept_for_long(one: Site, names: list[str], place: str) -> None:
    """Have names come from an address that have done so for longer than is asked for."""
    since = time.monotonic() - made_up_names.LONG_S - 1
    for name in names:
        one.callers.names.note(name, place, since)


def test_names_that_were_kept_for_long_hide_nobody_who_attacks_under_them(workspace: Workspace) -> None:
    one, names = Site(workspace), [f"aged-{n}" for n in range(60)]
    kept_for_long(one, [*names, "k-honest"], BAD)
    for n, name in enumerate(names):
        one.attack(name, BAD, n)
    assert not [name for name in names if one.ask(name, BAD)], "each of them was found out"
    assert one.ask("k-honest", BAD), "who has long come from there, and did nothing"
    assert one.attack("k-real", HOME, 900)
    assert not one.ask("k-real", HOME)


def test_who_was_let_go_keeps_what_his_long_coming_is_worth(workspace: Workspace) -> None:
    one = Site(workspace)
    kept_for_long(one, ["k-ada"], OFFICE)
    one.attack("k-ada", OFFICE)
    one.callers.names.pardon(SubjectRef("principal", "k-ada"))
    for n in range(12):
        one.attack(f"made-up-{n}", OFFICE, 1 + n)
    assert not one.ask("made-up-anew", OFFICE)
    assert not one.callers.names.are_nothing(Caller("k-ada", None, OFFICE), ASK)
    one.response.take([found("k-ada", 900)])
    assert not one.callers.names.are_nothing(Caller("k-ada", None, OFFICE), ASK), "that is for people"


def test_whoever_was_found_out_counts_as_new_for_an_hour_and_no_longer(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Site(workspace)
    kept_for_long(one, ["k-ada"], OFFICE)
    one.attack("k-ada", OFFICE)
    assert one.callers.names.are_nothing(Caller("k-ada", None, OFFICE), ASK)
    later = time.monotonic() + made_up_names.LONG_S + 1
    monkeypatch.setattr("caponier.app.guard.made_up_names.time.monotonic", lambda: later)
    assert not one.callers.names.are_nothing(Caller("k-ada", None, OFFICE), ASK)


def test_a_path_that_names_no_model_leads_around_no_bound_address(workspace: Workspace) -> None:
    one = Site(workspace)
    for n in range(12):
        one.attack(f"made-up-{n}", BAD, n)
    assert not one.ask("made-up-anew", BAD)
    assert not one.ask("made-up-anew", BAD, ELSEWHERE)
    assert not one.ask(None, BAD, ELSEWHERE)
    # One whom a model server has checked is somebody wherever it cannot be told which server it is.
    one.ask("k-wrong", HOME, KEYED, status=401)
    one.ask("k-ada", BAD, KEYED)
    assert one.ask("k-ada", BAD, ELSEWHERE)
    assert not one.ask("k-ada", BAD, ASK), "of a server that checks none"
    assert not one.ask("made-up-anew", BAD, ELSEWHERE)


@pytest.mark.parametrize("named", [True, False])
def test_a_network_of_many_addresses_leaves_room_for_others(workspace: Workspace, named: bool) -> None:
    one = Site(workspace)
    for n in range(40):
        place = f"2001:db8:7:{n:x}::"
        if named:
            one.attack(f"made-up-{n}", place, n)
        else:
            one.ask(None, place)
            one.response.take([found_at(place, n)])
    assert one.attack("k-real", HOME, 900)
    assert not one.ask("k-real", HOME)
    assert one.attack("k-second", OFFICE, 901)
    assert not one.ask("k-second", OFFICE)


def found_at(place: str, n: int) -> Finding:
    return replace(found("x", n), subject=SubjectRef("address", place, sender=f"address:{place}"))


def test_what_is_open_to_all_proves_no_name(workspace: Workspace) -> None:
    recent = RecentCallers(["keyed"])
    recent.note(exchange(call=KEYED, caller=Caller("k-wrong", None, HOME), status=401), now=1.0)
    about = Call("metadata", "keyed")
    for n in range(100):
        recent.note(exchange(call=about, caller=Caller(f"made-up-{n}", None, BAD)), now=1.0)
    assert recent.count(now=2.0) <= 1, "its description is often shown to anybody"
    recent.note(exchange(call=KEYED, caller=Caller("k-ada", None, BAD)), now=1.0)
    assert recent.count(now=2.0) == 1
