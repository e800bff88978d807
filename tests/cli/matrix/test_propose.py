import re
from pathlib import Path

import pytest
import yaml

from caponier.app.incidents.correlate import correlate_findings
from caponier.app.incidents.findings import record_findings
from caponier.app.incidents.incidents import advance_incident, list_incidents
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.records.incident import Stage
from cli.command import Ran, run
from respond.made import finding, log_finding


def proposed(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ran:
    return run(capsys, "matrix", "propose", *arguments)


@pytest.mark.parametrize("arguments", [["technique"], ["evidence", "AMLTM.EVADE.01"], ["case-study"]])
def test_without_options_there_is_a_template_that_the_review_sends_back(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str]
) -> None:
    path = tmp_path / "new.yaml"
    ran = proposed(capsys, *arguments, "--out", path)
    assert (ran.code, ran.out) == (0, "")
    blanks = re.search(r"Still to be filled in: (.*)\nThen:", ran.err, re.DOTALL)
    assert blanks
    review = run(capsys, "matrix", "review", path)
    assert review.code == 2
    sent_back = {line.split(": ")[1] for line in review.out.splitlines() if ": error: it is missing" in line}
    assert sent_back == set(re.split(r",\s+", blanks[1].strip()))


def test_what_is_said_is_filled_in_and_the_next_id_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    tricky = 'no: "yes" # [maybe] \\ é'
    ran = proposed(capsys, "technique", "--tactic", "AMLTM.INIT", "--name", tricky, "--date", "2026-01")
    tree = yaml.load(ran.out, yaml.BaseLoader)
    assert (tree["id"], tree["name"], tree["tactics"]) == ("AMLTM.INIT.07", tricky, ["AMLTM.INIT"])
    assert tree["evidence"][0]["date"] == "2026-01"
    below = yaml.load(proposed(capsys, "technique", "--parent", "AMLTM.EVADE.01").out, yaml.BaseLoader)
    assert below["id"] == "AMLTM.EVADE.01.03"


def test_a_case_study_can_be_told_in_options_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    told = {
        "--name": "Stickers on a parking reader",
        "--actor": "Two drivers",
        "--target": "The plate reader of a city's car parks",
        "--date": "2025-06",
        "--type": "incident",
        "--strategy": "combined",
        "--reference": "https://www.cisa.gov/reports/parking-stickers",
        "--disclosure": "public-incident",
        "--disclosure-words": "The court published its judgment in July 2025.",
    }
    steps = ["AMLTM.INIT AMLTM.INIT.03 They wrote: pay.", "AMLTM.EVADE AMLTM.EVADE.01.02 They tried it out."]
    words = [word for pair in told.items() for word in pair] + [word for step in steps for word in ("--step", step)]
    assert proposed(capsys, "case-study", *words, "--out", path).code == 0
    assert run(capsys, "matrix", "review", path).code == 0
    tree = yaml.load(path.read_text(), yaml.BaseLoader)
    assert [" ".join(step.values()) for step in tree["steps"]] == steps
    short = yaml.load(proposed(capsys, "case-study", "--step", "AMLTM.INIT").out, yaml.BaseLoader)
    assert short["steps"] == [{"tactic": "AMLTM.INIT", "technique": "", "summary": ""}]


def test_atlas_has_other_ids_and_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    ran = proposed(capsys, "technique", "--matrix", "atlas-5.6", "--tactic", "AML.TA0005")
    tree = yaml.load(ran.out, yaml.BaseLoader)
    assert re.fullmatch(r"AML\.T\d{4}", tree["id"])
    assert "color" not in tree


@pytest.mark.parametrize(
    "arguments",
    [
        ["evidence", "AMLTM.EVADE.99"],
        ["technique", "--matrix", "nope"],
        ["case-study", "--incident", "i-0000000000000000"],
        ["defence"],
    ],
)
def test_a_wrong_request_leaves_with_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    create_workspace(tmp_path)
    monkeypatch.setenv("CAPONIER_WORKSPACE", str(tmp_path))
    assert proposed(capsys, *arguments).code == 2


def test_what_somebody_filled_in_is_never_written_over(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("mine")
    assert proposed(capsys, "technique", "--out", path).code == 2
    assert path.read_text() == "mine"


def test_a_closed_incident_becomes_a_draft_that_can_be_finished(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    monkeypatch.setenv("CAPONIER_WORKSPACE", str(tmp_path))
    create_workspace(tmp_path).write_text('[[identity]]\nkey_hash = "k-1"\naccount = "ada"\n')
    home = require_workspace(tmp_path)
    record_findings(home, [log_finding(1, "ada"), finding(2, days=1)], actor="test")
    correlate_findings(home)
    (incident,) = list_incidents(home)
    path = tmp_path / "study.yaml"
    still_open = proposed(capsys, "case-study", "--incident", incident.incident_id, "--out", path)
    assert still_open.code == 2
    assert "caponier incidents close" in still_open.err
    assert not path.exists()

    advance_incident(home, incident.incident_id, Stage.CLOSED, reason="done")
    assert proposed(capsys, "case-study", "--incident", incident.incident_id, "--out", path).code == 0
    review = run(capsys, "matrix", "review", path)
    assert review.code == 2
    missing = {line.split(": ")[1] for line in review.out.splitlines() if ": error: it is missing" in line}
    assert missing == {"name", "actor", "target", "type", "references", "disclosure", "disclosure_words"}

    human = {
        "--name": "Stickers on a parking reader",
        "--actor": "Two drivers",
        "--target": "The plate reader of a city's car parks",
        "--type": "incident",
        "--reference": "https://www.cisa.gov/reports/parking-stickers",
        "--disclosure": "public-incident",
        "--disclosure-words": "The court published its judgment in July 2025.",
    }
    whole = tmp_path / "whole.yaml"
    words = [word for pair in human.items() for word in pair]
    ran = proposed(capsys, "case-study", "--incident", incident.incident_id, *words, "--out", whole)
    assert "Still to be filled in" not in ran.err
    assert run(capsys, "matrix", "review", whole).code == 0
    assert run(capsys, "matrix", "merge", whole, "--into", "amltm-2020+1").code == 0
