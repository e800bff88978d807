"""Response actions in the store: every change of state is one audit row, and counts the revision up."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update
from sqlalchemy.dialects import postgresql, sqlite

from caponier.records.response_action import ActionState, ResponseAction
from caponier.store import audit
from caponier.store.tables import response_actions, response_revision

LIVE = (ActionState.ACTIVE, ActionState.AWAITING_APPROVAL)


@dataclass(frozen=True, slots=True)
class ActiveActions:
    """What is in force."""

    revision: int
    """Grows with every change of any action: what was read at the same number is still true, but for expiry."""
    actions: tuple[ResponseAction, ...]


def add(connection: Connection, action: ResponseAction, actor: str) -> bool:
    """Write an action that was applied, and its audit row.

    Args:
        connection: From `Store.write`: both are committed together or not at all.
        action: Active, or awaiting approval.
        actor: Who applied it.

    Returns:
        False, with nothing changed, if the store has an action of this id: somebody else was faster.
    """
    audit.lock(connection)
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(response_actions).values(_row(action)).on_conflict_do_nothing()
    if not list(connection.scalars(statement.returning(response_actions.c.action_id))):
        return False
    name = "action.applied" if action.state is ActionState.ACTIVE else "action.requested"
    _note(connection, action, actor, name)
    return True


def change(connection: Connection, action: ResponseAction, actor: str, name: str) -> None:
    """Write an action's new state, and its audit row under a name such as `action.approved` or `action.undone`."""
    wanted = response_actions.c.action_id == action.action_id
    connection.execute(update(response_actions).where(wanted).values(_row(action)))
    _note(connection, action, actor, name)


def get(connection: Connection, action_id: str) -> ResponseAction | None:
    """Return one action, or None if there is none with this id."""
    document = connection.scalar(select(response_actions.c.document).where(response_actions.c.action_id == action_id))
    return None if document is None else ResponseAction.from_dict(document)


def search(
    connection: Connection,
    *,
    incident_ids: Iterable[str] | None = None,
    states: Iterable[ActionState] = (),
    since: datetime | None = None,
) -> list[ResponseAction]:
    """Return actions, the last created first.

    Args:
        connection: From `Store.read` or `Store.write`.
        incident_ids: Of these incidents only.
        states: In one of these states only; empty is any.
        since: Created later than that only.
    """
    query = select(response_actions.c.document)
    if incident_ids is not None:
        query = query.where(response_actions.c.incident_id.in_(list(incident_ids)))
    if since is not None:
        query = query.where(response_actions.c.created > since)
    if wanted := [state.value for state in states]:
        query = query.where(response_actions.c.state.in_(wanted))
    return _read(connection, query)


def active(connection: Connection, now: datetime) -> ActiveActions:
    """Return what is in force, with the revision of the state that it was read from.

    What is active has begun: where the clock says that it was not yet planned, it was set back.
    """
    actions = search(connection, states=[ActionState.ACTIVE])
    there = tuple(action for action in actions if action.active_at(max(now, action.created)))
    return ActiveActions(revision(connection), there)


def due(connection: Connection, now: datetime) -> list[ResponseAction]:
    """Return the actions whose time is over but whose state does not say so yet."""
    over = response_actions.c.expires <= now
    live = response_actions.c.state.in_([state.value for state in LIVE])
    return _read(connection, select(response_actions.c.document).where(over, live))


def revision(connection: Connection) -> int:
    """Return the number that every change counts up."""
    return connection.scalar(select(response_revision.c.revision)) or 0


def _read(connection: Connection, query: Select[Any]) -> list[ResponseAction]:
    ordered = query.order_by(response_actions.c.created.desc(), response_actions.c.action_id)
    rows: Iterable[Row[Any]] = connection.execute(ordered)
    return [ResponseAction.from_dict(row.document) for row in rows]


def _note(connection: Connection, action: ResponseAction, actor: str, name: str) -> None:
    connection.execute(update(response_revision).values(revision=response_revision.c.revision + 1))
    details = {
        "incident": action.incident_id,
        "kind": action.kind.value,
        "scope": {"kind": action.scope.kind, "id": action.scope.id}
        | ({"sender": action.scope.sender} if action.scope.sender else {}),
        "model": action.model,
        "state": action.state.value,
        "author": action.author,
        "approver": action.approver,
        "expires": action.expires.isoformat(),
    }
    audit.append(connection, actor, name, action.action_id, details)


def _row(action: ResponseAction) -> dict[str, Any]:
    if action.created.tzinfo is None or action.expires.tzinfo is None:
        raise ValueError(f"a time of response action {action.action_id} has no time zone")
    return {
        "action_id": action.action_id,
        "incident_id": action.incident_id,
        "kind": action.kind.value,
        "state": action.state.value,
        "created": action.created,
        "expires": action.expires,
        "document": action.to_dict(),
    }
