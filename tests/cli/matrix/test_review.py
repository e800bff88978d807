"""The gate as a user meets it: what is wrong leaves with 2 and is named by file, line and field."""

import json
import os
import re
from pathlib import Path

import pytest
import yaml

from cli.command import Ran, run
from matrix.contributions.made import EVIDENCE, STUDY, TECHNIQUE, changed, file, with_row


def spoiled(old: str, new: str, text: str = TECHNIQUE) -> str:
    assert old in text
    return text.replace(old, new)


def claim(**fields: object) -> str:
    return with_row(TECHNIQUE, "evidence", **fields)


LINE_OF_SOURCE = "- source: https://lightcommands.com/20191104-Light-Commands.pdf"

BAD = {
    "no source": (claim(source=None), "evidence[1].source", "it is missing"),
    "empty source": (spoiled(LINE_OF_SOURCE, "- source:"), "evidence[1].source", "it is missing"),
    "source that is words": (claim(source="a talk at a conference"), "evidence[1].source", "no http or https"),
    "source without a scheme": (claim(source="lightcommands.com/paper"), "evidence[1].source", "no http or https"),
    "source on this machine": (claim(source="http://127.0.0.1/report"), "evidence[1].source", "number"),
    "source on a private host": (claim(source="https://wiki.corp/report"), "evidence[1].source", "private"),
    "source on a reserved host": (claim(source="https://www.example.com/report"), "evidence[1].source", "reserved"),
    "source that is a file": (claim(source="file:///etc/passwd"), "evidence[1].source", "no http or https"),
    "source that is a script": (claim(source="javascript:alert(1)"), "evidence[1].source", "no http or https"),
    "source that is a site": (claim(source="https://lightcommands.com/"), "evidence[1].source", "not a report"),
    "source with a user name": (claim(source="https://a:b@lightcommands.com/x"), "evidence[1].source", "user name"),
    "no evidence": (changed(TECHNIQUE, evidence=None), "evidence", "it is missing"),
    "empty evidence": (changed(TECHNIQUE, evidence=[]), "evidence", "it is missing"),
    "evidence that is words": (changed(TECHNIQUE, evidence="see above"), "evidence", "must be a list"),
    "no date": (claim(date=None), "evidence[1].date", "it is missing"),
    "future date": (claim(date="2999-01-01"), "evidence[1].date", "in the future"),
    "future month": (claim(date="2999-01"), "evidence[1].date", "in the future"),
    "date that is none": (claim(date="2019-02-31"), "evidence[1].date", "is no date"),
    "date in words": (claim(date="last summer"), "evidence[1].date", "is no date"),
    "no result": (claim(result=None), "evidence[1].result", "it is missing"),
    "result that says nothing": (claim(result="success"), "evidence[1].result", "shows no result"),
    "no system": (claim(system=None), "evidence[1].system", "it is missing"),
    "no real system": (claim(system="a toy model"), "evidence[1].system", "no real system"),
    "research alone": (claim(type="research paper"), "evidence[1].type", "research alone"),
    "unknown type": (claim(type="accident"), "evidence[1].type", "none of its values"),
    "no disclosure": (claim(disclosure=None), "evidence[1].disclosure", "it is missing"),
    "unknown disclosure": (claim(disclosure="trust us"), "evidence[1].disclosure", "none of its values"),
    "disclosure without words": (claim(disclosure_words=None), "evidence[1].disclosure_words", "it is missing"),
    "severity": (changed(TECHNIQUE, severity="high"), "severity", "ranks no risks"),
    "score": (changed(TECHNIQUE, score="7"), "score", "ranks no risks"),
    "cvss in a source": (claim(cvss="9.8"), "evidence[1].cvss", "ranks no risks"),
    "priority": (changed(TECHNIQUE, priority="1"), "priority", "ranks no risks"),
    "mitigation": (changed(TECHNIQUE, mitigation="patch"), "mitigation", "advises no defence"),
    "countermeasures": (changed(TECHNIQUE, countermeasures=["x"]), "countermeasures", "advises no defence"),
    "detection": (changed(TECHNIQUE, detection_rule="x"), "detection_rule", "advises no defence"),
    "founding mark": (changed(TECHNIQUE, grade="founding"), "grade", "founding mark"),
    "seen in 2020": (changed(TECHNIQUE, seen_in=["page"]), "seen_in", "founding mark"),
    "unknown key": (changed(TECHNIQUE, author="me"), "author", "no such field"),
    "misspelt key": (spoiled("color:", "colour:"), "colour", "no such field"),
    "unknown tactic": (changed(TECHNIQUE, tactics=["AMLTM.EVADE", "AMLTM.NOPE"]), "tactics[2]", "has no tactic"),
    "no tactic": (changed(TECHNIQUE, tactics=None), "tactics", "it is missing"),
    "id taken": (changed(TECHNIQUE, id="AMLTM.EVADE.01"), "id", "is taken"),
    "id of another matrix": (changed(TECHNIQUE, id="AML.T0099"), "id", "not the shape"),
    "id of another column": (changed(TECHNIQUE, id="AMLTM.INIT.07"), "id", "none of its tactics"),
    "id of a child without parent": (changed(TECHNIQUE, id="AMLTM.EVADE.01.03"), "id", "names no parent"),
    "parent missing": (
        changed(TECHNIQUE, id="AMLTM.EVADE.09.01", parent="AMLTM.EVADE.09"),
        "parent",
        "there is no technique",
    ),
    "its own parent": (changed(TECHNIQUE, parent="AMLTM.EVADE.04"), "parent", "in a circle"),
    "below a sub-technique": (
        changed(TECHNIQUE, id="AMLTM.EVADE.01.02.01", parent="AMLTM.EVADE.01.02"),
        "parent",
        "a sub-technique itself",
    ),
    "tactics of another than its parent": (
        changed(TECHNIQUE, id="AMLTM.EVADE.01.03", parent="AMLTM.EVADE.01", tactics=["AMLTM.EVADE", "AMLTM.EXFIL"]),
        "tactics",
        "differ from those of its parent",
    ),
    "no color": (changed(TECHNIQUE, color=None), "color", "it is missing"),
    "unknown color": (changed(TECHNIQUE, color="red"), "color", "none of its values"),
    "white without ATT&CK": (changed(TECHNIQUE, color="white"), "attack", "it is missing"),
    "orange with ATT&CK": (changed(TECHNIQUE, attack="T1078"), "attack", "special to ML"),
    "ATT&CK id of wrong shape": (changed(TECHNIQUE, color="white", attack="1078"), "attack", "not the shape"),
    "name of another": (changed(TECHNIQUE, name="Model Poisoning"), "name", "has this name"),
    "empty name": (changed(TECHNIQUE, name=""), "name", "it is missing"),
    "name with a line break": (changed(TECHNIQUE, name="a\nb"), "name", "line breaks"),
    "name that clears a terminal": (spoiled("Sensor Spoofing", '"a\\e[2Jb"'), "name", "control characters"),
    "name too long": (changed(TECHNIQUE, name="n" * 121), "name", "longer than"),
    "template left in": (changed(TECHNIQUE, description="TODO describe"), "description", "template"),
    "blank left in": (changed(TECHNIQUE, name="<name>"), "name", "template"),
    "unknown harm": (changed(TECHNIQUE, harms=["privacy"]), "harms[1]", "none of its values"),
    "evidence for nothing": (changed(EVIDENCE, technique="AMLTM.EVADE.99"), "technique", "has no technique"),
    "unknown matrix": (changed(TECHNIQUE, matrix="amltm-2021"), "matrix", "no matrix version"),
    "no matrix": (changed(TECHNIQUE, matrix=None), "matrix", "it is missing"),
    "unknown kind": (changed(TECHNIQUE, kind="defence"), "kind", "none of its values"),
    "no kind": (changed(TECHNIQUE, kind=None), "kind", "it is missing"),
    "another schema": (changed(TECHNIQUE, schema="caponier.contribution/2"), "schema", "none of its values"),
    "step of an unknown technique": (
        with_row(STUDY, "steps", 2, technique="AMLTM.EVADE.77"),
        "steps[2].technique",
        "has no technique",
    ),
    "step under a tactic of another": (
        with_row(STUDY, "steps", 2, tactic="AMLTM.EXFIL"),
        "steps[2].tactic",
        "none of the tactics of",
    ),
    "step without words": (with_row(STUDY, "steps", 1, summary=None), "steps[1].summary", "it is missing"),
    "strategy against the colours": (changed(STUDY, strategy="traditional"), "strategy", "a step is orange"),
    "study without steps": (changed(STUDY, steps=None), "steps", "it is missing"),
    "study without reference": (changed(STUDY, references=[]), "references", "it is missing"),
    "study without disclosure": (changed(STUDY, disclosure=None), "disclosure", "it is missing"),
    "study on research alone": (changed(STUDY, target="a research prototype"), "target", "no real system"),
    "study with a risk": (changed(STUDY, risk_level="high"), "risk_level", "ranks no risks"),
    "study with a taken number": (changed(STUDY, id="AML.CS0000"), "id", "shape of an id of a new case study"),
    "key twice": (TECHNIQUE + "name: Another\n", "name", "there twice"),
    "alias": (spoiled("harms: [integrity]", "harms: &a [*a]"), "harms[1]", "aliases"),
    "tag": (spoiled("Sensor Spoofing", "!!python/object:os.system x"), "name", "tags"),
    "nested deeply": (spoiled("[integrity]", "[" * 100 + "]" * 100), "file", "nested too deeply"),
    "no YAML": (TECHNIQUE + "}{", "file", "not YAML"),
    "empty": ("", "file", "empty"),
    "a list": ("- 1\n", "file", "no fields"),
    "two documents": (TECHNIQUE + "---\na: 1\n", "file", "second document"),
    "too large": (TECHNIQUE + "#" * 300_000, "file", "larger than"),
}


