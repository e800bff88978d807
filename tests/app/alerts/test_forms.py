"""Forms of alerts, for every severity and kind of subject."""

import json
from dataclasses import replace

import pytest

from app.alerts.receivers import found
from caponier.app.alerts.forms import alert, cef, ocsf, syslog
from caponier.matrix.technique import TechniqueRef
from caponier.records.finding import Finding, Severity, SubjectRef

FACTS = {"input": [0.123], "targets": ["secret-row"], "most_of_them": ["k-1"]}


@pytest.mark.parametrize("severity", list(Severity))
def test_ocsf_is_valid(severity: Severity) -> None:
    whole = pytest.importorskip("ocsf_json_schema")
    jsonschema = pytest.importorskip("jsonschema")
    schemas = whole.OcsfJsonSchemaEmbedded(whole.get_ocsf_schema(version="1.8.0"))
    schema = schemas.get_class_schema(class_name="detection_finding", profiles=[])
    for one in (found(1, severity=severity, facts=FACTS), found(2, techniques=(), severity=severity)):
        event = json.loads(json.dumps(ocsf(one, "bank")))
        assert [wrong.message for wrong in jsonschema.Draft202012Validator(schema).iter_errors(event)] == []
    assert [*jsonschema.Draft202012Validator(schema).iter_errors(event | {"severity_id": "x"})], "it can fail"


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("subject", [SubjectRef("principal", "k-1"), SubjectRef("address", "10.0.0.9 curl/8")])
def test_no_form_tells_what_detectors_know_besides(severity: Severity, subject: SubjectRef) -> None:
    one = found(1, severity=severity, facts=FACTS)
    told = [json.dumps(alert(one, "bank")), json.dumps(ocsf(one, "bank")), syslog(one, "bank").decode()]
    assert not [text for text in told if "0.123" in text or "secret-row" in text]
    line = cef(found(1, severity=severity), "bank")
    assert line.count("|") == 7
    assert ("src=" in cef(_of(subject), "bank")) == (subject.kind == "address")


def _of(subject: SubjectRef) -> Finding:
    return replace(found(1), subject=subject)


def test_syslog_says_how_bad_it_is() -> None:
    levels = {severity: int(syslog(found(1, severity=severity), "w")[1:4]) % 8 for severity in Severity}
    ordered = sorted(Severity, key=lambda one: one.rank)
    assert [levels[one] for one in ordered] == sorted(levels.values(), reverse=True)


def test_a_sub_technique_stands_where_ocsf_has_it() -> None:
    refs = (TechniqueRef("atlas", "AML.T0043.001", "Black-Box Optimization"), TechniqueRef("attack", "T1530", "Data"))
    attacks = ocsf(replace(found(1), techniques=refs), "bank")["finding_info"]["attacks"]
    assert [one["technique"]["uid"] for one in attacks] == ["AML.T0043", "T1530"]
    assert attacks[0]["sub_technique"]["uid"] == "AML.T0043.001"
    assert all(one["version"] for one in attacks)
