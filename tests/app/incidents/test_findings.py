from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from caponier.app.incidents.findings import list_findings, record_findings, show_finding
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.errors import InputError
from caponier.records.finding import Basis, Evidence, Finding, Severity, SubjectRef
from caponier.records.inventory import Workspace
from caponier.store import audit
from caponier.store.database import open_store

START = datetime(2026, 1, 1, tzinfo=UTC)


def finding(number: int, severity: Severity = Severity.HIGH) -> Finding:
    return Finding(
        finding_id=f"f-{number}",
        detector="iterative_query",
        subject=SubjectRef("principal", "k-77"),
        system=None,
        model="digits-mlp",
        model_version=None,
        severity=severity,
        confidence=0.9,
        techniques=(),
        harms=("integrity",),
        first_time=START,
        last_time=START + timedelta(minutes=number),
        trigger_event_id="e-1",
        event_ids=("e-1",),
        unique_queries=8,
        evidence=Evidence("flips", 3.0, 1.0, 0, 0, 200, Basis.COLD_START),
        summary="8 different queries",
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return require_workspace(create_workspace(tmp_path))


def audited(workspace: Workspace) -> list[tuple[str, str]]:
    with open_store(workspace.store) as store, store.read() as connection:
        assert audit.verify(connection).ok
        return [(row.actor, row.action) for row in audit.rows(connection)]


def test_recorded_findings_are_listed_and_audited(workspace: Workspace) -> None:
    new, known = record_findings(workspace, (finding(number) for number in (1, 2)), actor="scan")
    assert (new, known) == (2, 0)
    assert list_findings(workspace) == [finding(2), finding(1)]
    assert audited(workspace)[0] == ("scan", "findings.recorded")


def test_a_replay_is_neither_recorded_nor_audited(workspace: Workspace) -> None:
    record_findings(workspace, [finding(1)])
    before = audited(workspace)
    assert record_findings(workspace, [finding(1)]) == (0, 1)
    assert audited(workspace) == before


def test_the_user_is_the_actor_by_default(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    record_findings(workspace, [finding(1)])
    assert audited(workspace)[0][0] == "ada"


def test_listing_filters(workspace: Workspace) -> None:
    record_findings(workspace, [finding(1), finding(2, Severity.LOW), finding(3)])
    assert list_findings(workspace, severity=Severity.MEDIUM, limit=1) == [finding(3)]
    assert list_findings(workspace, since=START + timedelta(minutes=2), offset=1) == [finding(2, Severity.LOW)]
    assert list_findings(workspace, until=START + timedelta(minutes=2), model="digits-mlp") == [finding(1)]
    assert list_findings(workspace, detector="none") == []
    assert list_findings(workspace, system="none") == []


def test_one_finding_is_shown(workspace: Workspace) -> None:
    record_findings(workspace, [finding(1)])
    assert show_finding(workspace, "f-1") == finding(1)
    with pytest.raises(InputError, match="no such finding") as refused:
        show_finding(workspace, "f-9")
    assert refused.value.where == "f-9"
