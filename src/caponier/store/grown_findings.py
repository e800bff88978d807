"""Findings over security logs that go on in a later log: one episode stays one finding, with every event of it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, select, update

from caponier.records.finding import Finding
from caponier.store import audit
from caponier.store.tables import findings

QUIET: Final = timedelta(hours=1)
"""Silence that ends an episode, as in a scan."""
_OVER_LOGS: Final = "sigma:"


def grow(connection: Connection, found: Iterable[Finding], actor: str) -> tuple[list[Finding], list[str]]:
    """Make findings a part of stored ones that they go on with.

    Args:
        connection: From `Store.write`: what grows and the audit row are committed together or not at all.
        found: The findings of a scan.
        actor: Who found them, for the audit log.

    Returns:
        The findings that go on with none, and the ids of those in the store that have grown.
    """
    audit.lock(connection)
    rest: list[Finding] = []
    grown: dict[str, None] = {}
    for finding in found:
        known = _known(connection, finding) if finding.detector.startswith(_OVER_LOGS) else None
        if known is None:
            rest.append(finding)
            continue
        whole = _joined(known, finding)
        if whole != known:
            changed = update(findings).where(findings.c.finding_id == known.finding_id)
            values = {"first_time": whole.first_time, "last_time": whole.last_time, "document": whole.to_dict()}
            connection.execute(changed.values(**values))
            grown[known.finding_id] = None
    if grown:
        audit.append(connection, actor, "findings.grown", "findings", {"finding_ids": list(grown)})
    return rest, list(grown)


def _known(connection: Connection, finding: Finding) -> Finding | None:
    """Return the stored finding whose episode a finding belongs to, the one that was last active."""
    query = (
        select(findings.c.document)
        .where(
            findings.c.detector == finding.detector,
            findings.c.subject_kind == finding.subject.kind,
            findings.c.subject_id == finding.subject.id,
            findings.c.last_time >= finding.first_time - QUIET,
            findings.c.first_time <= finding.last_time + QUIET,
        )
        .order_by(findings.c.last_time.desc(), findings.c.finding_id)
    )
    known = [Finding.from_dict(document) for document in connection.scalars(query)]
    same = [one for one in known if one.finding_id == finding.finding_id]
    return next((one for one in (*same, *known) if one.system == finding.system and _same_target(one, finding)), None)


def _same_target(one: Finding, other: Finding) -> bool:
    """Tell whether two findings are about the same; a correlation is about its group, whatever targets that has."""
    if one.finding_id == other.finding_id or one.evidence.statistic != "rule":
        return True
    return bool(set(_listed(one, "targets")) & set(_listed(other, "targets"))) or not _listed(one, "targets")


def _joined(known: Finding, more: Finding) -> Finding:
    ids = dict.fromkeys([*known.event_ids, *more.event_ids])
    if len(ids) == len(known.event_ids):
        return known
    facts: dict[str, Any] = dict(known.evidence.facts)
    for name, value in more.evidence.facts.items():
        if isinstance(value, list | tuple):
            facts[name] = list(dict.fromkeys([*_listed(known, name), *value]))
    facts["matches"] = known.evidence.facts.get("matches", 0) + len(ids) - len(known.event_ids)
    return replace(
        known,
        event_ids=tuple(ids),
        first_time=min(known.first_time, more.first_time),
        last_time=max(known.last_time, more.last_time),
        evidence=replace(known.evidence, facts=facts),
    )


def _listed(finding: Finding, name: str) -> list[Any]:
    value = finding.evidence.facts.get(name)
    return list(value) if isinstance(value, list | tuple) else []