def reviewed(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ran:
    return run(capsys, "matrix", "review", *arguments)


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[dict[str, object]]]:
    ran = reviewed(capsys, *arguments, "--format", "json")
    return ran.code, [one for file in json.loads(ran.out)["files"] for one in file["objections"]]


@pytest.mark.parametrize("why", BAD)
def test_a_bad_contribution_leaves_with_2_and_names_the_field(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, why: str
) -> None:
    text, field, what = BAD[why]
    code, issues = told(capsys, file(tmp_path, text))
    assert code == 2
    meant = [one for one in issues if one["field"] == field]
    assert any(what in str(one["what"]) and one["weight"] == "error" and one["mend"] for one in meant), issues


@pytest.mark.parametrize("text", [TECHNIQUE, EVIDENCE, STUDY])
def test_a_good_one_leaves_with_0(capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str) -> None:
    ran = reviewed(capsys, file(tmp_path, text))
    assert (ran.code, ran.out.split(": ")[-1].strip()) == (0, "nothing found")


LOOK = {
    "nearly a name": (changed(TECHNIQUE, name="Poisoning of Model"), "name"),
    "name as of another": (changed(TECHNIQUE, name="Models Poisoning"), "name"),
    "skipped number": (changed(TECHNIQUE, id="AMLTM.EVADE.07"), "id"),
    "unusual disclosure": (claim(type="incident", disclosure="permission"), "evidence[1].disclosure"),
    "may": (claim(result="Lasers could make the voice assistants carry out commands."), "evidence[1].result"),
    "sounds like research": (claim(system="A classifier of Google, for ImageNet"), "evidence[1].system"),
    "advice in a description": (changed(TECHNIQUE, description="Speaks at a sensor. Mitigate it."), "description"),
    "rank in a result": (claim(result="They carried out commands, with CVSS 7.6."), "evidence[1].result"),
    "advice in a summary": (changed(STUDY, summary="Owners should limit what it gives away."), "summary"),
    "older than its parent": (
        changed(claim(date="2001"), id="AMLTM.EVADE.01.03", parent="AMLTM.EVADE.01", name="Something Else Altogether"),
        "evidence[1].date",
    ),
}


