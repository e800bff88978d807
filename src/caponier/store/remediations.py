"""Remediations in the store: each is written once, with its row in the audit log."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from caponier.records.remediation import Remediation, RemediationKind
from caponier.store import audit
from caponier.store.tables import remediations


def add(connection: Connection, done: Remediation) -> None:
    """Write a remediation, and note it in the audit log.

    Args:
        connection: From `Store.write`: both are committed together or not at all.
        done: What was repaired, with its figures.

    Raises:
        ValueError: If its time has no time zone, or its details are not JSON.
    """
    if done.created.tzinfo is None:
        raise ValueError(f"the time of remediation {done.remediation_id} has no time zone")
    document = _document(done)
    action = f"remediation.{done.kind.value}"
    # The whole document is hashed into the chain: nobody can improve the figures afterwards without being seen.
    audit.append(connection, done.author, action, done.remediation_id, document)
    row = {
        "remediation_id": done.remediation_id,
        "kind": done.kind.value,
        "incident_id": done.incident_id,
        "created": done.created,
        "document": document,
    }
    connection.execute(insert(remediations), [row])


def search(
    connection: Connection, *, incident_id: str | None = None, kind: RemediationKind | None = None
) -> list[Remediation]:
    """Return remediations, the last one first.

    Args:
        connection: From `Store.read`.
        incident_id: Only for this incident.
        kind: Of this kind only.
    """
    query = select(remediations.c.document).order_by(remediations.c.created.desc(), remediations.c.remediation_id)
    if incident_id is not None:
        query = query.where(remediations.c.incident_id == incident_id)
    if kind is not None:
        query = query.where(remediations.c.kind == kind.value)
    return [_remediation(document) for document in connection.scalars(query)]


def get(connection: Connection, remediation_id: str) -> Remediation | None:
    """Return one remediation, or None if there is none with this id."""
    wanted = remediations.c.remediation_id == remediation_id
    document = connection.scalar(select(remediations.c.document).where(wanted))
    return None if document is None else _remediation(document)


def _document(done: Remediation) -> dict[str, Any]:
    return asdict(done) | {"kind": done.kind.value, "created": done.created.isoformat()}


def _remediation(document: dict[str, Any]) -> Remediation:
    created = datetime.fromisoformat(document["created"])
    return Remediation(**{**document, "kind": RemediationKind(document["kind"]), "created": created})
