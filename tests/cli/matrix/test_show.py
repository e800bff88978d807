import csv
import io
import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from caponier.app.workspace.workspace import create_workspace
from caponier.cli.matrix import app
from caponier.errors import InputError
from cli.command import run as command
from matrix.contributions.made import STUDY, file


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)


def run(*args: str) -> Result:
    return CliRunner().invoke(app, list(args))


def told(*args: str) -> str:
    result = run(*args)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize(
    ("id_", "name"), [("AMLTM.CS09", "ProofPoint Evasion"), ("aml.cs0009", "Tay Poisoning"), ("AML.CS0056", "Claude")]
)
def test_show_tells_a_case_study_in_any_case_of_letters(id_: str, name: str):
    card = told("show", id_)
    assert name in card
    assert "Step  Tactic" in card


def test_show_writes_a_case_study_as_json():
    document = json.loads(told("show", "AMLTM.CS05", "--format", "json"))
    (study,) = document["studies"]
    assert (document["matrix"], study["id"], study["same_as"]) == ("amltm-2020", "AMLTM.CS05", "AML.CS0004")
    assert [step["technique"]["id"] for step in study["steps"]] == ["AMLTM.EXEC.03", "AMLTM.EVADE.01.02"]
    assert [step["color"] for step in study["steps"]] == ["white", "orange"]


def test_show_writes_a_case_study_as_markdown_and_csv(tmp_path: Path):
    page = tmp_path / "tay.md"
    assert told("show", "AML.CS0009", "--out", str(page)) == ""
    assert page.read_text().startswith("# AML.CS0009: Tay Poisoning\n")
    assert "| 3 | Persistence | AML.T0020 Poison Training Data |" in page.read_text()
    (row,) = csv.DictReader(io.StringIO(told("show", "AML.CS0009", "--format", "csv")))
    assert row["steps"] == "AML.T0047; AML.T0010.002; AML.T0020; AML.T0031"


def test_show_names_what_answers_and_repairs_an_entry():
    card = told("show", "AMLTM.EVADE.03.01")
    assert "poisoned-source: quarantine source (after approval)" in card
    assert "caponier remediate dataset" in card
    assert "caponier remediate rollback" in told("show", "AMLTM.EVADE.02")
    assert "Responded to by  nothing by itself" in told("show", "AMLTM.RECON.01")


def test_show_knows_the_playbook_of_the_workspace(tmp_path: Path):
    create_workspace(tmp_path)
    (tmp_path / "own.yaml").write_text(
        "schema: caponier.playbook/1\nname: own\nrules:\n- name: reading\n  reason: We want to know.\n"
        "  when: {techniques: [AMLTM.RECON.01]}\n  actions:\n  - {kind: hold, scope: actor, duration: 1h}\n"
    )
    file = tmp_path / "caponier.toml"
    file.write_text(file.read_text() + '\n[respond]\nplaybooks = ["own.yaml"]\n')
    assert "reading: hold actor" in told("show", "AMLTM.RECON.01", "--workspace", str(tmp_path))


def test_show_says_in_json_which_studies_show_an_entry():
    (entry,) = json.loads(told("show", "AML.T0029", "--format", "json"))["techniques"]
    assert {"id": "AML.CS0036", "name": "AIKatz: Attacking LLM Desktop Applications"} in entry["studies"]


def test_a_misspelt_study_is_refused_with_the_nearest():
    result = run("show", "AMLTM.CS99")
    assert isinstance(result.exception, InputError)
    assert "AMLTM.CS0" in (result.exception.hint or "")


def test_list_writes_the_studies_of_a_version_in_every_format():
    assert told("list", "--studies").count("AMLTM.CS") == 13
    atlas = ("list", "--studies", "--matrix", "atlas-5.6", "--format")
    assert len(json.loads(told(*atlas, "json"))["studies"]) == 57
    assert len(list(csv.DictReader(io.StringIO(told(*atlas, "csv"))))) == 57
    assert told(*atlas, "markdown").count("\n| AML.CS") == 57


def test_search_finds_studies_beside_entries():
    found = told("search", "camera")
    assert "AMLTM.RECON.04" in found
    assert "AMLTM.CS05" in found
    result = run("search", "proofpoint")
    assert "AMLTM.CS09" in result.stdout
    assert "No entry of amltm-2020 matches 'proofpoint'." in result.stderr


def test_search_writes_studies_as_json_and_markdown():
    document = json.loads(told("search", "camera", "--format", "json"))
    assert [entry["id"] for entry in document["techniques"]] == ["AMLTM.RECON.04"]
    assert document["studies"][0]["id"] == "AMLTM.CS05"
    assert "# Case studies of" in told("search", "camera", "--format", "markdown")
    assert "studies" not in json.loads(told("search", "implant", "--format", "json"))


def test_show_says_in_json_what_detects_emulates_answers_and_repairs_an_entry():
    (entry,) = json.loads(told("show", "AMLTM.EVADE.03.01", "--format", "json"))["techniques"]
    (detector,) = entry["detected_by"]
    assert detector == {"name": "label_noise", "kind": "dataset", "needs": ["the training data with their labels"]}
    assert {emulation["kind"] for emulation in entry["emulated_by"]} == {"dataset"}
    assert {"rule": "poisoned-rows", "does": "quarantine rows"} in entry["responded_to_by"]
    assert entry["remediated_by"] == ["caponier remediate dataset"]
    tactic = json.loads(told("show", "AMLTM.EVADE", "--format", "json"))["techniques"]
    assert all("detected_by" not in entry for entry in tactic)


def test_show_says_with_what_right_a_contributed_study_is_told_of(tmp_path: Path):
    create_workspace(tmp_path)
    contributed = file(tmp_path, STUDY, "study.yaml")
    told("merge", str(contributed), "--into", "amltm-2020+1", "--accept-warnings", "--workspace", str(tmp_path))
    id_ = yaml.safe_load(STUDY)["id"]
    words = yaml.safe_load(STUDY)["disclosure_words"]
    card = told("show", id_, "--matrix", "amltm-2020+1", "--workspace", str(tmp_path))
    assert "Disclosed" in card
    assert words in " ".join(card.split())


def test_a_damaged_version_does_not_keep_the_others_from_being_shown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    create_workspace(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "matrix").mkdir()
    (tmp_path / "matrix" / "broken.json").write_text("{")
    ran = command(capsys, "matrix", "show", "AMLTM.EVADE.01")
    assert (ran.code, "Evasion Attack" in ran.out) == (0, True)
    assert "left out: " in ran.err
    assert "broken.json" in ran.err
    assert command(capsys, "matrix", "show", "AMLTM.EVADE.01", "--matrix", "broken").code == 2
