"""What one scan of logs leaves to the next: the estate's past, and the events that correlations still wait for."""

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from caponier.app.workspace.workspace import acting_user
from caponier.detect.habits.past import Fact, Past
from caponier.detect.log import Waiting
from caponier.detect.sigma.confidence import RuleConfidence, RuleVerdicts
from caponier.records.inventory import Workspace
from caponier.records.verdict import VerdictKind
from caponier.store import estate, verdicts
from caponier.store.database import open_store

SHARED: Final = "shared"
"""Kind of the addresses that are the estate's own, for those who join actors."""


@dataclass
class Memory:
    """What is carried from scan to scan."""

    past: Past = field(default_factory=Past)
    waiting: list[Waiting] = field(default_factory=list)
    confidence: RuleConfidence = field(default_factory=RuleConfidence)
    """What analysts have said of earlier findings."""


def recall(workspace: Workspace) -> Memory:
    """Return what the scans of a workspace have left."""
    with open_store(workspace.store) as store, store.read() as connection:
        rows = [row for row in estate.habits_of(connection) if row.kind != SHARED]
        facts = [(Fact(row.kind, row.who, row.what), row.days) for row in rows]
        waiting = [Waiting(*row) for row in estate.waiting_events(connection)]
        said = _said(connection)
    return Memory(Past(facts), waiting, RuleConfidence(said))


def _said(connection: Connection) -> dict[str, RuleVerdicts]:
    found: dict[str, RuleVerdicts] = {}
    for detector, judgement in verdicts.by_detector(connection):
        said = found.get(detector, RuleVerdicts())
        found[detector] = RuleVerdicts(
            said.true + (judgement in (VerdictKind.TRUE, VerdictKind.TEST)),
            said.benign + (judgement is VerdictKind.BENIGN),
        )
    return found


def remember(workspace: Workspace, memory: Memory, *, actor: str | None = None) -> None:
    """Keep what a scan leaves, and note it in the audit log; doing it again changes nothing.

    Args:
        workspace: Whose store it is.
        memory: After the scan.
        actor: For the audit log; the user who runs this program by default.
    """
    learned: list[tuple[str, str, str, list[int]]] = [(*fact, days) for fact, days in memory.past.changed()]
    learned += [(SHARED, address, "", []) for address in memory.past.shared_addresses()]
    with open_store(workspace.store) as store, store.write() as connection:
        estate.write(connection, learned, memory.waiting, actor or acting_user())
