"""Flows of incidents: valid, in order of time, and without a word of who acted."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.incidents.test_export import WHOLE, case
from caponier.app.incidents.export_flow import flow_of, to_flow
from caponier.app.incidents.findings import record_findings
from caponier.app.incidents.incidents import CaseFile
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.errors import InputError
from cli.command import run
from matrix.writers.flow_schema import complaints, dangling
from matrix.writers.test_stix import verdict
from respond.made import EXTRACTION, at, context, file_finding, finding, log_finding, rows_finding


def actions(one: CaseFile) -> list[dict[str, Any]]:
    return [each for each in json.loads(to_flow(one))["objects"] if each["type"] == "attack-action"]


@pytest.mark.parametrize(
    "one",
    [
        WHOLE,
        case(finding(1, techniques=())),
        case(finding(1, techniques=("T1550.001", "T1078"))),
        case(file_finding(1)),
        case(rows_finding(1)),
        case(finding(1, subject="k-1"), finding(2, subject="k-1", days=0.1)),
    ],
)
def test_a_flow_is_valid(one: CaseFile) -> None:
    text = to_flow(one)
    assert dangling(text) == set()
    errors, warnings = verdict(text, enforce_refs=True)
    assert (errors, warnings - {"103", "302"}) == ([], set())
    assert complaints(text) == []


def test_steps_are_in_order_with_their_tactics_and_times() -> None:
    found = actions(WHOLE)
    assert [(one["tactic_id"], one["technique_id"]) for one in found] == [
        ("TA0008", "T1021"),
        ("AML.TA0004", "AML.T0012"),
        ("AML.TA0001", "AML.T0043.001"),
        ("AML.TA0005", "AML.T0011.000"),
    ]
    assert [one.get("effect_refs") for one in found] == [*([one["id"]] for one in found[1:]), None]
    assert found[0]["execution_start"] == found[0]["execution_end"] == "2025-12-31T00:00:00.000Z"
    assert [one["execution_end"] for one in found[1:]] == [
        finding.last_time.isoformat(timespec="milliseconds").replace("+00:00", "Z") for finding in WHOLE.findings
    ]


def test_a_step_names_its_technique_in_every_matrix_that_has_it() -> None:
    (login,) = [one for one in actions(WHOLE) if one["technique_id"] == "AML.T0012"]
    assert [named["external_id"] for named in login["external_references"]] == [
        "AML.T0012",
        "T1078",
        "AMLTM.INIT.02",
        "e-1",
    ]


def test_the_flow_names_the_incident_its_target_and_its_span() -> None:
    flow = flow_of(WHOLE)
    assert (flow.scope, flow.targets) == ("incident", ("digits-mlp",))
    assert WHOLE.incident.incident_id in flow.name
    assert "Lateral Movement, Initial Access" in flow.description
    assert flow.times["created"] < flow.times["modified"]


def test_without_a_model_the_system_is_the_target() -> None:
    assert flow_of(case(log_finding(1, "ada"))).targets == ("digits",)


def test_nobody_is_named() -> None:
    one = case(
        log_finding(1, "ada", summary="ada logged in from 10.0.0.1, as ada_lovelace never did"),
        finding(2, subject="k-1", days=1, summary="k-1 asked 9 times; k-12 did not"),
        events=(context(1, "ada", days=-1),),
    )
    text = to_flow(one)
    assert "[who] logged in from [who], as ada_lovelace never did" in text
    assert "[who] asked 9 times; k-12 did not" in text
    for name in (actor.partition(":")[2] for actor in one.incident.actors):
        assert f'"{name}"' not in text
        assert f" {name} " not in text


def test_runs_of_the_same_are_one_action() -> None:
    many = [finding(number, days=number / 100, techniques=EXTRACTION, lasting=0.001) for number in range(5)]
    (one,) = actions(case(*many))
    assert one["description"].endswith("(5 times)")
    assert one["execution_start"] == "2026-01-01T00:00:00.000Z"
    assert one["execution_end"] == many[-1].last_time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_run_ends_where_something_else_was_done() -> None:
    found = actions(case(finding(1), finding(2, days=0.1, techniques=EXTRACTION), finding(3, days=0.2)))
    assert [one["technique_id"] for one in found] == ["AML.T0043.001", "AML.T0024.002", "AML.T0043.001"]


def test_the_same_incident_gives_the_same_bytes() -> None:
    assert to_flow(WHOLE) == to_flow(replace(WHOLE, incident=replace(WHOLE.incident, owner="ben")))


def test_an_incident_without_a_step_is_no_flow() -> None:
    with pytest.raises(InputError, match="needs a step"):
        to_flow(replace(WHOLE, incident=replace(WHOLE.incident, steps=(), first_time=at(0))))


def test_a_user_exports_it_by_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    create_workspace(tmp_path)
    record_findings(require_workspace(tmp_path), WHOLE.findings)
    at_home = ("--workspace", tmp_path)
    assert run(capsys, "incidents", "correlate", *at_home, "--quiet").code == 0
    listed = json.loads(run(capsys, "incidents", "list", "--format", "json", *at_home).out)
    id_ = listed["incidents"][0]["incident_id"]
    out = tmp_path / "flow.json"
    ran = run(capsys, "incidents", "export", id_, "--format", "attack-flow", "--out", out, *at_home)
    assert (ran.code, ran.out) == (0, "")
    assert complaints(out.read_text()) == []
    assert id_ in out.read_text()
