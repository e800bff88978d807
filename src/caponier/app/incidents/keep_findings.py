"""Keep what a scan found: findings and context in the store, and at once joined into incidents."""

from collections.abc import Iterable, Sequence

from caponier.app.incidents.correlate import CorrelationReport, correlate_within, settings_of
from caponier.app.workspace.workspace import acting_user
from caponier.records.context import ContextEvent
from caponier.records.finding import Finding
from caponier.records.inventory import Workspace
from caponier.store import context as contexts
from caponier.store import findings
from caponier.store.database import open_store
from caponier.store.grown_findings import grow


def keep_findings(
    workspace: Workspace, found: Iterable[Finding], context: Sequence[ContextEvent] = (), *, actor: str | None = None
) -> CorrelationReport:
    """Record findings and context, and bring the incidents up to date; doing it again changes nothing.

    All of it happens in one transaction: whoever looks at the store sees no finding without its incident.

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
    settings, who = settings_of(workspace), actor or acting_user()
    with open_store(workspace.store) as store, store.write() as connection:
        if context:
            contexts.upsert(connection, context, who)
        rest, grown = grow(connection, found, who)
        findings.upsert(connection, rest, who)
        return correlate_within(connection, workspace, settings, grown=grown, actor=who)
