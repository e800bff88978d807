"""What `remember` leaves `recall` brings back, whole, once, and apart for each workspace."""

from pathlib import Path

import pytest

from caponier.app.scan.memory import SHARED, Memory, recall, remember
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.detect.habits.past import ADDRESS, HERE, Fact, Past
from caponier.detect.log import Waiting
from caponier.records.inventory import Workspace
from caponier.store import audit, estate
from caponier.store.database import open_store

NAT = "84.10.20.30"
FACT = Fact(HERE, "ada", "")


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    return require_workspace(tmp_path)


def grown(facts: dict[Fact, set[int]], begun: Past | None = None) -> Past:
    known = begun or Past()
    for fact, days in facts.items():
        for day in days:
            known.add(fact, day)
    return known


def all_of(past: Past) -> dict[Fact, list[int]]:
    """Everything that is known, which a fresh memory says when it is told the same."""
    return {fact: sorted(days) for fact, days in past._days.items()}


def actions(home: Workspace) -> list[tuple[str, str]]:
    with open_store(home.store) as store, store.read() as connection:
        return [(row.actor, row.action) for row in audit.rows(connection)]


def test_a_new_workspace_remembers_nothing(home: Workspace) -> None:
    found = recall(home)
    assert all_of(found.past) == {}
    assert found.waiting == []


def test_facts_and_waiting_events_come_back_as_they_were(home: Workspace) -> None:
    facts = {FACT: {1, 9}, Fact("act", "bøb", "sigma:x host of 'v\"'"): {3}}
    waiting = [Waiting(2, "e-2", ["rule", {"deep": [1, None, "ü"]}]), Waiting(7, "e-1", [])]
    remember(home, Memory(grown(facts), waiting), actor="eva")
    found = recall(home)
    assert all_of(found.past) == {fact: sorted(days) for fact, days in facts.items()}
    assert found.waiting == waiting


def test_days_are_added_to_and_waiting_events_are_put_in_the_place_of_others(home: Workspace) -> None:
    remember(home, Memory(grown({FACT: {1}}), [Waiting(1, "e-1", [])]), actor="eva")
    second = recall(home)
    grown({FACT: {5}}, second.past)
    remember(home, Memory(second.past, [Waiting(9, "e-9", ["later"])]), actor="eva")
    assert all_of(recall(home).past) == {FACT: [1, 5]}
    assert recall(home).waiting == [Waiting(9, "e-9", ["later"])]


def test_waiting_events_come_in_order_of_time(home: Workspace) -> None:
    events = [Waiting(5, "b", []), Waiting(1, "z", []), Waiting(5, "a", [])]
    remember(home, Memory(waiting=events), actor="eva")
    assert recall(home).waiting == sorted(events, key=lambda one: (one.time, one.event_id))


def test_addresses_of_the_estate_are_kept_for_those_who_join_actors_and_are_no_facts(home: Workspace) -> None:
    facts = {Fact(ADDRESS, who, NAT): {1, 9, 20} for who in ("ada", "bob", "eva")}
    remember(home, Memory(grown(facts)), actor="eva")
    with open_store(home.store) as store, store.read() as connection:
        assert estate.shared_addresses(connection) == [NAT]
    found = recall(home).past
    assert SHARED not in {fact.kind for fact in all_of(found)}
    assert found.own_address(NAT)


def test_remembering_again_leaves_the_same(home: Workspace) -> None:
    facts = {Fact(ADDRESS, who, NAT): {1, 9, 20} for who in ("ada", "bob", "eva")}
    memory = Memory(grown(facts), [Waiting(1, "e-1", ["x"])])
    for _ in range(3):
        remember(home, memory, actor="eva")
        assert all_of(recall(home).past) == {fact: sorted(days) for fact, days in facts.items()}
        assert recall(home).waiting == [Waiting(1, "e-1", ["x"])]
    with open_store(home.store) as store, store.read() as connection:
        assert estate.shared_addresses(connection) == [NAT]


def test_the_audit_log_names_who_read_the_logs(home: Workspace) -> None:
    before = actions(home)
    remember(home, Memory(grown({FACT: {1}})), actor="eva")
    (added,) = set(actions(home)) - set(before)
    assert added[0] == "eva"
    with open_store(home.store) as store, store.read() as connection:
        assert audit.verify(connection).ok


def test_thousands_of_facts_are_kept(home: Workspace) -> None:
    facts = {Fact(HERE, f"u{number}", ""): {number % 30, 40} for number in range(3_000)}
    remember(home, Memory(grown(facts)), actor="eva")
    assert len(all_of(recall(home).past)) == 3_000


def test_workspaces_remember_apart(home: Workspace, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    create_workspace(tmp_path / "other")
    remember(home, Memory(grown({FACT: {1}})), actor="eva")
    assert all_of(recall(require_workspace(tmp_path / "other")).past) == {}
