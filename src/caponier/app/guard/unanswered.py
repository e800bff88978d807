"""Findings that a guard had recorded and not yet answered when it was killed."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from sqlalchemy import Connection

from caponier.records.finding import Finding, SubjectRef
from caponier.records.incident import Stage
from caponier.records.inventory import Workspace
from caponier.records.response_action import ActionState
from caponier.store import findings, incidents, response_actions
from caponier.store.database import open_store
from caponier.store.findings import FindingFilter


def unanswered(workspace: Workspace, found: Sequence[Finding], within: timedelta) -> Iterator[Finding]:
    """Yield findings as the store knows them to which nothing was done, and which nobody has decided about.

    They are recorded, joined and answered one after the other: a kill between two of these leaves them so.

    Args:
        workspace: Whose store it is.
        found: What was found again in events that were looked at before the kill.
        within: As old as a finding may be beside the last of these; older ones are left to people.
    """
    if not found:
        return
    since = max(finding.last_time for finding in found) - within
    wanted = {told(finding) for finding in found}
    with open_store(workspace.store) as store, store.read() as connection:
        known = findings.search(connection, FindingFilter(since=since))
        yield from (one for one in known if told(one) in wanted and not _is_decided(connection, one))


def told(finding: Finding) -> tuple[str, str | None, SubjectRef]:
    """Return what a finding tells: it is found again with another trigger where fewer events are looked at."""
    return finding.detector, finding.model, finding.subject


def _is_decided(connection: Connection, finding: Finding) -> bool:
    holding = incidents.holding(connection, [finding.finding_id])
    stages = [incident.stage for incident in (incidents.get(connection, one) for one in holding) if incident]
    acted = response_actions.search(connection, incident_ids=holding) if holding else []
    return Stage.CLOSED in stages or any(
        action.state is ActionState.UNDONE or action.created >= finding.last_time for action in acted
    )
