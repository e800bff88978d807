import json
from dataclasses import replace
from typing import Any

import pytest

from caponier.app.incidents.export import to_json, to_markdown, to_ocsf
from caponier.app.incidents.incidents import CaseFile
from caponier.matrix.attack import VERSION as ATTACK_VERSION
from caponier.records.finding import Finding, Severity, SubjectRef
from caponier.records.incident import Incident, Note, Stage
from respond.made import LATERAL, at, context, file_finding, finding, joined, log_finding
from respond.test_actions import action


def case(*found: Finding, actions: tuple[Any, ...] = (), events: tuple[Any, ...] = (), **changes: Any) -> CaseFile:
    (incident,) = joined(*found, events=events).incidents
    return CaseFile(replace(incident, **changes), found, actions)


WHOLE = case(
    log_finding(1, "ada"),
    finding(2, days=1),
    file_finding(3, days=2),
    events=(context(1, "ada", days=-1, techniques=LATERAL),),
)


def schema() -> dict[str, Any]:
    ocsf = pytest.importorskip("ocsf_json_schema")
    pytest.importorskip("jsonschema")
    whole = ocsf.OcsfJsonSchemaEmbedded(ocsf.get_ocsf_schema(version="1.8.0"))
    found: dict[str, Any] = whole.get_class_schema(class_name="incident_finding", profiles=["incident"])
    return found


@pytest.mark.parametrize(
    "one",
    [
        WHOLE,
        replace(WHOLE, incident=replace(WHOLE.incident, owner="ben", stage=Stage.CLOSED, stage_since=at(9))),
        case(finding(1, techniques=())),
        case(finding(1, techniques=("T1550.001", "T1078"))),
        case(finding(1, severity=Severity.INFO, confidence=0.1)),
    ],
)
def test_ocsf_is_valid(one: CaseFile) -> None:
    import jsonschema

    event = json.loads(json.dumps(to_ocsf(one)))
    errors = [error.message for error in jsonschema.Draft202012Validator(schema()).iter_errors(event)]
    assert errors == []
    # What no schema checks.
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert event["start_time"] <= event["time"] == event["end_time"]


def test_the_validation_can_fail() -> None:
    import jsonschema

    event = to_ocsf(WHOLE) | {"severity_id": 77}
    assert list(jsonschema.Draft202012Validator(schema()).iter_errors(event))


@pytest.mark.parametrize(
    ("changes", "activity", "status"),
    [
        ({}, 1, 1),
        ({"owner": "ben"}, 2, 2),
        ({"stage": Stage.CONTAINED, "stage_since": at(9)}, 2, 2),
        ({"stage": Stage.VERIFIED, "stage_since": at(9)}, 2, 4),
        ({"stage": Stage.CLOSED, "stage_since": at(9)}, 3, 5),
    ],
)
def test_stages_have_their_ocsf_status(changes: dict[str, Any], activity: int, status: int) -> None:
    event = to_ocsf(case(finding(1), **changes))
    assert (event["activity_id"], event["status_id"]) == (activity, status)


def test_ocsf_names_atlas_and_attack_and_keeps_the_rest_beside() -> None:
    event = to_ocsf(WHOLE)
    attacks = {attack.get("sub_technique", attack["technique"])["uid"]: attack for attack in event["attacks"]}
    assert set(attacks) == {"T1021", "T1078", "AML.T0012", "AML.T0043.001", "AML.T0011.000"}
    assert attacks["AML.T0043.001"]["technique"] == {"uid": "AML.T0043"}
    assert attacks["AML.T0043.001"]["version"] == "5.6"
    assert attacks["T1078"]["version"] == ATTACK_VERSION
    assert attacks["AML.T0043.001"]["tactics"] == [{"uid": "AML.TA0001", "name": "AI Attack Staging"}]
    assert "AMLTM.EVADE.01.02" in event["unmapped"]["techniques_2020"]
    assert event["unmapped"]["strategy"] == "combined"
    assert [info["uid"] for info in event["finding_info_list"]] == [one.finding_id for one in WHOLE.findings]


def test_json_is_read_back() -> None:
    document = json.loads(to_json(WHOLE))
    assert document["schema"] == "caponier.incident/1"
    assert Incident.from_dict(document["incident"]) == WHOLE.incident
    assert [Finding.from_dict(plain) for plain in document["findings"]] == list(WHOLE.findings)


def test_a_ticket_leads_with_plain_words() -> None:
    note = Note(at(3), "ben", "called *the* owner")
    text = to_markdown(replace(WHOLE, incident=replace(WHOLE.incident, notes=(note,)), actions=(action(),)))
    head, _, rest = text.partition("## Timeline")
    assert "combined attack" in head
    assert "What happened" in head
    assert "caponier respond plan" in head
    assert "ML technique (orange)" in rest
    assert "general technique (white)" in rest
    assert "- 2026-01-04 00:00:00Z ben: called \\*the\\* owner" in rest
    assert "block principal k-1, planned" in rest


def test_what_attackers_write_stays_text() -> None:
    evil = finding(1, SubjectRef("session", "<script>"), summary="a | b\n<script>[x](y) `c`")
    text = to_markdown(case(evil, owner="<img>"))
    assert "<script>" not in text
    assert "<img>" not in text
    assert "](y)" not in text.replace("\\]", "")
    assert all(line.count(" | ") <= 4 for line in text.splitlines() if line.startswith("| 2026"))
