"""Move an incident on once what it harmed is repaired, and the repair is proven."""

from typing import Final

from caponier.app.incidents.incidents import advance_incident
from caponier.errors import InputError
from caponier.records.incident import Stage
from caponier.records.inventory import Workspace
from caponier.records.remediation import Remediation
from caponier.store import incidents
from caponier.store.database import open_store

BEFORE: Final = (Stage.OPEN, Stage.CONTAINED)


def require_incident(workspace: Workspace | None, incident_id: str | None) -> None:
    """Make sure that the incident which a repair is to belong to is there, before hours of work.

    Raises:
        InputError: If the workspace has no such incident.
    """
    if workspace is None or incident_id is None:
        return
    with open_store(workspace.store) as store, store.read() as connection:
        if incidents.get(connection, incident_id) is None:
            raise InputError(
                "there is no such incident", where=incident_id, hint="List them with: caponier incidents list"
            )


def repaired_incident(workspace: Workspace | None, done: Remediation) -> Stage | None:
    """Make the incident of a proven remediation `remediated`.

    Returns:
        Its new stage, or None if it stays where it is: there is no such incident, or it is past that.
    """
    if workspace is None or done.incident_id is None:
        return None
    with open_store(workspace.store) as store, store.read() as connection:
        incident = incidents.get(connection, done.incident_id)
    if incident is None or incident.stage not in BEFORE:
        return None
    figures = ", ".join(
        f"{name} {done.before[name]:.4f} before, {done.after[name]:.4f} after"
        for name in sorted(done.after)
        if name in done.before
    )
    reason = f"remediation {done.remediation_id} of {done.subject} is proven: {figures}"
    return advance_incident(workspace, done.incident_id, Stage.REMEDIATED, reason=reason).stage
