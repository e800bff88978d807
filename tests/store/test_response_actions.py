from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from caponier.records.response_action import ActionState, ResponseAction
from caponier.respond import actions as states
from caponier.store import audit, response_actions
from caponier.store.database import Store
from respond.made import NOW
from respond.test_actions import action

BLOCK = states.apply(action())
WAITING = states.apply(action(action_id="a-2", needs_approval=True))


def added(store: Store, one: ResponseAction) -> bool:
    with store.write() as connection:
        return response_actions.add(connection, one, "ada")


def changed(store: Store, one: ResponseAction, name: str) -> None:
    with store.write() as connection:
        response_actions.change(connection, one, "ben", name)


def test_every_change_is_one_row_and_counts_up(store: Store) -> None:
    with store.read() as connection:
        assert response_actions.revision(connection) == 0
    assert added(store, BLOCK)
    assert added(store, WAITING)
    approved = states.approve(WAITING, "ben", (), NOW)
    changed(store, approved, "action.approved")
    changed(store, states.undo(approved, NOW), "action.undone")
    changed(store, replace(BLOCK, state=ActionState.EXPIRED), "action.expired")
    with store.read() as connection:
        rows = audit.rows(connection)[::-1]
        assert response_actions.revision(connection) == 5
        assert audit.verify(connection).ok
    assert [(row.actor, row.action) for row in rows] == [
        ("ada", "action.applied"),
        ("ada", "action.requested"),
        ("ben", "action.approved"),
        ("ben", "action.undone"),
        ("ben", "action.expired"),
    ]
    assert rows[2].details["approver"] == "ben"
    assert rows[3].details["state"] == "undone"


def test_what_is_there_is_not_added_again(store: Store) -> None:
    assert added(store, BLOCK)
    assert not added(store, replace(BLOCK, author="eve"))
    with store.read() as connection:
        assert response_actions.get(connection, BLOCK.action_id) == BLOCK
        assert response_actions.revision(connection) == 1
        assert audit.head(connection).count == 1


def test_what_is_in_force_ends_by_itself(store: Store) -> None:
    added(store, BLOCK)
    added(store, WAITING)
    with store.read() as connection:
        now = response_actions.active(connection, NOW)
        assert (now.revision, now.actions) == (2, (BLOCK,))
        assert response_actions.active(connection, BLOCK.expires).actions == ()
        set_back = BLOCK.created - timedelta(hours=1)
        assert response_actions.active(connection, set_back).actions == (BLOCK,), (
            "it has begun, whatever the clock says"
        )
        assert response_actions.due(connection, BLOCK.expires - timedelta(seconds=1)) == []
        assert {one.action_id for one in response_actions.due(connection, BLOCK.expires)} == {BLOCK.action_id, "a-2"}


def test_actions_are_found_by_incident_and_state(store: Store) -> None:
    added(store, BLOCK)
    added(store, replace(WAITING, incident_id="i-2", created=NOW + timedelta(hours=1)))
    with store.read() as connection:
        everything = response_actions.search(connection)
        assert [one.action_id for one in everything] == ["a-2", BLOCK.action_id]
        assert response_actions.search(connection, incident_ids=["i-2"]) == everything[:1]
        assert response_actions.search(connection, incident_ids=[]) == []
        assert response_actions.search(connection, states=[ActionState.ACTIVE]) == [BLOCK]
        assert response_actions.get(connection, "a-none") is None


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        added(store, replace(BLOCK, expires=datetime(2026, 1, 1)))
