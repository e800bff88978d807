from dataclasses import replace
from datetime import datetime

import pytest

from caponier.records.context import ContextEvent
from caponier.store import audit, context
from caponier.store.database import Store
from caponier.store.findings import Upserted
from respond.made import at
from respond.made import context as event


def recorded(store: Store, *events: ContextEvent) -> Upserted:
    with store.write() as connection:
        return context.upsert(connection, events, "test")


def of(store: Store, incident_ids: tuple[str, ...] = (), **names: list[str]) -> list[str]:
    with store.read() as connection:
        found = context.of_actors(connection, names, at(-1), at(10), incident_ids)
    return sorted(one.event_id for one in found)


def test_context_is_kept_once_and_noted(store: Store) -> None:
    assert recorded(store, event(1), event(1), event(2)) == Upserted(2, 1)
    assert recorded(store, event(2)) == Upserted(0, 1)
    with store.read() as connection:
        assert context.search(connection) == [event(1), event(2)]
        (row,) = audit.rows(connection)
    assert (row.action, row.details) == ("context.recorded", {"new": 2, "known": 1})


def test_two_rules_may_match_one_event(store: Store) -> None:
    assert recorded(store, event(1), replace(event(1), rule="sigma:other")) == Upserted(2, 0)


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        recorded(store, replace(event(1), time=datetime(2026, 1, 1)))


def test_it_is_found_by_any_name_of_its_actor(store: Store) -> None:
    recorded(store, event(1, "Ada"), event(2, None, host="Laptop"), event(3, None, host=None, address="10.0.0.9"))
    assert of(store, account=["ada"]) == ["c-1"]
    assert of(store, account=["ada", "bob"], host=["laptop"], address=["10.0.0.9"]) == ["c-1", "c-2", "c-3"]
    assert of(store) == []
    with store.read() as connection:
        assert [one.event_id for one in context.search(connection, name="ADA")] == ["c-1"]


def test_it_is_found_within_its_time_only(store: Store) -> None:
    recorded(store, event(1, days=-1.1), event(2, days=-1), event(3, days=10), event(4, days=10.1))
    assert of(store, account=["ada"]) == ["c-2", "c-3"]


def test_what_is_in_another_incident_is_left_out(store: Store) -> None:
    recorded(store, event(1), event(2))
    with store.write() as connection:
        context.assign(connection, "i-1", ["c-1"])
    assert of(store, account=["ada"]) == ["c-2"]
    assert of(store, ("i-1",), account=["ada"]) == ["c-1", "c-2"]
    with store.write() as connection:
        context.assign(connection, "i-1", [])
    assert of(store, account=["ada"]) == ["c-1", "c-2"]


def test_what_waits_is_known_by_its_earliest(store: Store) -> None:
    with store.read() as connection:
        assert context.earliest_waiting(connection) is None
    recorded(store, event(2, days=2), event(1, days=1))
    with store.write() as connection:
        assert context.earliest_waiting(connection) == at(1)
        context.consider_all(connection)
        assert context.earliest_waiting(connection) is None


def test_many_names_go_in_batches(store: Store) -> None:
    recorded(store, *(event(number, f"user-{number}") for number in range(1200)))
    assert len(of(store, account=[f"user-{number}" for number in range(1200)])) == 1200
