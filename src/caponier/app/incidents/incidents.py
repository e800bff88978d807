"""List the incidents of a workspace, show one, and move it on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from caponier.app.workspace.workspace import acting_user
from caponier.errors import InputError
from caponier.matrix.case_study import Strategy
from caponier.records.finding import Finding, Severity
from caponier.records.incident import Incident, Note, Stage
from caponier.records.inventory import Workspace
from caponier.records.response_action import ResponseAction
from caponier.respond.actions import as_of
from caponier.respond.stage import advance
from caponier.store import audit, incidents, response_actions
from caponier.store.database import open_store
from caponier.store.incidents import IncidentFilter

Change = Callable[[Incident], Incident]

NOTE_LIMIT = 10_000
"""Characters of one note."""


NAME_LIMIT = 200
"""Characters of an owner's name."""


@dataclass(frozen=True, slots=True)
class CaseFile:
    """All about one incident."""

    incident: Incident
    findings: tuple[Finding, ...]
    """In order of their first event."""
    actions: tuple[ResponseAction, ...]
    """Everything that was ever done about it, the last first."""


def list_incidents(
    workspace: Workspace,
    *,
    stages: tuple[Stage, ...] = (),
    severity: Severity | None = None,
    strategy: Strategy | None = None,
    owner: str | None = None,
    since: datetime | None = None,
    limit: int | None = None,
) -> list[Incident]:
    """Return incidents, the last active first.

    Args:
        workspace: Whose store it is.
        stages: At one of these stages only; empty is any.
        severity: Only this severity or higher.
        strategy: Only this strategy.
        owner: Only those assigned to this person.
        since: Active at this moment or later.
        limit: At most so many.
    """
    wanted = IncidentFilter(stages, severity, strategy, owner, since, limit)
    with open_store(workspace.store) as store, store.read() as connection:
        return incidents.search(connection, wanted)


def incidents_holding(workspace: Workspace, finding_ids: Sequence[str]) -> list[str]:
    """Return the ids of the incidents that findings belong to, each once."""
    with open_store(workspace.store) as store, store.read() as connection:
        return incidents.holding(connection, finding_ids)


def count_loose_findings(workspace: Workspace) -> int:
    """Return how many findings are in no incident yet: they wait for `correlate_findings`."""
    with open_store(workspace.store) as store, store.read() as connection:
        return incidents.count_loose(connection)


def show_incident(workspace: Workspace, incident_id: str, *, now: datetime | None = None) -> CaseFile:
    """Return an incident with its findings and response actions; a merged one by the one that it went into.

    Args:
        workspace: Whose store it is.
        incident_id: Its id.
        now: Actions that have come to their end by then are shown so; the present by default.

    Raises:
        InputError: If there is none with this id.
    """
    with open_store(workspace.store) as store, store.read() as connection:
        case = read_case(connection, incident_id)
    return replace(case, actions=as_of(case.actions, now or datetime.now(UTC)))


def read_case(connection: Connection, incident_id: str) -> CaseFile:
    """Return an incident with its findings and response actions, within the caller's transaction.

    Raises:
        InputError: If there is none with this id.
    """
    incident = _require(connection, incident_id)
    found = incidents.findings_of(connection, [incident.incident_id])
    actions = response_actions.search(connection, incident_ids=incidents.ids_of(incident))
    return CaseFile(incident, tuple(found), tuple(actions))


def assign_incident(workspace: Workspace, incident_id: str, owner: str, *, actor: str | None = None) -> Incident:
    """Assign an incident to a person.

    Raises:
        InputError: If there is none with this id, or the name is empty or too long.
    """
    owner = owner.strip()
    if not 0 < len(owner) <= NAME_LIMIT:
        raise InputError(f"a name has 1 to {NAME_LIMIT} characters", where=incident_id)
    return _changed(
        workspace, incident_id, lambda one: replace(one, owner=owner), actor, "incident.assigned", {"owner": owner}
    )


def note_incident(
    workspace: Workspace, incident_id: str, text: str, *, now: datetime | None = None, actor: str | None = None
) -> Incident:
    """Add a note to an incident.

    Raises:
        InputError: If there is none with this id, or the note is empty or too long.
    """
    note = _note(text, actor, now)
    return _changed(
        workspace,
        incident_id,
        lambda one: replace(one, notes=(*one.notes, note)),
        actor,
        "incident.noted",
        {"text": note.text[:500]},
    )


def advance_incident(
    workspace: Workspace,
    incident_id: str,
    stage: Stage,
    *,
    reason: str | None = None,
    now: datetime | None = None,
    actor: str | None = None,
) -> Incident:
    """Move an incident to another stage.

    Args:
        workspace: Whose incident it is.
        incident_id: Its id.
        stage: Where to; `closed` closes it, `open` reopens it.
        reason: The reason; kept as a note.
        now: When; the present by default.
        actor: Who; the user who runs this program by default.

    Raises:
        InputError: If there is no such incident, or the stage may not follow on the present one.
    """
    moment = now or datetime.now(UTC)
    note = (_note(reason, actor, moment),) if reason is not None else ()

    def moved(one: Incident) -> Incident:
        return replace(advance(one, stage, moment), notes=(*one.notes, *note))

    return _changed(workspace, incident_id, moved, actor, "incident.stage", {"to": stage.value, "why": reason})


def _changed(
    workspace: Workspace, incident_id: str, change: Change, actor: str | None, action: str, details: dict[str, Any]
) -> Incident:
    with open_store(workspace.store) as store, store.write() as connection:
        audit.lock(connection)
        before = _require(connection, incident_id)
        after = change(before)
        if before.stage is not after.stage:
            details = {"from": before.stage.value, **details}
        incidents.change(connection, after, actor or acting_user(), action, details)
        return after


def _note(text: str, actor: str | None, now: datetime | None) -> Note:
    if not text.strip():
        raise InputError("the note is empty")
    if len(text) > NOTE_LIMIT:
        raise InputError(f"the note is longer than {NOTE_LIMIT:,} characters")
    return Note(now or datetime.now(UTC), actor or acting_user(), text.strip())


def _require(connection: Connection, incident_id: str) -> Incident:
    found = incidents.get(connection, incident_id)
    if found is None:
        raise InputError("there is no such incident", where=incident_id, hint="List them with: caponier incidents list")
    return found
