"""Somebody moves a workspace to the newest release, and is told what that means for what they have written."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from caponier.app.workspace.workspace import create_workspace, load_workspace
from cli.command import Ran, run

FILES = Path(__file__).resolve().parents[2] / "matrix" / "versions" / "loaders"
SMALL = {"atlas-4.4.0.yaml": "format-4.yaml", "atlas-5.6.0.yaml": "format-5.yaml"}
"""Small files in the place of the published ones."""
Command = Callable[..., Ran]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("NO_COLOR", "1")
    folder = create_workspace(tmp_path / "home").parent
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def update(capsys: pytest.CaptureFixture[str]) -> Command:
    def command(name: str, *arguments: object) -> Ran:
        named = ("--version", name.removesuffix(".yaml")) if name in SMALL else ()
        return run(capsys, "matrix", "update", FILES / SMALL.get(name, name), *named, *arguments)

    return command


def layer(home: Path, *ids: str) -> Path:
    path = home / "layer.json"
    entries = [{"techniqueID": id_, "score": 1} for id_ in ids]
    versions = {"layer": "4.5", "navigator": "5.0.0"}
    path.write_text(json.dumps({"name": "x", "versions": versions, "domain": "atlas-atlas", "techniques": entries}))
    return path


def test_it_tells_the_age_the_digest_and_the_changes(update: Command, home: Path):
    update("atlas-4.4.0.yaml")
    ran = update("atlas-5.6.0.yaml")
    lines = ran.out.splitlines()
    assert ran.code == 0
    assert lines[0] == "atlas-4.4.0 -> atlas-5.6.0"
    assert "atlas-4.4.0 was released on 2023-04-12" in lines[1]
    assert "atlas-5.6.0 came 1,114 days later" in lines[1]
    assert "nothing vouches for the file" in lines[2]
    assert "techniques: " in ran.out
    assert "AML.T0015" in next(line for line in lines if "nothing is known to take over" in line)
    assert lines[-1].endswith("atlas-5.6.0.json, and pinned")
    assert "caponier matrix diff atlas-4.4.0 atlas-5.6.0" in ran.err
    assert load_workspace(home).pinned == "atlas-5.6.0"


def test_a_digest_vouches_or_stops_everything(update: Command, home: Path):
    data = (FILES / "format-4.yaml").read_bytes()
    ran = update("atlas-4.4.0.yaml", "--sha256", "0" * 64)
    assert (ran.code, ran.out) == (2, "")
    assert "do not use it" in ran.err
    assert load_workspace(home).pinned is None
    assert not (home / "matrix").exists()
    ran = update("atlas-4.4.0.yaml", "--sha256", hashlib.sha256(data).hexdigest())
    assert "as the digest that was given says" in ran.out


def test_a_dry_run_changes_nothing_and_says_so(update: Command, home: Path):
    before = (home / "caponier.toml").read_bytes()
    ran = update("atlas-5.6.0.yaml", "--dry-run")
    assert ran.code == 0
    assert "atlas-5.6.0 would be kept and pinned" in ran.out
    assert "nothing has changed" in ran.err
    assert (home / "caponier.toml").read_bytes() == before
    assert not (home / "matrix").exists()


def test_what_needs_a_person_is_listed_and_is_3(update: Command, home: Path):
    update("atlas-4.4.0.yaml")
    # No file of ours says what became of it in this small release.
    ran = update("atlas-5.6.0.yaml", "--migrate", layer(home, "AML.T0000", "AML.T0015"))
    assert ran.code == 3
    assert "1 needs a person; written to" in ran.out
    assert any("AML.T0015 stays as it is" in line and "layer.json:1" in line for line in ran.out.splitlines())
    assert (home / "layer.atlas-5.6.0.json").is_file()
    assert load_workspace(home).pinned == "atlas-5.6.0"


def test_what_is_skipped_is_listed_and_is_3(update: Command, home: Path):
    (home / "notes.json").write_text('{"nothing": "of a matrix"}')
    ran = update("atlas-5.6.0.yaml", "--migrate", home / "notes.json", "--quiet")
    assert ran.code == 3
    assert "skipped " in ran.out
    assert "notes.json" in ran.out


def test_into_a_file_nothing_is_left_out(update: Command, home: Path):
    update("atlas-4.4.0.yaml")
    ran = update("atlas-5.6.0.yaml", "--migrate", layer(home, "AML.T0015"), "--out", "told.txt")
    assert (ran.code, ran.out) == (3, "")
    assert "AML.T0015 stays as it is" in (home / "told.txt").read_text()


def test_what_carries_over_by_itself_is_0(update: Command, home: Path):
    update("atlas-4.4.0.yaml")
    ran = update("atlas-5.6.0.yaml", "--migrate", layer(home, "AML.T0000"))
    assert ran.code == 0
    assert "none needs a person" in ran.out


def test_as_json_it_is_a_contract(update: Command, home: Path):
    update("atlas-4.4.0.yaml")
    ran = update("atlas-5.6.0.yaml", "--format", "json", "--migrate", layer(home, "AML.T0000"))
    told = json.loads(ran.out)
    assert told["schema"] == "caponier.matrix-update/1"
    assert (told["before"]["version"], told["after"]["version"]) == ("atlas-4.4.0", "atlas-5.6.0")
    assert (told["vouched_by"], told["days_between_releases"], told["pinned"]) == (None, 1114, True)
    assert told["changes"]["technique"]["removed"] == 2
    assert told["import"]["new"] is True
    assert told["migration"]["files"][0]["path"].endswith("layer.json")


def test_quiet_prints_the_result_only(update: Command):
    ran = update("atlas-5.6.0.yaml", "--quiet")
    assert ran.out.startswith("amltm-2020 -> atlas-5.6.0")
    assert ran.err == ""


def test_an_older_release_is_called_older(update: Command):
    update("atlas-5.6.0.yaml")
    assert "atlas-4.4.0 is older by 1,114 days" in update("atlas-4.4.0.yaml").out


def test_another_matrix_never_takes_the_place_of_the_pinned_one(update: Command, home: Path):
    ran = update("attack-enterprise-17.0.json")
    assert (ran.code, ran.out) == (2, "")
    assert "caponier matrix import FILE" in ran.err
    assert not (home / "matrix").exists()


def test_a_broken_file_is_2_and_leaves_nothing(update: Command, home: Path, capsys: pytest.CaptureFixture[str]):
    path = home / "ATLAS.yaml"
    shutil.copy(FILES / "format-5.yaml", path)
    path.write_text(path.read_text()[:1000])
    ran = run(capsys, "matrix", "update", path)
    assert (ran.code, ran.out) == (2, "")
    assert load_workspace(home).pinned is None
    assert not (home / "matrix").exists()


def test_the_pinned_version_is_the_one_that_other_commands_take(update: Command, capsys: pytest.CaptureFixture[str]):
    update("atlas-5.6.0.yaml")
    assert "AML.T0052.001" in run(capsys, "matrix", "list", "--format", "csv").out


def test_help_ends_with_an_example(update: Command, capsys: pytest.CaptureFixture[str]):
    assert "Example: caponier matrix update ATLAS.yaml" in run(capsys, "matrix", "update", "--help").out
