"""What scans of security logs leave to the next one: habits of an estate, and events that correlations wait for."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from caponier.store import audit
from caponier.store.batches import in_batches
from caponier.store.tables import habits
from caponier.store.tables import waiting_events as _events


def habits_of(connection: Connection) -> Sequence[Row[Any]]:
    """Return what is known, with `kind`, `who`, `what` and `days`."""
    return connection.execute(select(habits)).all()


def shared_addresses(connection: Connection) -> list[str]:
    """Return the addresses that were learned to be the estate's own: behind them are many people."""
    rows = connection.execute(select(habits.c.who).where(habits.c.kind == "shared"))
    return [row.who for row in rows]


def waiting_events(connection: Connection) -> list[tuple[int, str, list[Any]]]:
    """Return time (microseconds), id and document of the events that correlations wait for, in order of time."""
    rows = connection.execute(select(_events).order_by(_events.c.time, _events.c.event_id))
    return [(row.time, row.event_id, row.document) for row in rows]


def write(
    connection: Connection,
    learned: Iterable[tuple[str, str, str, list[int]]],
    waiting: Iterable[tuple[int, str, list[Any]]],
    actor: str,
) -> None:
    """Keep habits, each with all its days, and put other waiting events in the place of those that are there.

    Args:
        connection: From `Store.write`: all of it and the audit row are committed together or not at all.
        learned: `kind`, `who`, `what` and `days` of what is new or has more days.
        waiting: Time (microseconds), id and document.
        actor: Who read the logs, for the audit log.
    """
    audit.lock(connection)
    count = 0
    dialect = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    for batch in in_batches(learned):
        written = dialect(habits)
        changed = written.on_conflict_do_update(
            index_elements=[habits.c.kind, habits.c.who, habits.c.what], set_={"days": written.excluded.days}
        )
        connection.execute(changed, [dict(zip(("kind", "who", "what", "days"), row, strict=True)) for row in batch])
        count += len(batch)
    connection.execute(delete(_events))
    for rows in in_batches(waiting):
        documents = [{"time": time, "event_id": id_, "document": document} for time, id_, document in rows]
        connection.execute(insert(_events), documents)
    if count:
        audit.append(connection, actor, "habits.learned", "habits", {"facts": count})
