"""What analysts say of findings, and what a baseline learns from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from caponier.app.incidents.findings import show_finding
from caponier.app.workspace.workspace import acting_user
from caponier.records.finding import Finding
from caponier.records.inventory import Workspace
from caponier.records.verdict import AnalystVerdict, VerdictKind
from caponier.store import findings, verdicts
from caponier.store.database import open_store


def give_verdict(
    workspace: Workspace, finding_id: str, judgement: VerdictKind, note: str = "", *, actor: str | None = None
) -> AnalystVerdict:
    """Keep an analyst's word on a finding; it takes the place of an earlier one.

    Raises:
        InputError: If there is no such finding.
    """
    show_finding(workspace, finding_id)
    given = AnalystVerdict(finding_id, judgement, actor or acting_user(), datetime.now(UTC), note)
    with open_store(workspace.store) as store, store.write() as connection:
        verdicts.put(connection, given)
    return given


def verdict_on(workspace: Workspace, finding_id: str) -> AnalystVerdict | None:
    """Return the last verdict on a finding, or None if there is none."""
    with open_store(workspace.store) as store, store.read() as connection:
        return verdicts.get(connection, finding_id)


@dataclass(frozen=True)
class Lessons:
    """What verdicts teach a baseline."""

    benign: Mapping[tuple[str, str], Mapping[str, float]] = field(default_factory=dict)
    """By model and detector: the subjects that were called benign, by their name, and the highest score of each."""
    attackers: frozenset[str] = frozenset()
    """Ids of the callers of whom a finding is true, or a test: nothing is learned from them."""


def lessons_of(workspace: Workspace) -> Lessons:
    """Return what the verdicts in a workspace teach."""
    benign: dict[tuple[str, str], dict[str, float]] = {}
    attackers = set()
    with open_store(workspace.store) as store, store.read() as connection:
        for given in verdicts.everything(connection):
            found = findings.get(connection, given.finding_id)
            if found is None or found.model is None:
                continue
            if given.judgement is VerdictKind.BENIGN:
                scores = benign.setdefault((found.model, found.detector), {})
                name = subject_name(found)
                scores[name] = max(scores.get(name, 0.0), found.evidence.value)
            elif given.judgement in (VerdictKind.TRUE, VerdictKind.TEST):
                attackers.add(found.subject.id)
    return Lessons(benign, frozenset(attackers))


def subject_name(finding: Finding) -> str:
    """Name the subject of a finding in one text."""
    return finding.subject.in_words