@pytest.mark.parametrize("why", LOOK)
def test_what_only_a_person_can_judge_leaves_with_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, why: str
) -> None:
    text, field = LOOK[why]
    code, issues = told(capsys, file(tmp_path, text))
    assert (code, [(one["field"], one["weight"]) for one in issues]) == (1, [(field, "look")])


def test_all_problems_are_told_at_once_with_file_and_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = claim(date="2999", severity="high").replace("name: Sensor", "name: TODO Sensor")
    path = file(tmp_path, text.replace("AMLTM.EVADE.04", "AMLTM.EVADE.01"))
    lines = path.read_text().splitlines()
    code, issues = told(capsys, path)
    assert code == 2
    assert {one["field"] for one in issues} == {"id", "name", "evidence[1].date", "evidence[1].severity"}
    for one in issues:
        key = str(one["field"]).split(".")[-1]
        assert lines[int(str(one["line"])) - 1].strip().removeprefix("- ").startswith(f"{key}:")
    first = reviewed(capsys, path).out.splitlines()[0]
    assert first.startswith(f"{path}:4: id: error: AMLTM.EVADE.01 is taken")


@pytest.mark.parametrize(("text", "code", "said"), [(TECHNIQUE, 0, "-: nothing found"), ("x", 2, "-:1: file: error: ")])
def test_one_is_read_from_standard_input(capsys: pytest.CaptureFixture[str], text: str, code: int, said: str) -> None:
    ran = run(capsys, "matrix", "review", "-", stdin=text.encode())
    assert ran.code == code
    assert ran.out.startswith(said)


