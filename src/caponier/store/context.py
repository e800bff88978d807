"""Silent context in the store: matches on no ML asset, kept until their actor touches one."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from caponier.records.context import ContextEvent
from caponier.store import audit
from caponier.store.batches import in_batches
from caponier.store.findings import Upserted
from caponier.store.tables import context


def upsert(connection: Connection, events: Iterable[ContextEvent], actor: str) -> Upserted:
    """Write context that the store does not know, and one audit row if there is any.

    Args:
        connection: From `Store.write`: context and audit row are committed together or not at all.
        events: In any order; the same one may come twice.
        actor: Who read the logs, for the audit log.

    Raises:
        ValueError: If a time has no time zone.
    """
    audit.lock(connection)
    new = total = 0
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(context).on_conflict_do_nothing().returning(context.c.event_id)
    for batch in in_batches(events):
        rows = {(event.event_id, event.rule): _row(event) for event in batch}
        new += len(list(connection.scalars(statement, list(rows.values()))))
        total += len(batch)
    if new:
        audit.append(connection, actor, "context.recorded", "context", {"new": new, "known": total - new})
    return Upserted(new, total - new)


def earliest_waiting(connection: Connection) -> datetime | None:
    """Return the time of the first context that no correlation has looked at yet, or None if there is none."""
    moment: datetime | None = connection.scalar(select(func.min(context.c.time)).where(~context.c.considered))
    return moment


def of_actors(
    connection: Connection,
    names: Mapping[str, Iterable[str]],
    since: datetime,
    until: datetime,
    incident_ids: Iterable[str],
) -> list[ContextEvent]:
    """Return the context of some actors.

    Args:
        connection: From `Store.read` or `Store.write`.
        names: Names by `account`, `host` and `address`.
        since: From this moment on.
        until: Up to this moment, included.
        incident_ids: Context that is in another incident than these is left out.
    """
    mine = set(incident_ids)
    found: dict[tuple[str, str], ContextEvent] = {}
    for column, wanted in names.items():
        for batch in in_batches(wanted):
            query = select(context.c.document, context.c.incident_id).where(
                context.c[column].in_(batch), context.c.time >= since, context.c.time <= until
            )
            for document, incident_id in connection.execute(query):
                if incident_id is None or incident_id in mine:
                    event = ContextEvent.from_dict(document)
                    found[event.event_id, event.rule] = event
    return list(found.values())


def assign(connection: Connection, incident_id: str, event_ids: Iterable[str]) -> None:
    """Say which context is in an incident, and no longer in it."""
    connection.execute(update(context).where(context.c.incident_id == incident_id).values(incident_id=None))
    for batch in in_batches(event_ids):
        connection.execute(update(context).where(context.c.event_id.in_(batch)).values(incident_id=incident_id))


def consider_all(connection: Connection) -> None:
    """Say that a correlation has looked at all context there is."""
    connection.execute(update(context).where(~context.c.considered).values(considered=True))


def search(connection: Connection, *, name: str | None = None, limit: int | None = None) -> list[ContextEvent]:
    """Return context, the last first, of one account, host or address if it is given."""
    query = select(context.c.document).order_by(context.c.time.desc(), context.c.event_id).limit(limit)
    if name is not None:
        low = name.lower()
        query = query.where(or_(context.c.account == low, context.c.host == low, context.c.address == name))
    return [ContextEvent.from_dict(document) for document in connection.scalars(query)]


def _row(event: ContextEvent) -> dict[str, Any]:
    if event.time.tzinfo is None:
        raise ValueError(f"the time of context event {event.event_id} has no time zone")
    return {
        "event_id": event.event_id,
        "rule": event.rule,
        "time": event.time,
        "account": _low(event.account),
        "host": _low(event.host),
        "address": event.address,
        "incident_id": None,
        "considered": False,
        "document": event.to_dict(),
    }


def _low(name: str | None) -> str | None:
    return name.strip().lower() if name else None
