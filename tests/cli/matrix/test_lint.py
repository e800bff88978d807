import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from caponier import __version__
from caponier.app.matrix.library import FOLDER
from caponier.app.workspace.workspace import create_workspace
from caponier.matrix.documents.lint import Code
from caponier.matrix.versions.library import Library
from caponier.matrix.versions.release import Release
from cli.command import Ran, run
from matrix.conftest import SHARED
from matrix.documents.old_atlas import old_atlas

BAD = "# Notes\n\n- AML.T0043 Evade AI Model\n- AML.T0045\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    Path("bad.md").write_text(BAD)
    Path("good.md").write_text("AML.T0043 Craft Adversarial Data\n")
    return tmp_path


@pytest.fixture
def lint(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: object) -> Ran:
        return run(capsys, "matrix", "lint", *arguments)

    return call


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# n\n\n- AML.T0043 Evade AI Model\n", "-:3:13: M104"),
        ("id,name\nAML.T0043,Evade AI Model\n", "-:2:11: M104"),
        ('AML.T0043 Evade AI Model, as "we" saw\n', "-:1:11: M104"),
        ("title: T\ntags: [attack.t1078, attack.impact]\ndetection: {}\n", "-:2:22: M109"),
        ('[{"domain": "atlas-atlas", "techniques": [{"techniqueID": "AML.T0999"}]}]', "-:1:"),
    ],
)
def test_standard_input_is_told_by_its_content(capsys: pytest.CaptureFixture[str], text: str, said: str):
    ran = run(capsys, "matrix", "lint", "-", "bad.md", "-", stdin=text.encode())
    assert ran.code == 1
    assert ran.out.startswith(said)
    assert [line for line in ran.out.splitlines() if line.startswith("-:")] == [ran.out.splitlines()[0]]
    assert ran.err.startswith("2 files with ")


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("atlas.t0043", "'atlas.t0043' is written like an id of ATT&CK, not of ATLAS: AML.T0043 is probably meant"),
        ("atlas.ta0001", "'atlas.ta0001' is written like an id of ATT&CK, not of ATLAS: AML.TA0001 is probably meant"),
        ("atlas.t1078", "'atlas.t1078' is written like an id of ATT&CK, not of ATLAS"),
        ("attack.aml.t0043", "the Sigma tag of AML.T0043 is atlas.aml.t0043"),
    ],
)
def test_a_tag_in_the_namespace_of_another_matrix(lint: Any, tag: str, said: str):
    Path("r.yml").write_text(f"title: T\ntags: [{tag}]\ndetection: {{}}\n")
    ran = lint("r.yml")
    assert (ran.code, ran.out) == (1, f"r.yml:2:8: M106 {said}\n")


def test_an_id_without_its_prefix_in_a_layer_of_atlas(lint: Any):
    layer = {"domain": "atlas-atlas", "techniques": [{"techniqueID": "T0043"}]}
    Path("l.json").write_text(json.dumps(layer))
    assert "M106 'T0043' is written like an id of ATT&CK, not of ATLAS: AML.T0043 is probably" in lint("l.json").out
    Path("l.json").write_text(json.dumps(layer).replace("atlas-atlas", "enterprise-attack").replace("T0043", "T1078"))
    assert lint("l.json").code == 0


def test_a_link_of_a_rule_to_a_page_that_is_not_there(lint: Any):
    link = "https://atlas.mitre.org/techniques/AML.T0777"
    Path("r.yml").write_text(f"title: T\nreferences: [{link}]\ndetection: {{}}\n")
    assert "M101 atlas-5.6 has no AML.T0777" in lint("r.yml").out


def test_an_export_that_was_changed_by_hand(capsys: pytest.CaptureFixture[str], lint: Any):
    for version in ("amltm-2020", "atlas-5.6"):
        run(capsys, "matrix", "export", "--matrix", version, "--all", "--out", f"{version}.json")
        assert lint(f"{version}.json").code == 0
    text = Path("atlas-5.6.json").read_text()
    Path("changed.json").write_text(text.replace('"name": "Evade AI Model"', '"name": "Craft Adversarial Data"', 1))
    ran = lint("changed.json")
    assert ran.code == 1
    assert "M104 AML.T0015 is 'Evade AI Model'; the name 'Craft Adversarial Data' belongs to AML.T0043" in ran.out
    moved = run(capsys, "matrix", "migrate", "amltm-2020.json", "--to", "atlas-5.6")
    assert moved.code == 2
    assert "is a version of the matrix itself" in moved.err


def test_prints_a_line_for_each_thing_found_as_linters_do(lint: Any):
    ran = lint("bad.md")
    assert ran.out.splitlines() == [
        "bad.md:3:13: M104 AML.T0043 is 'Craft Adversarial Data'; the name 'Evade AI Model' belongs to AML.T0015",
        "bad.md:4:3: M102 AML.T0045 is not in atlas-5.6: use AML.T0048.004 (AI Intellectual Property Theft)",
    ]
    assert ran.err == "1 file with 2 ids against atlas-5.6: 2 found\n"
    assert ran.code == 1