def test_a_blank_field_is_named_by_its_own_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = spoiled("color: orange", "color:")
    line = text.splitlines().index("color:") + 1
    ran = run(capsys, "matrix", "review", file(tmp_path, text, "blank.yaml"))
    assert f"blank.yaml:{line}: color: error: it is missing" in ran.out


def test_several_are_reviewed_together(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file(tmp_path, TECHNIQUE, "sub/a.yml")
    child = changed(TECHNIQUE, id="AMLTM.EVADE.04.01", parent="AMLTM.EVADE.04", name="Spoken", description="Says it.")
    file(tmp_path, child, "sub/b.yaml")
    file(tmp_path, "not read", "sub/notes.txt")
    file(tmp_path, "not read", "sub/.git/c.yaml")
    assert told(capsys, tmp_path) == (0, [])
    file(tmp_path, TECHNIQUE, "z.yaml")
    code, issues = told(capsys, tmp_path)
    assert code == 2
    assert "is taken, by the proposal in" in str(issues)


def test_a_cycle_across_files_is_named_in_both(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    one = file(tmp_path, changed(TECHNIQUE, id="AMLTM.EVADE.04", parent="AMLTM.EVADE.05"), "a.yaml")
    two = file(tmp_path, changed(TECHNIQUE, id="AMLTM.EVADE.05", parent="AMLTM.EVADE.04"), "b.yaml")
    code, issues = told(capsys, one, two)
    assert code == 2
    cycles = [str(one["what"]) for one in issues if one["field"] == "parent"]
    assert cycles == [
        "the parents run in a circle: AMLTM.EVADE.04 - AMLTM.EVADE.05 - AMLTM.EVADE.04",
        "the parents run in a circle: AMLTM.EVADE.05 - AMLTM.EVADE.04 - AMLTM.EVADE.05",
    ]


@pytest.mark.parametrize("name", ["absent.yaml", "folder", "pipe.yaml"])
def test_what_cannot_be_read_leaves_with_2(capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    ran = reviewed(capsys, tmp_path / name)
    assert ran.code == 2
    assert name in ran.out + ran.err


def test_the_version_asked_for_is_held_against(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = file(tmp_path, TECHNIQUE)
    assert reviewed(capsys, path, "--matrix", "nope").code == 2
    code, issues = told(capsys, path, "--matrix", "atlas-5.6")
    assert (code, [one["field"] for one in issues]) == (2, ["matrix"])
    assert told(capsys, path, "--matrix", "amltm-2020") == (0, [])


def test_quiet_prints_the_result_alone_and_out_writes_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path, out = file(tmp_path, TECHNIQUE), tmp_path / "review.md"
    ran = reviewed(capsys, path, "--quiet", "--out", out)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert out.read_text().startswith("# Review")


@pytest.mark.parametrize("width", ["20", "60"])
def test_an_objection_is_one_line_however_long(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    path = file(tmp_path, changed(TECHNIQUE, severity="high"), f"{'long' * 40}.yaml")
    head, hint = reviewed(capsys, path).out.splitlines()
    assert head.startswith(f"{path}:")
    assert head.endswith("the system that it happens to")
    assert hint.startswith("    Take it out")


def test_a_summary_is_added_to_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path, summary = file(tmp_path, TECHNIQUE), tmp_path / "summary.md"
    summary.write_text("Before.\n")
    ran = reviewed(capsys, path, "--summary", summary, "--format", "github")
    assert (ran.code, ran.out) == (0, "")
    assert summary.read_text().startswith("Before.\n# Review of contributions")
    assert reviewed(capsys, path, "--summary", tmp_path).code == 2


HOW_TO = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "contribute-to-a-matrix.md"


@pytest.mark.skipif(not (HOW_TO.parents[2] / ".github").is_dir(), reason="needs a checkout")
def test_the_documents_show_a_contribution_that_can_be_taken(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    shown, workflow = blocks
    assert told(capsys, file(tmp_path, shown)) == (0, [])
    steps = yaml.safe_load(workflow)["jobs"]["review"]["steps"]
    used = next(step for step in steps if "matrix-review" in step["uses"])
    action = yaml.safe_load((HOW_TO.parents[2] / used["uses"] / "action.yml").read_text(encoding="utf-8"))
    assert set(used["with"]) <= set(action["inputs"])
