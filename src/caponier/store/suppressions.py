"""Suppressions in the store: made with a reason, ended by a day or by hand, and counted as they keep findings back."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from caponier.records.suppression import Suppression
from caponier.store import audit
from caponier.store.tables import suppressions


def add(connection: Connection, made: Suppression) -> None:
    """Keep a suppression and note it in the audit log."""
    audit.lock(connection)
    row = {
        "suppression_id": made.suppression_id,
        "created": made.created,
        "expires": made.expires,
        "hits": 0,
        "document": made.to_dict(),
    }
    connection.execute(insert(suppressions).values(**row))
    audit.append(connection, made.author, "findings.suppressed", made.suppression_id, made.to_dict())


def live(connection: Connection, now: datetime) -> list[Suppression]:
    """Return those that hold now, the oldest first."""
    query = select(suppressions.c.document).where(suppressions.c.expires > now).order_by(suppressions.c.created)
    return [Suppression.from_dict(document) for document in connection.scalars(query)]


def all_with_hits(connection: Connection) -> list[tuple[Suppression, int]]:
    """Return every one, also those that are over, and how many findings each kept back; the newest first."""
    query = select(suppressions.c.document, suppressions.c.hits).order_by(suppressions.c.created.desc())
    return [(Suppression.from_dict(document), hits) for document, hits in connection.execute(query)]


def count(connection: Connection, hits: Mapping[str, int], actor: str) -> None:
    """Count the findings that were kept back by each, and note it in the audit log."""
    audit.lock(connection)
    for id_, number in hits.items():
        counted = update(suppressions).where(suppressions.c.suppression_id == id_)
        connection.execute(counted.values(hits=suppressions.c.hits + number))
    audit.append(connection, actor, "findings.kept_back", "suppressions", dict(hits))


def end(connection: Connection, id_: str, now: datetime, actor: str) -> bool:
    """End a suppression and note it in the audit log; return whether there was one that held."""
    audit.lock(connection)
    found = connection.scalar(
        select(suppressions.c.document).where(suppressions.c.suppression_id == id_, suppressions.c.expires > now)
    )
    if found is None:
        return False
    document = {**found, "expires": now.isoformat()}
    ended = update(suppressions).where(suppressions.c.suppression_id == id_)
    connection.execute(ended.values(expires=now, document=document))
    audit.append(connection, actor, "findings.unsuppressed", id_, {})
    return True
