from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.app.incidents.correlate import CorrelationReport, correlate_findings, record_context
from caponier.app.incidents.findings import record_findings
from caponier.app.incidents.incidents import list_incidents, show_incident
from caponier.app.workspace.verify_audit import list_audit, verify_audit
from caponier.errors import InputError
from caponier.matrix.case_study import Strategy
from caponier.records.context import ContextEvent
from caponier.records.finding import Finding, SubjectRef
from caponier.records.inventory import Workspace
from respond.made import ADA, LATERAL, context, finding, joined, log_finding, workspace
from respond.test_correlate import content, some_findings


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    return workspace(tmp_path, ADA)


def known(home: Workspace, *found: Finding, events: tuple[ContextEvent, ...] = ()) -> CorrelationReport:
    record_findings(home, found, actor="test")
    record_context(home, events, actor="test")
    return correlate_findings(home, actor="test")


def test_a_log_event_outside_alone_is_nothing_and_with_a_later_login_one_incident(home: Workspace) -> None:
    """The acceptance line of the issue, over the store."""
    outside = context(1, "ada", days=0, techniques=LATERAL)
    assert known(home, events=(outside,)) == CorrelationReport()
    assert list_incidents(home) == []
    login = log_finding(1, "ada", days=3)
    (incident,) = known(home, login).opened
    assert [step.finding_id for step in incident.steps] == [None, login.finding_id]
    assert incident.strategy is Strategy.TRADITIONAL
    assert list_incidents(home) == [incident]


def test_context_that_comes_later_joins(home: Workspace) -> None:
    (incident,) = known(home, finding(1)).opened
    report = known(home, events=(context(1, "ada", days=-2),))
    (grown,) = report.changed
    assert grown.strategy is Strategy.COMBINED
    assert (grown.incident_id, len(grown.steps)) == (incident.incident_id, 2)
    assert known(home) == CorrelationReport()


def test_context_follows_the_nearer_incident(home: Workspace) -> None:
    event = context(1, "ada", days=5)
    known(home, log_finding(1, "ada", days=0), events=(event,))
    first, second = known(home, log_finding(2, "ada", days=9)).changed[0], list_incidents(home)[0]
    assert len(first.steps) == 1
    assert [step.event_ids for step in second.steps] == [("c-1",), ("e-2",)]


def test_a_replay_writes_nothing(home: Workspace) -> None:
    known(home, finding(1), log_finding(2, "ada", days=1), events=(context(1),))
    before = (list_incidents(home), len(list_audit(home)))
    assert known(home, finding(1), events=(context(1),)) == CorrelationReport()
    assert (list_incidents(home), len(list_audit(home))) == before


def test_every_change_is_one_audit_row(home: Workspace) -> None:
    settings_ = workspace(home.root)  # no identities: two actors
    known(settings_, finding(1, "k-1"), finding(2, "k-2", days=1))
    link = finding(3, SubjectRef("principal", "k-1"), days=2, facts={"principal": ["k-2"]})
    report = known(settings_, link)
    ((gone, into),) = report.merged
    rows = [(row.action, row.object) for row in list_audit(home)][::-1]
    assert rows[1:] == [
        ("incident.opened", into),
        ("incident.opened", gone),
        ("findings.recorded", "findings"),
        ("incident.merged", gone),
        ("incident.grown", into),
    ]
    assert show_incident(home, gone).incident.incident_id == into
    assert len(show_incident(home, into).findings) == 3
    assert verify_audit(home).ok


def test_wrong_settings_are_refused_before_anything_is_written(home: Workspace) -> None:
    record_findings(home, [finding(1)], actor="test")
    with pytest.raises(InputError, match="unknown key"):
        correlate_findings(home.model_copy(update={"respond": {"aprovers": []}}))
    assert list_incidents(home) == []


@pytest.mark.slow
@given(some_findings(), st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_store_gives_the_same_incidents_in_any_number_of_runs(findings: list[Finding], data: st.DataObject) -> None:
    """What is loaded from the store is enough: the same as over everything at once."""
    events = [context(number, days=2 * number - 5) for number in range(25)]
    rest: list[Finding | ContextEvent] = data.draw(st.permutations([*findings, *events]))
    with TemporaryDirectory() as folder:
        home = workspace(Path(folder), ADA)
        while rest:
            size = data.draw(st.integers(1, len(rest)))
            now, rest = rest[:size], rest[size:]
            found = [one for one in now if isinstance(one, Finding)]
            known(home, *found, events=tuple(one for one in now if isinstance(one, ContextEvent)))
        stored = tuple(list_incidents(home))
        assert verify_audit(home).ok
    assert content(stored) == content(joined(*findings, events=tuple(events)).incidents)
