"""`caponier matrix diff` as a user runs it."""

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from caponier.cli.matrix import app
from caponier.cli.matrix.diff_text import to_csv, to_markdown
from caponier.errors import InputError
from caponier.matrix.mapping.diff import compare
from caponier.matrix.mapping.difference import DifferenceKind
from caponier.matrix.versions import release_file
from caponier.matrix.versions.catalogue import load
from caponier.matrix.versions.release import Release
from matrix.versions_by_hand import entry, study, version
from outputs.held_output import HeldOutputs

FORMAT_6 = Path(__file__).parents[2] / "matrix" / "versions" / "loaders" / "atlas-2026.09.yaml"


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["diff", *args])


def told(*args: str) -> str:
    result = run(*args)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_help_ends_with_an_example_and_says_that_everything_takes_part():
    text = re.sub(r"\x1b\[[0-9;]*m", "", told("--help"))
    assert "Example: caponier matrix diff" in " ".join(text.split()[-20:])
    assert "only in research" in " ".join(text.split())


def test_the_counts_come_first_and_every_kind_has_its_sign(held: HeldOutputs):
    lines = told("amltm-2020", "atlas-5.6").splitlines()
    heads = [line for line in lines if re.match(r"[-+>~] [A-Z]", line)]
    held.check("matrix/diff-heads", "\n".join([*lines[:5], *heads]))
    assert max(map(len, lines)) <= 168


def test_a_line_says_what_stands_for_what_and_whether_somebody_must_decide(held: HeldOutputs):
    lines = told("amltm-2020", "atlas-5.6").splitlines()
    found = [next(line for line in lines if f"{id_} " in line) for id_ in ("AMLTM.INIT.02", "AMLTM.EXFIL.01")]
    assert [line.startswith("!") for line in found] == [False, True]
    assert ["AML.T0012" in found[0], "AML.T0024" in found[1]] == [True, True]
    (gone,) = [line for line in lines if "AMLTM.IMPACT.06" in line]
    assert "AML.T0029" in gone
    held.check("matrix/diff-lines", "\n".join([*found, gone]))


def test_research_only_entries_take_part():
    assert "AML.T0024.000" in told("amltm-2020", "atlas-5.6", "--only", "replaced")


def test_it_is_readable_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    drawn = told("amltm-2020", "atlas-5.6")
    assert max(map(len, drawn.splitlines())) <= 80
    assert "AMLTM.EVADE.01.02" in drawn


def test_a_remark_says_through_what_they_were_compared_and_quiet_is_quiet():
    assert "this project's own crosswalk" in run("amltm-2020", "atlas-5.6").stderr
    assert run("amltm-2020", "atlas-5.6", "--quiet").stderr == ""


def test_no_difference_is_said_and_is_no_fault():
    drawn = told("atlas-5.6", "atlas-5.6")
    assert drawn.splitlines()[-1] == "No changes."


def test_a_file_of_another_format_is_compared_with_a_version_at_hand():
    result = run("atlas-5.6", str(FORMAT_6))
    assert result.exit_code == 0
    assert "AML.T0019 Publish Poisoned Datasets" in result.stdout
    assert "-> AML.T0115.000 Publish Poisoned AI Artifacts: Publish" in result.stdout
    assert "not checked" in " ".join(result.stdout.split())
    assert f"{FORMAT_6}: atlas-2026.09 (" in result.stderr


def test_a_file_in_the_folder_is_found_by_its_ending():
    Path("mine.yaml").write_bytes(FORMAT_6.read_bytes())
    assert "atlas-2026.09" in told("atlas-5.6", "mine.yaml", "-q")


def test_a_version_that_the_workspace_imported(tmp_path: Path):
    (tmp_path / "caponier.toml").write_text('[workspace]\nname = "ours"\n', encoding="utf-8")
    folder = tmp_path / "matrix"
    folder.mkdir()
    ours = version("team-1", [entry("AML.T9000", "Ours")])
    (folder / "team-1.json").write_bytes(release_file.to_bytes(Release(ours, "caponier", "")))
    assert "AML.T9000 Ours" in told("atlas-5.6", "team-1", "--only", "added")


def test_only_shows_some_kinds():
    drawn = told("amltm-2020", "atlas-5.6", "--only", "removed", "--only", "split")
    heads = [line.split(":")[0] for line in drawn.splitlines() if re.match(r"[-+>~] [A-Z]", line)]
    assert heads == ["- Removed", "> Split", "> Split"]
    assert run("amltm-2020", "atlas-5.6", "--only", "guessed").exit_code == 2


def test_as_json():
    document = json.loads(told("amltm-2020", "atlas-5.6", "--format", "json"))
    assert document["schema"] == "caponier.matrix-diff/1"
    assert document["before"] == {
        "version": "amltm-2020",
        "name": "Adversarial ML Threat Matrix",
        "released": "2020-10-23",
    }
    assert document["summary"]["technique"]["replaced"] == 31
    counts = Counter((change["noun"], change["kind"]) for change in document["changes"])
    for noun, kinds in document["summary"].items():
        assert {kind: counts[noun, kind] for kind in kinds} == kinds
    (valid,) = [change for change in document["changes"] if change["id"] == "AMLTM.INIT.02"]
    assert valid["after"][0]["id"] == "AML.T0012"
    assert valid["after"][0]["tactics"] == ["AML.TA0004", "AML.TA0012"]
    assert valid["needs_human"] is False


