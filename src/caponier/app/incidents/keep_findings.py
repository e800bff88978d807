"""Keep what a scan found: findings and context in the store, and at once joined into incidents."""

from collections.abc import Iterable, Sequence

from caponier.app.incidents.correlate import CorrelationReport, correlate_findings, record_context
from caponier.app.incidents.findings import record_findings
from caponier.app.workspace.workspace import acting_user
from caponier.records.context import ContextEvent
from caponier.records.finding import Finding
from caponier.records.inventory import Workspace
from caponier.store.database import open_store
from caponier.store.grown_findings import grow


def keep_findings(
    workspace: Workspace, found: Iterable[Finding], context: Sequence[ContextEvent] = (), *, actor: str | None = None
) -> CorrelationReport:
    """Record findings and context, and bring the incidents up to date; doing it again changes nothing.

    Args:
        workspace: Whose store and inventory they are.
        found: The findings of a scan.
        context: Matches on no ML asset, from a scan of security logs.
        actor: For the audit log; the user who runs this program by default.

    Returns:
        The incidents that were opened or changed.

    Raises:
        InputError: If the section `[respond]` of the workspace file is wrong.
    """
    if context:
        record_context(workspace, context, actor=actor)
    with open_store(workspace.store) as store, store.write() as connection:
        rest, grown = grow(connection, found, actor or acting_user())
    record_findings(workspace, rest, actor=actor)
    return correlate_findings(workspace, grown=grown, actor=actor)
