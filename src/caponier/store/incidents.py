"""Incidents in the store: opened, grown, merged and moved on, each with one audit row."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from caponier.matrix.case_study import Strategy
from caponier.records.finding import Finding, Severity
from caponier.records.incident import Incident, Stage
from caponier.store import audit
from caponier.store.batches import in_batches
from caponier.store.context import assign
from caponier.store.tables import findings, incident_findings, incident_merges, incidents


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents to list; what is left out does not matter."""

    stages: tuple[Stage, ...] = ()
    severity: Severity | None = None
    """Only this severity or higher."""
    strategy: Strategy | None = None
    owner: str | None = None
    since: datetime | None = None
    """Active at this moment or later."""
    limit: int | None = None


def write(connection: Connection, incident: Incident, before: Incident | None, actor: str) -> str | None:
    """Write an incident that correlation opened, let grow or reopened, and one audit row, unless nothing changed.

    Args:
        connection: From `Store.write`: both are committed together or not at all.
        incident: As it is now.
        before: As it is in the store, or None if it is new.
        actor: For the audit log.

    Returns:
        The action in the audit log, or None if nothing changed.
    """
    if incident == before:
        return None
    added = sorted(set(incident.finding_ids) - set(before.finding_ids if before else ()))
    details: dict[str, Any] = {
        "stage": incident.stage.value,
        "strategy": incident.strategy.value,
        "severity": incident.severity.value,
        "findings": len(incident.finding_ids),
        "added": added[:20],
    }
    action = "incident.opened" if before is None else "incident.grown"
    if before is not None and before.stage is not incident.stage:
        action, details = "incident.stage", {**details, "from": before.stage.value, "why": "new findings"}
    _put(connection, incident, new=before is None)
    _own_findings(connection, incident)
    assign(
        connection,
        incident.incident_id,
        [id_ for step in incident.steps if not step.finding_id for id_ in step.event_ids],
    )
    audit.append(connection, actor, action, incident.incident_id, details)
    return action


def merge(connection: Connection, merged_id: str, into: str, actor: str) -> None:
    """Take an incident out of the list that is a part of another one, keep where it went, and note it."""
    connection.execute(delete(incidents).where(incidents.c.incident_id == merged_id))
    # What had been merged into this one follows it.
    followers = update(incident_merges).where(incident_merges.c.incident_id == merged_id)
    connection.execute(followers.values(incident_id=into))
    connection.execute(insert(incident_merges).values(merged_id=merged_id, incident_id=into))
    audit.append(connection, actor, "incident.merged", merged_id, {"into": into})


def change(connection: Connection, incident: Incident, actor: str, action: str, details: dict[str, Any]) -> None:
    """Write what somebody changed of an incident (owner, note, stage), and its audit row."""
    _put(connection, incident, new=False)
    audit.append(connection, actor, action, incident.incident_id, details)


def get(connection: Connection, incident_id: str) -> Incident | None:
    """Return an incident, or the one that it was merged into, or None if there is none with this id."""
    into = select(incident_merges.c.incident_id).where(incident_merges.c.merged_id == incident_id)
    wanted = incidents.c.incident_id == (connection.scalar(into) or incident_id)
    document = connection.scalar(select(incidents.c.document).where(wanted))
    return None if document is None else Incident.from_dict(document)


def search(connection: Connection, wanted: IncidentFilter) -> list[Incident]:
    """Return the incidents that pass a filter, the last active first."""
    query = (
        select(incidents.c.document)
        .where(*_conditions(wanted))
        .order_by(incidents.c.last_time.desc(), incidents.c.incident_id)
        .limit(wanted.limit)
    )
    return [Incident.from_dict(document) for document in connection.scalars(query)]


def findings_of(connection: Connection, incident_ids: Sequence[str]) -> list[Finding]:
    """Return the findings of incidents, in order of their first event."""
    found: list[Finding] = []
    for batch in in_batches(incident_ids):
        query = (
            select(findings.c.document)
            .join(incident_findings, incident_findings.c.finding_id == findings.c.finding_id)
            .where(incident_findings.c.incident_id.in_(batch))
        )
        found += [Finding.from_dict(document) for document in connection.scalars(query)]
    return sorted(found, key=lambda finding: (finding.first_time, finding.finding_id))


def holding(connection: Connection, finding_ids: Sequence[str]) -> list[str]:
    """Return the ids of the incidents that findings belong to, each once."""
    found: list[str] = []
    for batch in in_batches(finding_ids):
        own = incident_findings.c.finding_id.in_(batch)
        found += connection.scalars(select(incident_findings.c.incident_id).where(own).distinct())
    return list(dict.fromkeys(found))


def loose_findings(connection: Connection) -> list[Finding]:
    """Return the findings that are in no incident yet."""
    query = select(findings.c.document).where(_loose())
    return [Finding.from_dict(document) for document in connection.scalars(query)]


def count_loose(connection: Connection) -> int:
    """Return how many findings are in no incident yet."""
    return connection.scalar(select(func.count()).select_from(findings).where(_loose())) or 0


def _loose() -> ColumnElement[bool]:
    # A subquery, not a join: the database stops at the first match.
    return (
        ~select(incident_findings.c.finding_id).where(incident_findings.c.finding_id == findings.c.finding_id).exists()
    )


def _conditions(wanted: IncidentFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.stages:
        yield incidents.c.stage.in_([stage.value for stage in wanted.stages])
    if wanted.severity is not None:
        yield incidents.c.severity.in_([level.value for level in Severity if level.rank >= wanted.severity.rank])
    if wanted.strategy is not None:
        yield incidents.c.strategy == wanted.strategy.value
    if wanted.owner is not None:
        yield incidents.c.owner == wanted.owner
    if wanted.since is not None:
        yield incidents.c.last_time >= wanted.since


def _put(connection: Connection, incident: Incident, *, new: bool) -> None:
    row = {
        "incident_id": incident.incident_id,
        "stage": incident.stage.value,
        "strategy": incident.strategy.value,
        "severity": incident.severity.value,
        "owner": incident.owner,
        "first_time": incident.first_time,
        "last_time": incident.last_time,
        "document": incident.to_dict(),
    }
    if new:
        connection.execute(insert(incidents).values(row))
    else:
        connection.execute(update(incidents).where(incidents.c.incident_id == incident.incident_id).values(row))


def _own_findings(connection: Connection, incident: Incident) -> None:
    for batch in in_batches(incident.finding_ids):
        connection.execute(delete(incident_findings).where(incident_findings.c.finding_id.in_(batch)))
        rows = [{"finding_id": id_, "incident_id": incident.incident_id} for id_ in batch]
        connection.execute(insert(incident_findings), rows)


def ids_of(incident: Incident) -> tuple[str, ...]:
    """Return the ids by which an incident was ever known."""
    return (incident.incident_id, *incident.merged)


def all_since(connection: Connection, moment: datetime) -> Iterable[Incident]:
    """Return every incident that was active at a moment or later."""
    return search(connection, IncidentFilter(since=moment))
