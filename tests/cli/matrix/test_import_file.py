"""Somebody downloads a release and imports it; or downloads something else, and is told what is wrong with it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from caponier.app.workspace.workspace import create_workspace
from cli.command import Ran, run

FILES = Path(__file__).resolve().parents[2] / "matrix" / "versions" / "loaders"
Command = Callable[..., Ran]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    folder = create_workspace(tmp_path / "home").parent
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def matrix(capsys: pytest.CaptureFixture[str]) -> Command:
    def command(*arguments: object, stdin: bytes = b"") -> Ran:
        return run(capsys, "matrix", *arguments, stdin=stdin)

    return command


def test_it_tells_what_was_imported(matrix: Command, home: Path):
    ran = matrix("import", FILES / "format-5.yaml")
    assert ran.code == 0
    assert ran.out.splitlines()[:5] == [
        "atlas-5.6.9  MITRE ATLAS, release date unknown, read as atlas-4",
        "  tactics: 2",
        "  techniques: 3, sub-techniques: 1, of both in the default view: 3",
        "  case studies: 1, steps: 1",
        "  retired entries: 0",
    ]
    assert f"kept in {home / 'matrix' / 'atlas-5.6.9.json'}" in ran.out
    assert "note: AML.T0106: its ATT&CK id T1211 was put right as T1212." in ran.err
    assert "caponier matrix list --matrix atlas-5.6.9" in ran.err


def test_what_was_imported_can_be_listed_and_shown(matrix: Command):
    matrix("import", FILES / "format-4.yaml")
    assert "AML.T0015" in matrix("list", "--matrix", "atlas-4.4.9", "--format", "csv").out
    assert "AML.T0045" not in matrix("list", "--matrix", "atlas-4.4.9", "--format", "csv").out
    assert "AML.T0045" in matrix("list", "--matrix", "atlas-4.4.9", "--format", "csv", "--all").out
    assert "Evade ML Model" in matrix("show", "AML.T0015", "--matrix", "atlas-4.4.9").out


def test_the_same_again_is_fine_and_said(matrix: Command):
    matrix("import", FILES / "format-4.yaml")
    ran = matrix("import", FILES / "format-4.yaml")
    assert ran.code == 0
    assert "was there already, with the same content" in ran.err


def test_quiet_prints_the_result_only(matrix: Command):
    ran = matrix("import", FILES / "format-5.yaml", "--quiet")
    assert ran.out.startswith("atlas-5.6.9  ")
    assert ran.err == ""


def test_as_json_it_is_a_contract(matrix: Command, home: Path):
    told = json.loads(matrix("import", FILES / "atlas-2026.09.yaml", "--format", "json").out)
    assert told["schema"] == "caponier.matrix-import/1"
    assert (told["version"], told["kind"], told["format"]) == ("atlas-2026.09", "atlas", "atlas-6")
    assert (told["released"], told["new"]) == ("2026-09-15", True)
    assert told["counts"]["case_studies"] == 3
    assert len(told["sha256"]) == 64
    assert told["kept"] == str(home / "matrix" / "atlas-2026.09.json")
    assert len(told["remarks"]) == 2


def test_it_can_come_through_a_pipe(matrix: Command):
    data = (FILES / "format-4.yaml").read_bytes()
    assert matrix("import", "-", stdin=data).out.startswith("atlas-4.4.9  ")
    assert matrix("diff", "-", "atlas-4.4.9", "--quiet", stdin=data).out.splitlines()[-1] == "No changes."
    assert matrix("update", "-", "--dry-run", stdin=data).code == 0
    assert matrix("import", "-", stdin=data[:1000]).code == 2


def test_a_digest_that_is_not_known_is_no_line(matrix: Command):
    assert "  sha256 " in matrix("import", FILES / "format-4.yaml").out
    matrix("export", "--format", "json", "--out", "own.json")
    assert "sha256" not in matrix("import", "own.json", "--version", "team-1").out


def test_into_a_file_the_ending_decides(matrix: Command, home: Path):
    assert matrix("import", FILES / "format-4.yaml", "--out", "told.json").out == ""
    assert json.loads((home / "told.json").read_text())["version"] == "atlas-4.4.9"


def test_another_workspace_and_another_name(matrix: Command, tmp_path: Path, home: Path):
    other = create_workspace(tmp_path / "other").parent
    ran = matrix("import", FILES / "format-4.yaml", "--workspace", other, "--version", "4.4.7")
    assert ran.code == 0
    assert (other / "matrix" / "atlas-4.4.7.json").is_file()
    assert not (home / "matrix").exists()


def test_without_a_workspace_it_is_2(matrix: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    ran = matrix("import", FILES / "format-4.yaml")
    assert ran.code == 2
    assert "caponier init" in ran.err


def text() -> str:
    return (FILES / "format-5.yaml").read_text(encoding="utf-8")


def corrected(change: Callable[[dict], object]) -> str:
    content = yaml.safe_load(text())
    change(content)
    return yaml.safe_dump(content, sort_keys=False)


def bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "\n".join(lines) + "\n" + text()


def matrices(content: dict) -> dict:
    return content["matrices"][0]


BROKEN: dict[str, tuple[Callable[[], str | bytes], str]] = {
    "truncated in a list": (lambda: text()[:1200], "ATLAS.yaml"),
    "truncated in a word": (lambda: text()[: text().index("Policy") + 3], "ATLAS.yaml:"),
    "version of another layout": (lambda: corrected(lambda c: c.update(version="6.0.0")), "'6.0.0' is no version"),
    "version that is a word": (lambda: corrected(lambda c: c.update(version="latest")), "'latest' is no version"),
    "version missing": (lambda: corrected(lambda c: c.pop("version")), "does not say its version"),
    "format 7": (lambda: "format-version: 7.0.0\n", "'7.0.0' is no version"),
    "aliases that explode": (bomb, "stands for more than 1,000,000 values"),
    "an alias of itself": (lambda: "matrices: &m [*m]\n", "names nothing that is complete"),
    "an object to be made": (lambda: "!!python/object/apply:os.system [id]\n", "is not read"),
    "a key twice": (
        lambda: text().replace("version: 5.6.9", "version: 5.6.9\nversion: 5.5.0"),
        "'version' is there twice",
    ),
    "an id twice": (
        lambda: corrected(lambda c: matrices(c)["techniques"].append(dict(matrices(c)["techniques"][0]))),
        "the id AML.T0000 is there twice",
    ),
    "a study twice": (
        lambda: corrected(lambda c: c["case-studies"].append(c["case-studies"][0])),
        "the id AML.CS0040 is there twice",
    ),
    "a stray object among techniques": (
        lambda: corrected(lambda c: matrices(c)["techniques"].append({"id": "AML.T0052", "use": "x"})),
        "techniques.4 (AML.T0052): the key 'name' is missing",
    ),
    "a stray object among categories": (
        lambda: corrected(lambda c: matrices(c)["mitigations"][0]["ml-lifecycle"].append({"severity": "high"})),
        "ml-lifecycle.2: this object does not belong here",
    ),
    "a mitigation among techniques": (
        lambda: corrected(lambda c: matrices(c)["techniques"].append(matrices(c)["mitigations"][0])),
        "an object of type 'mitigation'",
    ),
    "a parent that is not there": (
        lambda: corrected(lambda c: matrices(c)["techniques"][2].update(specializes="AML.T0099")),
        "AML.T0099, which is not there",
    ),
    "a tactic that is not there": (
        lambda: corrected(lambda c: matrices(c)["techniques"][0].update(tactics=["AML.TA0099"])),
        "AML.TA0099, which is not there",
    ),
    "a step of a technique that is not there": (
        lambda: corrected(lambda c: c["case-studies"][0]["procedure"][0].update(technique="AML.T0099")),
        "AML.CS0040 names AML.T0099",
    ),
    "a day that is none": (
        lambda: corrected(lambda c: c["case-studies"][0].update({"incident-date": "2024-13-01"})),
        "no day of the calendar",
    ),
    "nested without end": (lambda: "[" * 100_000, "ATLAS.yaml"),
    "huge": (lambda: b"# " + b"x" * (64 * 1024 * 1024), "more than 64 MiB"),
    "a web page": (lambda: "<!DOCTYPE html>\n<html></html>\n", "this is a web page"),
    "not UTF-8": (lambda: text().encode() + "# é\n".encode("latin-1"), "this is not UTF-8"),
    "UTF-16": (lambda: text().encode("utf-16"), "is NUL"),
    "a program": (lambda: b"\x7fELF\x02\x01\x01\0\0\0", "is NUL"),
    "an archive": (lambda: b"PK\x03\x04rest", "this is a zip archive"),
    "empty": (lambda: "", "the file is empty"),
    "a layer": (
        lambda: '{"name": "x", "versions": {"layer": "4.5"}, "techniques": []}',
        "holds no version of a matrix",
    ),
    "a bundle cut off": (
        lambda: (FILES / "attack-enterprise-17.0.json").read_text()[:3000],
        "this is not JSON",
    ),
    "a bundle without its version": (
        lambda: (FILES / "attack-enterprise-17.0.json").read_text().replace('"x_mitre_version": "17.0",', ""),
        "does not say its version",
    ),
    "our own file with a rank of risk": (
        lambda: '{"schema": "caponier.release/1", "severity": 9}',
        "version: Field required (and 6 more)",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_2_and_leaves_nothing(matrix: Command, home: Path, name: str):
    make, what = BROKEN[name]
    content = make()
    path = home / "ATLAS.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    before = sorted(str(found) for found in home.rglob("*"))
    ran = matrix("import", path)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    assert what in " ".join(ran.err.split())
    assert "ATLAS.yaml" in ran.err
    assert "Traceback" not in ran.err
    assert sorted(str(found) for found in home.rglob("*")) == before


def test_a_folder_and_a_file_that_is_not_there_are_2(matrix: Command, home: Path):
    assert "this is a folder" in matrix("import", home).err
    ran = matrix("import", "none.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert "none.yaml" in ran.err


def test_help_ends_with_an_example(matrix: Command):
    assert "Example: caponier matrix import ATLAS.yaml" in matrix("import", "--help").out