def test_says_nothing_of_a_right_file(lint: Any):
    ran = lint("good.md", "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_exits_with_3_if_something_could_not_be_read_and_with_1_if_something_was_found_too(lint: Any):
    Path("broken.json").write_text("{")
    ran = lint("good.md", "broken.json")
    assert ran.code == 3
    assert "skipped broken.json: broken.json:1:2: this is not JSON" in ran.err
    assert lint("bad.md", "broken.json").code == 1


@pytest.mark.parametrize("content", ["{", "{}", '"x"'])
def test_exits_with_2_if_nothing_could_be_read(lint: Any, content: str):
    Path("x.json").write_text(content)
    ran = lint("x.json")
    assert ran.code == 2
    assert "nothing could be read" in ran.err


def test_exits_with_2_for_a_wrong_request(lint: Any):
    assert lint("gone.md").code == 2
    assert "atlas-5.6" in lint("good.md", "--against", "atlas-5.5").err
    assert lint("good.md", "--ignore", "M999").code == 2
    Path("empty").mkdir()
    assert "nothing to check" in lint("empty").err


def test_codes_can_be_ignored(lint: Any):
    assert lint("bad.md", "--ignore", "M104", "--ignore", "M102").code == 0
    assert lint("bad.md", "--ignore", "M104").out.count("\n") == 1


def test_a_workspace_says_versions(lint: Any, here: Path):
    create_workspace(here / "home")
    Library(here / "home" / FOLDER).add(Release(old_atlas(), "caponier", ""))
    ran = lint("bad.md", "--workspace", "home", "--against", "atlas-4.4.0")
    assert "'Evade ML Model' belongs" not in ran.out
    assert "AML.T0045" not in ran.out
    assert "against atlas-4.4.0" in ran.err


def test_json(lint: Any):
    Path("broken.json").write_text("{")
    document = json.loads(lint("bad.md", "broken.json", "--format", "json").out)
    assert document["schema"] == "caponier.lint/1"
    assert document["versions"] == ["atlas-5.6"]
    assert document["files"] == [{"path": "bad.md", "format": "markdown", "ids": 2}]
    assert [(one["line"], one["column"], one["code"], one["id"]) for one in document["found"]] == [
        (3, 13, "M104", "AML.T0043"),
        (4, 3, "M102", "AML.T0045"),
    ]
    assert document["skipped"][0]["what"] == "broken.json"


def test_csv_and_markdown(lint: Any):
    rows = list(csv.DictReader(io.StringIO(lint("bad.md", "--format", "csv").out)))
    assert [(row["file"], row["line"], row["code"]) for row in rows] == [
        ("bad.md", "3", "M104"),
        ("bad.md", "4", "M102"),
    ]
    lines = lint("bad.md", "--format", "markdown").out.splitlines()
    assert lines[0].startswith("| file | line |")
    assert len(lines) == 4


def test_sarif_is_valid_and_chosen_by_the_ending_of_the_file(lint: Any):
    assert lint("bad.md", "--out", "found.sarif").out == ""
    document = json.loads(Path("found.sarif").read_text())
    (made,) = document["runs"]
    assert [rule["id"] for rule in made["tool"]["driver"]["rules"]] == [code.value for code in Code]
    assert made["tool"]["driver"]["semanticVersion"] == __version__
    first = made["results"][0]["locations"][0]["physicalLocation"]
    assert first == {"artifactLocation": {"uri": "bad.md"}, "region": {"startLine": 3, "startColumn": 13}}
    schema = SHARED / "reference" / "schemas" / "sarif-schema-2.1.0.json"
    if schema.is_file():
        # Only here: it takes seconds to import.
        import jsonschema

        jsonschema.Draft7Validator(json.loads(schema.read_text())).validate(document)


@pytest.mark.parametrize("format_", ["table", "json", "csv", "markdown", "sarif"])
def test_what_a_terminal_would_obey_is_never_printed(lint: Any, format_: str):
    name = "a\x1b[31m.csv"
    Path(name).write_text("id,name\nAML.T0012,\x1b]0;x\x07 | =cmd()\n")
    ran = lint(name, "--format", format_)
    assert ran.code == 1
    assert "\x1b" not in ran.out + ran.err
    assert "\x07" not in ran.out + ran.err


def test_help_names_every_code(lint: Any):
    out = " ".join(lint("--help").out.split())
    assert all(code.value in out for code in Code)
    assert "Example: caponier matrix lint" in out


BROKEN = {
    "truncated.json": b'{"domain": "atlas-atlas", "techniques": [',
    "empty.json": b"",
    "twice.json": b'{"domain": "a", "domain": "b", "techniques": []}',
    "deep.json": b"[" * 10_000,
    "comma.json": b'{"domain": "a",}',
    "nan.json": b'{"domain": "a", "techniques": [NaN]}',
    "surrogate.json": b'{"domain": "\\ud800", "techniques": []}',
    "latin.json": '{"domain": "\u00e9"}'.encode("latin-1"),
    "utf16.json": '{"domain": "a"}'.encode("utf-16"),
    "nul.json": b"\x00\x00",
    "bytes.md": b"AML.T0012 \xff\n",
    "open.yml": b"title: [\n",
    "control.yml": b"title: \x01\n",
    "deep.yml": b"a: " + b"[" * 10_000,
    "twice.yml": b"title: a\ntitle: b\ndetection: {}\n",
    "large.yml": b"#" * (4 * 1024 * 1024 + 1),
    "open.csv": b'id\n"AML.T0012\n',
    "wide.csv": b"," * 1_000_001,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_by_name_and_the_others_are_still_checked(lint: Any, name: str):
    Path(name).write_bytes(BROKEN[name])
    alone = lint(name)
    assert alone.code == 2
    assert name in alone.err
    assert alone.out == ""
    beside = lint("good.md", name)
    assert beside.code == 3
    assert f"skipped {name}: " in beside.err
    assert "1 file with 1 id " in beside.err


@pytest.mark.parametrize("name", ["link.json", "pipe.json"])
def test_what_is_no_file_is_refused(lint: Any, name: str):
    if name.startswith("link"):
        Path(name).symlink_to("gone.json")
    else:
        os.mkfifo(name)
    assert lint(name).code == 2
    assert lint("good.md", name).code == 3
