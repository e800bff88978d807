"""Findings that a guard had recorded and not yet answered when it was killed."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache, partial

from sqlalchemy import Connection

from caponier.app.incidents.correlate import settings_of
from caponier.app.incidents.incidents import CaseFile, read_case
from caponier.records.finding import Finding, SubjectRef
from caponier.records.incident import Stage
from caponier.records.inventory import Workspace
from caponier.records.response_action import ActionState
from caponier.records.verdict import VerdictKind
from caponier.respond.actors import Actors
from caponier.respond.plan import callers_of
from caponier.store import findings, incidents, verdicts
from caponier.store.database import open_store
from caponier.store.findings import FindingFilter


def unanswered(workspace: Workspace, found: Sequence[Finding], since: datetime) -> Iterator[Finding]:
    """Yield findings as the store knows them to which nothing was done, and which nobody has decided about.

    They are recorded, joined and answered one after the other: a kill between two of these leaves them so.

    Args:
        workspace: Whose store it is.
        found: What was found again in events that were looked at before the kill.
        since: Older findings are left to people.
    """
    if not found:
        return
    wanted = {told(finding) for finding in found}
    actors = Actors(workspace.identities, settings_of(workspace))
    with open_store(workspace.store) as store, store.read() as connection:
        case = cache(partial(read_case, connection))
        for finding in findings.search(connection, FindingFilter(since=since)):
            if told(finding) in wanted and not _is_judged(connection, finding):
                cases = map(case, incidents.holding(connection, [finding.finding_id]))
                if not any(_is_answered(one, finding, actors) for one in cases):
                    yield finding


def told(finding: Finding) -> tuple[str, str | None, SubjectRef]:
    """Return what a finding tells: it is found again with another trigger where fewer events are looked at."""
    return finding.detector, finding.model, finding.subject


def _is_judged(connection: Connection, finding: Finding) -> bool:
    """Tell whether somebody said that nothing is to be done."""
    given = verdicts.get(connection, finding.finding_id)
    return given is not None and given.judgement is not VerdictKind.TRUE


def _is_answered(case: CaseFile, finding: Finding, actors: Actors) -> bool:
    """Tell whether something was done since, was in force already, or was undone: that is for people."""
    bound = set(callers_of(finding, actors))
    return case.incident.stage is Stage.CLOSED or any(
        action.state is ActionState.UNDONE
        or action.created >= finding.last_time
        or (action.expires > finding.last_time and action.scope in bound)
        for action in case.actions
    )