def test_as_csv():
    rows = list(csv.DictReader(io.StringIO(told("amltm-2020", "atlas-5.6", "--format", "csv"))))
    by_id = {row["before_ids"]: row for row in rows if row["before_ids"]}
    assert by_id["AMLTM.EVADE.01.02"]["after_ids"] == "AML.T0015; AML.T0043.001"
    assert by_id["AMLTM.EVADE.01.02"]["needs_human"] == "yes"
    assert by_id["AMLTM.IMPACT.04"]["nearest"] == "AML.T0101; AML.T0029"
    assert Counter(row["kind"] for row in rows)["added"] == 117 + 44 + 8


def test_as_a_change_log(tmp_path: Path):
    page = tmp_path / "changes.md"
    assert told("atlas-5.6", str(FORMAT_6), "--out", str(page)) == ""
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# atlas-5.6 to atlas-2026.09\n")
    assert "| techniques | " in text
    assert "\n## Replaced\n\n### Techniques (3)\n\n- `AML.T0019` Publish Poisoned Datasets → `AML.T0115.000` " in text
    assert "- `AML.T0020` Poison Training Data → Training Data Poisoning\n" in text
    assert "\n## Added\n" in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_an_empty_change_log_says_so():
    assert "Nothing changed." in told("atlas-5.6", "atlas-5.6", "--format", "markdown")


def test_unknown_versions_and_files_are_input_errors():
    unknown = run("amltm-2020", "atlas-5.7")
    assert isinstance(unknown.exception, InputError)
    assert "Did you mean 'atlas-5.6'?" in (unknown.exception.hint or "")
    assert "Or name a file" in (unknown.exception.hint or "")
    missing = run("amltm-2020", "nowhere/ATLAS.yaml")
    assert isinstance(missing.exception, InputError)
    assert "ATLAS.yaml" in str(missing.exception)


def test_a_damaged_file_is_an_input_error_and_prints_nothing():
    Path("broken.yaml").write_text("tactics: [", encoding="utf-8")
    broken = run("atlas-5.6", "broken.yaml")
    assert isinstance(broken.exception, InputError)
    assert broken.exception.exit_code == 2
    assert broken.stdout == ""


def test_a_file_that_does_not_say_its_version_is_to_be_imported_under_a_name():
    Path("nameless.yaml").write_text(
        FORMAT_6.read_text(encoding="utf-8").replace('version: "2026.09"', "description: none"), encoding="utf-8"
    )
    nameless = run("atlas-5.6", "nameless.yaml")
    assert isinstance(nameless.exception, InputError)
    assert "caponier matrix import nameless.yaml --version VERSION" in (nameless.exception.hint or "")


def test_attack_is_no_version_of_the_matrix():
    ours = version("attack-enterprise-17.0", [entry("T1078", tactics=("AML.TA0000",))], kind="attack")
    Path("attack.json").write_bytes(release_file.to_bytes(Release(ours, "attack-stix", "")))
    refused = run("amltm-2020", "attack.json")
    assert isinstance(refused.exception, InputError)
    assert "not versions of one matrix" in str(refused.exception)


HOSTILE = "=cmd|' /C calc'!A0 \x1b[31m[bold]red[/bold] | <script>"


def hostile_file(name: str) -> str:
    matrix = version("atlas-5.6.9", [entry("AML.T9000", name)], studies=(study("AML.CS9000", name),))
    Path("hostile.json").write_bytes(release_file.to_bytes(Release(matrix, "caponier", "")))
    return "hostile.json"


def test_hostile_names_reach_a_terminal_as_text_only():
    before = version("atlas-5.6.0", [entry("AML.T9000", "Name")])
    after = version("atlas-5.6.9", [entry("AML.T9000", HOSTILE), entry("AML.T9001", HOSTILE)])
    difference = compare(before, after)
    assert "\x1b" not in to_markdown(difference, before, after)
    assert "<script>" not in to_markdown(difference, before, after)
    rows = list(csv.reader(io.StringIO(to_csv(difference, before, after))))
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_hostile_names_of_a_file_are_text():
    assert "[bold]red[/bold] | <script>" in told("atlas-5.6", hostile_file(HOSTILE.replace("\x1b", "")))


def test_a_file_with_names_that_a_terminal_obeys_is_no_version():
    refused = run("atlas-5.6", hostile_file(HOSTILE))
    assert isinstance(refused.exception, InputError)
    assert "plain characters" in str(refused.exception)


@pytest.mark.parametrize("kind", list(DifferenceKind))
def test_any_kind_can_be_asked_for(kind: DifferenceKind):
    drawn = told("amltm-2020", "atlas-5.6", "--only", kind.value)
    there = compare(load("amltm-2020"), load("atlas-5.6")).of(kind=kind)
    assert (f" {kind.value.capitalize()}: " in drawn) == bool(there)
    assert ("No changes of this kind." in drawn) != bool(there)
    assert "techniques     58 -> 170  -6 removed" in drawn
