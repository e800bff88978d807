"""Scans keep what they find, and incidents are up to date at once."""

from pathlib import Path

import pytest

from caponier.app.incidents.findings import list_findings
from caponier.app.incidents.incidents import list_incidents
from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.workspace.verify_audit import verify_audit
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.matrix.case_study import Strategy
from caponier.records.inventory import Workspace
from respond.made import context, finding, log_finding

FINDING = finding(1)


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    return require_workspace(create_workspace(tmp_path / "home"))


def test_a_finding_opens_an_incident_at_once(home: Workspace) -> None:
    report = keep_findings(home, [FINDING])
    assert len(report.opened) == 1
    (incident,) = list_incidents(home)
    assert incident.finding_ids == (FINDING.finding_id,)
    assert incident.strategy is Strategy.ADVERSARIAL_ML


def test_doing_it_again_changes_nothing(home: Workspace) -> None:
    keep_findings(home, [FINDING])
    before = verify_audit(home)
    report = keep_findings(home, [FINDING])
    assert (report.opened, report.changed) == ((), ())
    assert len(list_findings(home)) == 1
    assert verify_audit(home).rows == before.rows


def test_context_alone_opens_nothing_and_joins_later(home: Workspace) -> None:
    event = context(1, "ada", days=0.0)
    assert keep_findings(home, [], [event]).opened == ()
    assert list_incidents(home) == []
    keep_findings(home, [log_finding(2, "ada", days=0.5)])
    (incident,) = list_incidents(home)
    assert [step.finding_id is None for step in incident.steps] == [True, False]
