"""`caponier matrix export`, as users run it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from caponier.app.workspace.workspace import create_workspace
from caponier.matrix.versions import release_file
from caponier.matrix.versions.catalogue import load
from cli.command import run


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)


def test_without_anything_all_of_the_2020_matrix_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(capsys, "matrix", "export")
    assert (ran.code, ran.err) == (0, "")
    assert release_file.from_bytes(ran.out.encode(), "x").matrix == load()


def test_json_leaves_nothing_out(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(capsys, "matrix", "export", "--matrix", "atlas-5.6", "--format", "json")
    assert (ran.code, ran.err) == (0, "")
    assert release_file.from_bytes(ran.out.encode(), "x").matrix == load("atlas-5.6")


def test_a_layer_into_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "layer.json"
    ran = run(capsys, "matrix", "export", "--matrix", "atlas-5.6", "--format", "navigator", "--out", out)
    assert (ran.code, ran.out) == (0, "")
    assert "17 entries" in ran.err
    assert f"153 entries written to {out}" in ran.err.replace("\n", "")
    assert json.loads(out.read_text())["domain"] == "atlas-atlas"


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "m.csv"
    ran = run(capsys, "matrix", "export", "--matrix", "atlas-5.6", "--out", out, "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert len(out.read_text().splitlines()) == 1 + 153


def test_all_and_ids(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(capsys, "matrix", "export", "--matrix", "atlas-5.6", "--format", "csv", "--all")
    assert len(ran.out.splitlines()) == 1 + 170
    ran = run(capsys, "matrix", "export", "AMLTM.IMPACT", "--format", "csv")
    assert {line.split(",")[0].rsplit(".", 1)[0] for line in ran.out.splitlines()[1:]} >= {"AMLTM.IMPACT"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["NOPE"], "nothing with the id 'NOPE'"),
        (["--matrix", "atlas-5.7"], "Did you mean 'atlas-5.6'?"),
        (["--workspace", "nowhere"], "nowhere"),
        (["--out", "missing/x.json"], "missing"),
    ],
)
def test_a_wrong_request_changes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], said: str
) -> None:
    ran = run(capsys, "matrix", "export", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert list(tmp_path.iterdir()) == []


def test_help_ends_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Example: caponier matrix export" in run(capsys, "matrix", "export", "--help").out


def test_an_import_reads_back_what_was_exported(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    create_workspace(tmp_path)
    out = tmp_path / "atlas.json"
    assert run(capsys, "matrix", "export", "--matrix", "atlas-5.6", "--out", out, "--quiet").code == 0
    assert run(capsys, "matrix", "import", out, "--version", "ours", "--quiet").code == 0
    ran = run(capsys, "matrix", "export", "--matrix", "ours")
    assert release_file.from_bytes(ran.out.encode(), "x").matrix == replace(load("atlas-5.6"), version="ours")


@pytest.mark.parametrize(
    ("format_", "holds"),
    [
        ("navigator", '"domain": "atlas-atlas"'),
        ("stix", '"type": "attack-pattern"'),
        ("svg", "<title>AML.T0029"),
        ("markdown", "| AML.T0029 |"),
        ("csv", "AML.T0029,"),
        ("json", '"id": "AML.T0029"'),
    ],
)
def test_every_format_is_offered(capsys: pytest.CaptureFixture[str], format_: str, holds: str) -> None:
    ran = run(capsys, "matrix", "export", "AML.T0029", "--matrix", "atlas-5.6", "--format", format_)
    assert (ran.code, ran.err) == (0, "")
    assert holds in ran.out


def test_a_case_study_is_a_flow(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(capsys, "matrix", "export", "amltm.cs09", "--format", "attack-flow")
    assert (ran.code, ran.err) == (0, "")
    assert '"name": "ProofPoint Evasion"' in ran.out
    ran = run(capsys, "matrix", "export", "--format", "attack-flow")
    assert (ran.code, ran.out) == (2, "")
    assert "an attack flow is of one case study" in ran.err


def test_the_ending_of_the_file_decides(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "matrix.svg"
    assert run(capsys, "matrix", "export", "--out", out, "--quiet").code == 0
    assert out.read_text().startswith("<svg")
