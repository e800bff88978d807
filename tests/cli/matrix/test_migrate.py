import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from caponier.app.matrix.library import FOLDER
from caponier.app.workspace.workspace import create_workspace
from caponier.matrix.versions.library import Library
from caponier.matrix.versions.release import Release
from cli.command import Ran, run
from matrix.documents.old_atlas import old_atlas

LAYER = {
    "name": "ours",
    "versions": {"layer": "4.3", "navigator": "4.6.4"},
    "domain": "atlas-atlas",
    "metadata": [{"name": "atlas_data_version", "value": "4.4.0"}],
    "techniques": [
        {"techniqueID": "AML.T0045", "score": 2, "comment": "theft"},
        {"techniqueID": "AML.T0005", "tactic": "ml-attack-staging"},
        {"techniqueID": "AML.T0999", "score": 1},
    ],
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    create_workspace(tmp_path)
    Library(tmp_path / FOLDER).add(Release(old_atlas(), "caponier", ""))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    Path("layer.json").write_text(json.dumps(LAYER))
    return tmp_path


@pytest.fixture
def migrate(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: object) -> Ran:
        return run(capsys, "matrix", "migrate", *arguments, "--to", "atlas-5.6")

    return call


def test_a_layer_becomes_a_new_file_and_what_needs_a_person_is_listed(migrate: Any):
    before = Path("layer.json").read_bytes()
    ran = migrate("layer.json")
    assert Path("layer.json").read_bytes() == before
    after = json.loads(Path("layer.atlas-5.6.json").read_text())
    assert [entry["techniqueID"] for entry in after["techniques"]] == ["AML.T0048.004", "AML.T0005", "AML.T0999"]
    assert after["techniques"][1]["tactic"] == "ai-attack-staging"
    assert (after["versions"]["layer"], after["metadata"][0]["value"]) == ("4.5", "5.6.0")
    assert ran.code == 3
    assert "AML.T0999" in ran.out
    assert "stays" in ran.out
    assert "AML.T0005" not in ran.out
    assert (
        "3 annotations: 1 replaced, 1 renamed, 1 unknown; 1 needs a person; written to layer.atlas-5.6.json" in ran.err
    )


def test_a_dry_run_writes_nothing(migrate: Any):
    there = sorted(os.listdir())
    ran = migrate("layer.json", "--dry-run", "--out", "x.json")
    assert sorted(os.listdir()) == there
    assert "nothing written" in ran.err


def test_exits_with_0_if_nobody_is_needed(migrate: Any):
    Path("a.csv").write_text("id\nAML.T0045\n")
    ran = migrate("a.csv", "--from", "atlas-4.4.0", "--out", "b.csv", "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert Path("b.csv").read_text() == "id\nAML.T0048.004\n"


def test_json_tells_every_annotation(migrate: Any):
    document = json.loads(migrate("layer.json", "--format", "json", "--dry-run").out)
    assert document["schema"] == "caponier.migration/1"
    (file,) = document["files"]
    assert (file["from"], file["to"], file["out"], file["format"]) == (
        "atlas-4.4.0",
        "atlas-5.6",
        None,
        "navigator layer",
    )
    assert [(row["id"], row["now"], row["needs_human"]) for row in file["annotations"]] == [
        ("AML.T0045", "AML.T0048.004", False),
        ("AML.T0005", "AML.T0005", False),
        ("AML.T0999", "AML.T0999", True),
    ]


def test_csv_and_markdown_list_what_needs_a_person(migrate: Any):
    rows = list(csv.DictReader(io.StringIO(migrate("layer.json", "--format", "csv", "--dry-run").out)))
    assert [(row["file"], row["id"], row["outcome"]) for row in rows] == [("layer.json", "AML.T0999", "unknown")]
    lines = migrate("layer.json", "--format", "markdown", "--dry-run").out.splitlines()
    assert len(lines) == 3
    assert "AML.T0999" in lines[2]


def test_several_files_go_into_a_folder_and_what_cannot_is_skipped(migrate: Any):
    Path("n.md").write_text("AML.T0045\n")
    Path("broken.json").write_text("{")
    ran = migrate("layer.json", "n.md", "broken.json", "--from", "atlas-4.4.0", "--out", "new")
    assert sorted(os.listdir("new")) == ["layer.json", "n.md"]
    assert ran.code == 3
    assert "skipped broken.json" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gone.json"], "no such file"),
        (["n.md"], "--from VERSION"),
        (["layer.json", "--from", "atlas-4.0"], "no matrix version"),
        (["layer.json", "--out", "layer.json"], "would write over this file"),
        (["old.json"], "not at hand"),
        (["none.md", "--from", "atlas-4.4.0"], "names nothing of atlas-4.4.0"),
        (["empty"], "nothing to migrate"),
        (["-"], "standard input has no name"),
        (["-", "layer.json", "--out", "empty"], "standard input has no name"),
        (["layer.json", "--out", "-"], "a new document is not printed"),
    ],
)
def test_a_wrong_request_changes_nothing(migrate: Any, arguments: list[str], said: str):
    Path("n.md").write_text("AML.T0045\n")
    Path("none.md").write_text("AMLTM.EVADE.01\n")
    Path("empty").mkdir()
    Path("old.json").write_text(json.dumps(LAYER).replace("4.4.0", "4.2.0"))
    there = sorted(os.listdir())
    ran = migrate(*arguments)
    assert ran.code == 2
    assert said in ran.err
    assert sorted(os.listdir()) == there


