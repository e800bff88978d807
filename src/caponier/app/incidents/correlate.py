"""Join what a workspace has found into incidents."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network

from sqlalchemy import Connection

from caponier.app.workspace.workspace import acting_user
from caponier.records.context import ContextEvent
from caponier.records.finding import Finding
from caponier.records.incident import Incident
from caponier.records.inventory import Workspace
from caponier.respond.actors import Actors
from caponier.respond.correlate import correlate
from caponier.respond.settings import RespondSettings, read_settings
from caponier.store import audit, context, estate, findings, incidents
from caponier.store.database import open_store
from caponier.store.findings import Upserted


@dataclass(frozen=True, slots=True)
class CorrelationReport:
    """What a correlation changed."""

    opened: tuple[Incident, ...] = ()
    changed: tuple[Incident, ...] = ()
    """Grown, reopened, or joined by context."""
    merged: tuple[tuple[str, str], ...] = ()
    """Id of an incident that turned out to be a part of another, and the id of that."""


def settings_of(workspace: Workspace) -> RespondSettings:
    """Read the section `[respond]` of a workspace.

    Raises:
        InputError: If a key of it is unknown, or a value cannot be meant.
    """
    settings = read_settings(workspace.respond, str(workspace.file))
    # Behind the organisation's own gateways and its partners' are many people.
    several = (*settings.shared_addresses, *workspace.inside.addresses, *workspace.inside.partners)
    return settings.model_copy(update={"shared_addresses": several})


def record_context(workspace: Workspace, events: Iterable[ContextEvent], *, actor: str | None = None) -> Upserted:
    """Keep silent context, and note it in the audit log; what is known already stays as it is.

    Args:
        workspace: Whose store it is.
        events: Matches on no ML asset, from a scan of security logs.
        actor: Who read the logs; the user who runs this program by default.
    """
    with open_store(workspace.store) as store, store.write() as connection:
        return context.upsert(connection, events, actor or acting_user())


def correlate_findings(
    workspace: Workspace, *, grown: Sequence[str] = (), now: datetime | None = None, actor: str | None = None
) -> CorrelationReport:
    """Join findings and context that are in no incident yet into incidents.

    Everything happens in one transaction, so that two programs that correlate at once make the same incidents as one.
    Doing it again changes nothing.

    Args:
        workspace: Whose store and inventory they are.
        grown: Ids of stored findings to which a later log has added events.
        now: When incidents are reopened by it; the present by default.
        actor: For the audit log; the user who runs this program by default.

    Raises:
        InputError: If the section `[respond]` of the workspace file is wrong.
    """
    settings = settings_of(workspace)
    with open_store(workspace.store) as store, store.write() as connection:
        return correlate_within(connection, workspace, settings, grown=grown, now=now, actor=actor)


def correlate_within(
    connection: Connection,
    workspace: Workspace,
    settings: RespondSettings,
    *,
    grown: Sequence[str] = (),
    now: datetime | None = None,
    actor: str | None = None,
) -> CorrelationReport:
    """Do the same within a transaction in which more is written.

    Args:
        connection: From `Store.write`.
        workspace: Whose inventory it is.
        settings: From `settings_of`.
        grown: See `correlate_findings`.
        now: Too.
        actor: Too.
    """
    learned = tuple(ip_network(address) for address in estate.shared_addresses(connection))
    settings = settings.model_copy(update={"shared_addresses": (*settings.shared_addresses, *learned)})
    # First of all, or two writers could wait for each other for ever.
    audit.lock(connection)
    loose = incidents.loose_findings(connection)
    waiting = context.earliest_waiting(connection)
    larger = [finding for id_ in grown if (finding := findings.get(connection, id_))]
    moments = [finding.first_time for finding in (*loose, *larger)] + ([waiting] if waiting else [])
    if not moments:
        return CorrelationReport()
    # Context may stand a gap before a finding, and a gap after an incident that it belongs to; and an actor who
    # left something behind comes back after a longer silence.
    since = min(moments) - max(2 * settings.gap, settings.gap + settings.foothold)
    stored = list(incidents.all_since(connection, since))
    found = [*loose, *incidents.findings_of(connection, [incident.incident_id for incident in stored])]
    related = _context(connection, found, stored, workspace, settings)
    result = correlate(found, related, stored, workspace, settings, now or datetime.now(UTC))
    context.consider_all(connection)
    return _written(connection, result.incidents, result.merged, stored, actor or acting_user())


def _context(
    connection: Connection,
    found: Sequence[Finding],
    stored: Sequence[Incident],
    workspace: Workspace,
    settings: RespondSettings,
) -> list[ContextEvent]:
    """Return the context of the actors of some findings."""
    if not found:
        return []
    actors = Actors(workspace.identities, settings)
    names: dict[str, set[str]] = defaultdict(set)
    for finding in found:
        for name in (member for seed in actors.named_by(finding) for member in actors.members(seed)):
            kind, _, id_ = name.partition(":")
            names[kind].add(id_)
    known = {kind: sorted(names[kind]) for kind in ("account", "host", "address")}
    since = min(finding.first_time for finding in found) - settings.gap
    until = max(finding.last_time for finding in found) + settings.gap
    return context.of_actors(connection, known, since, until, [incident.incident_id for incident in stored])


def _written(
    connection: Connection,
    result: Iterable[Incident],
    merged: dict[str, str],
    stored: Sequence[Incident],
    actor: str,
) -> CorrelationReport:
    before = {incident.incident_id: incident for incident in stored}
    opened: list[Incident] = []
    changed: list[Incident] = []
    for gone, into in merged.items():
        incidents.merge(connection, gone, into, actor)
    for incident in result:
        known = before.get(incident.incident_id)
        if incidents.write(connection, incident, known, actor):
            (changed if known else opened).append(incident)
    return CorrelationReport(tuple(opened), tuple(changed), tuple(merged.items()))
