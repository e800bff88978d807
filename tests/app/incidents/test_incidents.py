from itertools import product
from pathlib import Path

import pytest

from caponier.app.incidents.correlate import correlate_findings
from caponier.app.incidents.findings import record_findings
from caponier.app.incidents.incidents import (
    NOTE_LIMIT,
    advance_incident,
    assign_incident,
    count_loose_findings,
    list_incidents,
    note_incident,
    show_incident,
)
from caponier.app.workspace.verify_audit import list_audit, verify_audit
from caponier.errors import InputError
from caponier.matrix.case_study import Strategy
from caponier.records.finding import Severity
from caponier.records.incident import TRANSITIONS, Stage
from caponier.records.inventory import Workspace
from respond.made import ADA, NOW, finding, log_finding, workspace

WAYS = {
    Stage.OPEN: [],
    Stage.CONTAINED: [Stage.CONTAINED],
    Stage.REMEDIATED: [Stage.REMEDIATED],
    Stage.VERIFIED: [Stage.REMEDIATED, Stage.VERIFIED],
    Stage.CLOSED: [Stage.CLOSED],
}


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    made = workspace(tmp_path, ADA)
    record_findings(made, [finding(1)], actor="test")
    correlate_findings(made, actor="test")
    return made


def only(home: Workspace) -> str:
    (incident,) = list_incidents(home)
    return incident.incident_id


@pytest.mark.parametrize(("before", "after"), list(product(Stage, Stage)))
def test_the_store_keeps_the_table_of_transitions(home: Workspace, before: Stage, after: Stage) -> None:
    id_ = only(home)
    for stage in WAYS[before]:
        advance_incident(home, id_, stage, now=NOW, actor="ben")
    rows = len(list_audit(home))
    if after in TRANSITIONS[before]:
        assert advance_incident(home, id_, after, reason="why", now=NOW, actor="ben").stage is after
        newest = list_audit(home)[0]
        assert (newest.action, newest.actor, newest.object) == ("incident.stage", "ben", id_)
        assert newest.details == {"from": before.value, "to": after.value, "why": "why"}
        assert len(list_audit(home)) == rows + 1
    else:
        with pytest.raises(InputError, match="cannot become"):
            advance_incident(home, id_, after, reason="why", now=NOW, actor="ben")
        assert show_incident(home, id_).incident.stage is before
        assert len(list_audit(home)) == rows
    assert verify_audit(home).ok


def test_owner_and_notes_are_kept_with_a_row_each(home: Workspace) -> None:
    id_ = only(home)
    assign_incident(home, id_, "ben", actor="ada")
    note_incident(home, id_, "  first  ", now=NOW, actor="ada")
    note_incident(home, id_, "second", now=NOW, actor="ben")
    incident = show_incident(home, id_).incident
    assert incident.owner == "ben"
    assert [(note.author, note.text) for note in incident.notes] == [("ada", "first"), ("ben", "second")]
    assert [row.action for row in list_audit(home)[:3]] == ["incident.noted", "incident.noted", "incident.assigned"]


def test_what_people_wrote_survives_growth(home: Workspace) -> None:
    id_ = only(home)
    assign_incident(home, id_, "ben")
    note_incident(home, id_, "called")
    record_findings(home, [log_finding(2, "ada", days=1)], actor="test")
    (grown,) = correlate_findings(home).changed
    assert (grown.incident_id, grown.owner, grown.notes[0].text) == (id_, "ben", "called")
    assert grown.strategy is Strategy.COMBINED


@pytest.mark.parametrize("text", ["", "\n", "x" * (NOTE_LIMIT + 1)])
def test_a_note_that_is_none_is_refused(home: Workspace, text: str) -> None:
    rows = len(list_audit(home))
    with pytest.raises(InputError, match="the note is"):
        note_incident(home, only(home), text)
    with pytest.raises(InputError, match="the note is"):
        advance_incident(home, only(home), Stage.CLOSED, reason=text)
    assert len(list_audit(home)) == rows


def test_a_case_file_holds_findings_in_order(home: Workspace) -> None:
    record_findings(home, [finding(3, days=3), finding(2, days=2)], actor="test")
    assert count_loose_findings(home) == 2
    correlate_findings(home)
    assert count_loose_findings(home) == 0
    case = show_incident(home, only(home))
    assert case.findings == (finding(1), finding(2, days=2), finding(3, days=3))
    assert case.actions == ()


def test_incidents_are_listed_by_what_they_are(home: Workspace) -> None:
    record_findings(home, [log_finding(5, "eve", address="10.9.9.9", severity=Severity.LOW)], actor="test")
    correlate_findings(home)
    assert len(list_incidents(home)) == 2
    assert [one.strategy for one in list_incidents(home, severity=Severity.HIGH)] == [Strategy.ADVERSARIAL_ML]
    assert [one.severity for one in list_incidents(home, strategy=Strategy.TRADITIONAL)] == [Severity.LOW]
    assert list_incidents(home, stages=(Stage.CLOSED,)) == list_incidents(home, owner="ben") == []
    assert len(list_incidents(home, limit=1)) == 1


def test_an_unknown_incident_says_where_to_look(home: Workspace) -> None:
    with pytest.raises(InputError, match="caponier incidents list") as missing:
        show_incident(home, "i-none")
    assert missing.value.where == "i-none"


@pytest.mark.parametrize("name", ["", "  ", "\n", "x" * 201])
def test_an_owner_has_a_name(home: Workspace, name: str) -> None:
    """An incident of nobody would drop out of every list by owner, and look as if somebody cared."""
    (incident,) = list_incidents(home)
    before = list_audit(home)
    with pytest.raises(InputError, match="1 to 200 characters"):
        assign_incident(home, incident.incident_id, name)
    assert show_incident(home, incident.incident_id).incident.owner is None
    assert list_audit(home) == before
    assert assign_incident(home, incident.incident_id, "  Ada Lovelace ").owner == "Ada Lovelace"