def test_standard_input_goes_into_the_file_named(capsys: pytest.CaptureFixture[str]):
    table = b"id,name\nAML.T0045,ML Intellectual Property Theft\n"
    for _ in range(2):  # the second time over the file that is there
        ran = run(
            capsys,
            "matrix",
            "migrate",
            "-",
            "--from",
            "atlas-4.4.0",
            "--to",
            "atlas-5.6",
            "--out",
            "new.csv",
            stdin=table,
        )
        assert ran.code == 0
        assert Path("new.csv").read_text() == "id,name\nAML.T0048.004,AI Intellectual Property Theft\n"


def test_a_tactic_tag_left_alone_needs_a_person(capsys: pytest.CaptureFixture[str]):
    Path("r.yml").write_text("title: T\ntags: [amltm.exec.02, amltm.exec]\ndetection: {}\n")
    ran = run(capsys, "matrix", "migrate", "r.yml", "--to", "atlas-5.6", "--format", "json")
    assert ran.code == 3
    (file,) = json.loads(ran.out)["files"]
    (row,) = [row for row in file["annotations"] if "any more" in row["why"]]
    assert row["id"] == "AMLTM.EXEC"
    assert "1 needs a person" in ran.err


def test_what_a_terminal_would_obey_is_never_printed(migrate: Any):
    Path("a\x1b[31m.csv").write_text("id\nAML.T0999\n")
    for format_ in ("table", "json", "csv", "markdown"):
        ran = migrate("a\x1b[31m.csv", "--from", "atlas-4.4.0", "--dry-run", "--format", format_)
        assert ran.code == 3
        assert "\x1b" not in ran.out + ran.err


def test_help_ends_with_an_example(migrate: Any):
    assert "Example: caponier matrix migrate" in " ".join(migrate("--help").out.split())


def test_what_somebody_worked_on_is_not_written_over(migrate: Any):
    migrate("layer.json")
    assert migrate("layer.json").code == 3
    new = Path("layer.atlas-5.6.json")
    worked_on = new.read_text().replace("theft", "theft, seen by Ada")
    new.write_text(worked_on)
    for also in ((), ("--dry-run",)):
        ran = migrate("layer.json", *also)
        assert (ran.code, new.read_text()) == (2, worked_on)
        assert "layer.atlas-5.6.json: this file is there already, and says something else" in ran.err
        assert "--force" in ran.err
    assert migrate("layer.json", "--force").code == 3
    assert "seen by Ada" not in new.read_text()


def test_new_files_of_a_folder_are_not_taken_up_again(migrate: Any):
    Path("layers").mkdir()
    Path("layer.json").rename("layers/layer.json")
    for _ in range(2):
        migrate("layers")
        assert sorted(path.name for path in Path("layers").iterdir()) == ["layer.atlas-5.6.json", "layer.json"]


def test_what_is_of_the_version_already_is_passed_over_and_said(migrate: Any):
    Path("layers").mkdir()
    Path("layer.json").rename("layers/old.json")
    Path("layers/new.json").write_text(Path("layers/old.json").read_text().replace("4.4.0", "5.6.0"))
    ran = migrate("layers")
    assert "skipped layers/new.json: is about atlas-5.6 already" in ran.err
    assert not Path("layers/new.atlas-5.6.json").exists()
