from datetime import UTC, datetime
from pathlib import Path

import pytest

from caponier.app.remediate.repaired_incident import repaired_incident
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.records.inventory import Workspace
from caponier.records.remediation import Remediation, RemediationKind


def done(incident_id: str | None) -> Remediation:
    return Remediation(
        remediation_id="r-1",
        kind=RemediationKind.DATASET,
        incident_id=incident_id,
        subject="train.npz",
        kept="train.npz",
        produced="new.npz",
        measured_on="0" * 64,
        before={"accuracy": 0.9},
        after={"accuracy": 0.95},
        author="ada",
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    workspace = load_workspace(create_workspace(tmp_path / "home"))
    assert workspace
    return workspace


def test_what_belongs_to_no_incident_moves_none(home: Workspace) -> None:
    assert repaired_incident(home, done(None)) is None


def test_an_incident_that_is_none_here_does_not_undo_a_repair(home: Workspace) -> None:
    assert repaired_incident(home, done("i-1")) is None


def test_without_a_workspace_there_are_no_incidents() -> None:
    assert repaired_incident(None, done("i-1")) is None
