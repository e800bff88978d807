"""Findings in the store: written once, searched often."""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from caponier.records.finding import Finding, Severity
from caponier.store import audit
from caponier.store.tables import findings

_BATCH: Final = 1000


class Upserted(NamedTuple):
    """What an upsert found."""

    new: int
    known: int


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """Which findings to list; None leaves a property open."""

    since: datetime | None = None
    """Triggered at this moment or later."""
    until: datetime | None = None
    """Triggered before this moment."""
    severity: Severity | None = None
    """Only this severity or higher."""
    detector: str | None = None
    model: str | None = None
    system: str | None = None
    limit: int | None = None
    offset: int = 0


def upsert(connection: Connection, found: Iterable[Finding], actor: str) -> Upserted:
    """Write findings that the store does not know, and one audit row if there are any.

    A finding is frozen at its trigger: one whose id is known already is left as it is, whatever it says now. So a
    replayed log changes nothing.

    Args:
        connection: From `Store.write`: findings and audit row are committed together or not at all.
        found: The findings, in any order; the same one may come twice.
        actor: Who found them, for the audit log.

    Raises:
        ValueError: If a time of a finding has no time zone.
    """
    # First of all, or two writers that meet the same findings in another order could wait for each other for ever.
    audit.lock(connection)
    now = datetime.now(UTC)
    new: dict[str, dict[str, Any]] = {}
    total = 0
    for batch in _batches(found):
        rows = {finding.finding_id: _row(finding, now) for finding in reversed(batch)}
        inserted = _insert(connection, list(rows.values()))
        new |= {finding_id: rows[finding_id]["document"] for finding_id in inserted}
        total += len(batch)
    if new:
        details = {"new": len(new), "known": total - len(new), "sha256": _digest(new)}
        audit.append(connection, actor, "findings.recorded", "findings", details)
    return Upserted(len(new), total - len(new))


def search(connection: Connection, wanted: FindingFilter) -> list[Finding]:
    """Return the findings that pass a filter, the last triggered first."""
    query = (
        select(findings.c.document)
        .where(*_conditions(wanted))
        .order_by(findings.c.last_time.desc(), findings.c.finding_id)
        .limit(wanted.limit)
        .offset(wanted.offset or None)
    )
    return [Finding.from_dict(document) for document in connection.scalars(query)]


def recorded(
    connection: Connection, since: datetime, known: Collection[str], most: int
) -> list[tuple[datetime, Finding]]:
    """Return findings that were recorded at a moment or later, with when that was, in that order.

    Args:
        connection: From `Store.read`.
        since: The moment.
        known: Ids of those that are left out.
        most: At most so many.
    """
    query = (
        select(findings.c.finding_id, findings.c.first_seen_at)
        .where(findings.c.first_seen_at >= since)
        .order_by(findings.c.first_seen_at, findings.c.finding_id)
    )
    new = [(row.first_seen_at, row.finding_id) for row in connection.execute(query) if row.finding_id not in known]
    return [(at, found) for at, id_ in new[:most] if (found := get(connection, id_)) is not None]


def get(connection: Connection, finding_id: str) -> Finding | None:
    """Return one finding, or None if there is none with this id."""
    document = connection.scalar(select(findings.c.document).where(findings.c.finding_id == finding_id))
    return None if document is None else Finding.from_dict(document)


def _conditions(wanted: FindingFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.since is not None:
        yield findings.c.last_time >= wanted.since
    if wanted.until is not None:
        yield findings.c.last_time < wanted.until
    if wanted.severity is not None:
        yield findings.c.severity.in_([level.value for level in Severity if level.rank >= wanted.severity.rank])
    for name in ("detector", "model", "system"):
        value = getattr(wanted, name)
        if value is not None:
            yield findings.c[name] == value


def _insert(connection: Connection, rows: list[dict[str, Any]]) -> list[str]:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    written = insert(findings).on_conflict_do_nothing(index_elements=[findings.c.finding_id])
    return list(connection.scalars(written.returning(findings.c.finding_id), rows))


def _row(finding: Finding, now: datetime) -> dict[str, Any]:
    if finding.first_time.tzinfo is None or finding.last_time.tzinfo is None:
        raise ValueError(f"a time of finding {finding.finding_id} has no time zone")
    return {
        "finding_id": finding.finding_id,
        "detector": finding.detector,
        "model": finding.model,
        "system": finding.system,
        "severity": finding.severity.value,
        "subject_kind": finding.subject.kind,
        "subject_id": finding.subject.id,
        "first_time": finding.first_time,
        "last_time": finding.last_time,
        "document": finding.to_dict(),
        "first_seen_at": now,
    }


def _digest(documents: dict[str, dict[str, Any]]) -> str:
    # Ties the content of new findings to the audit chain: in the order of their ids, so that it can be computed again.
    whole = hashlib.sha256()
    for finding_id in sorted(documents):
        whole.update(audit.canonical(documents[finding_id]).encode())
    return whole.hexdigest()


def _batches(found: Iterable[Finding]) -> Iterator[list[Finding]]:
    rest = iter(found)
    while batch := list(islice(rest, _BATCH)):
        yield batch
