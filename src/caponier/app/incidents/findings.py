"""Record findings in a workspace's store, list them and show one."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from caponier.app.workspace.workspace import acting_user
from caponier.errors import InputError
from caponier.records.finding import Finding, Severity
from caponier.records.inventory import Workspace
from caponier.store import findings
from caponier.store.database import open_store
from caponier.store.findings import FindingFilter, Upserted


def record_findings(workspace: Workspace, found: Iterable[Finding], *, actor: str | None = None) -> Upserted:
    """Keep new findings, and note it in the audit log; findings that are known already stay as they are.

    Args:
        workspace: Whose store it is.
        found: The findings of a scan, a stream or an import.
        actor: Who found them; the user who runs this program by default.

    Returns:
        How many were new, and how many were known.
    """
    with open_store(workspace.store) as store, store.write() as connection:
        return findings.upsert(connection, found, actor or acting_user())


def unknown_findings(workspace: Workspace, found: Sequence[Finding]) -> list[Finding]:
    """Return findings that tell nothing that the store knows: by the same detector, of the same subject and model.

    Args:
        workspace: Whose store it is.
        found: Of events that were looked at before.
    """
    if not found:
        return []
    earliest = min(finding.first_time for finding in found)
    with open_store(workspace.store) as store, store.read() as connection:
        known = findings.search(connection, FindingFilter(since=earliest))
    told = {(finding.detector, finding.model, finding.subject) for finding in known}
    return [finding for finding in found if (finding.detector, finding.model, finding.subject) not in told]


def list_findings(
    workspace: Workspace,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    severity: Severity | None = None,
    detector: str | None = None,
    model: str | None = None,
    system: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[Finding]:
    """Return findings, the last triggered first.

    Args:
        workspace: Whose store it is.
        since: Triggered at this moment or later.
        until: Triggered before this moment.
        severity: Only this severity or higher.
        detector: Only from this detector.
        model: About this model only.
        system: About this ML system only.
        limit: At most so many.
        offset: Leave out so many of the last ones.
    """
    wanted = FindingFilter(since, until, severity, detector, model, system, limit, offset)
    with open_store(workspace.store) as store, store.read() as connection:
        return findings.search(connection, wanted)


def show_finding(workspace: Workspace, finding_id: str) -> Finding:
    """Return one finding.

    Raises:
        InputError: If there is none with this id.
    """
    with open_store(workspace.store) as store, store.read() as connection:
        found = findings.get(connection, finding_id)
    if found is None:
        raise InputError("there is no such finding", where=finding_id, hint="List them with: caponier findings list")
    return found
