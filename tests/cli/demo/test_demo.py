"""The command around a demo that is real but small."""

import dataclasses
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from caponier.cli.demo import demo as command
from caponier.demo.result import DemoResult
from caponier.emulate.registry import habits
from caponier.errors import InputError
from demo.real_demo import SecondRun, command_line, second_run

pytestmark = pytest.mark.slow

runner = CliRunner()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SecondRun:
    return second_run(tmp_path_factory)


@pytest.fixture
def shown(run: SecondRun) -> DemoResult:
    return run.result


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    return command_line()


def show(monkeypatch: pytest.MonkeyPatch, result: DemoResult) -> None:
    monkeypatch.setattr(command, "run_demo", lambda *_, **__: result)


def test_the_story_comes_first_and_stages_go_to_standard_error(run: SecondRun) -> None:
    result, out = run, run.out
    assert result.exit_code == 0, result.stdout + result.stderr
    assert result.stdout.startswith("One attacker, 6 tactics, one combined incident: found, blocked and repaired, ")
    for said in (
        "HopSkipJump",
        "sigma:model_bulk_read",
        "◆ orange",
        "◇ white",
        "60 of 60",
        "different queries",
        "AMLTM.EVADE.01.02 Online Evasion (orange",
        "AML.T0043.001",
    ):
        assert said in result.stdout
    assert f"caponier incidents list --workspace {out}" in result.stdout
    assert "caponier matrix show AMLTM.EVADE.01.02" in result.stdout
    assert f"{out}/report.html" in result.stdout
    lines = result.stderr.splitlines()
    assert lines[0] == "Training the model ..."
    assert "Scanning ..." in lines
    assert "\x1b" not in result.stdout + result.stderr


def test_json_is_one_document(app: typer.Typer, shown: DemoResult, monkeypatch: pytest.MonkeyPatch) -> None:
    show(monkeypatch, shown)
    result = runner.invoke(app, ["--format", "json", "--quiet"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout)["schema"] == "caponier.demo/2"


def test_a_missed_attacker_is_a_failure(app: typer.Typer, shown: DemoResult, monkeypatch: pytest.MonkeyPatch) -> None:
    missed = dataclasses.replace(shown.attackers[0], noticed={}, findings=0)
    show(monkeypatch, dataclasses.replace(shown, attackers=(missed, *shown.attackers[1:])))
    result = runner.invoke(app, ["--quiet"])
    assert result.exit_code == 4
    users = f"none of the {len(habits())} benign users was"
    assert result.stdout.startswith(f"2 of 3 attacks on the model were flagged, and {users}.\n")
    assert "Not as it must be: Jacobian-based augmentation was not flagged." in result.stdout
    assert "not at all" in result.stdout


def test_a_bothered_user_is_a_failure(app: typer.Typer, shown: DemoResult, monkeypatch: pytest.MonkeyPatch) -> None:
    bothered = dataclasses.replace(shown.benign[0], flagged=1)
    show(monkeypatch, dataclasses.replace(shown, benign=(bothered, *shown.benign[1:])))
    result = runner.invoke(app, ["--quiet", "--format", "json"])
    assert result.exit_code == 4
    assert json.loads(result.stdout)["problems"] == [f"1 benign of 1 with the habit {bothered.habit} flagged"]


def test_nothing_found_at_all_is_still_told(
    app: typer.Typer, shown: DemoResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed = tuple(dataclasses.replace(who, noticed={}, findings=0) for who in shown.attackers)
    show(monkeypatch, dataclasses.replace(shown, attackers=missed, findings=()))
    result = runner.invoke(app, ["--quiet"])
    assert result.exit_code == 4
    assert "0 of 3 attacks on the model were flagged" in result.stdout


def test_another_folder_is_refused(app: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    result = runner.invoke(app, ["--out", str(tmp_path)])
    assert isinstance(result.exception, InputError)
    assert result.exception.exit_code == 2


def test_a_store_named_by_the_environment_is_spoken_of(
    app: typer.Typer, shown: DemoResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(monkeypatch, shown)
    monkeypatch.setenv("CAPONIER_STORE", "sqlite:///elsewhere.db")
    assert "CAPONIER_STORE" in runner.invoke(app, []).stderr


def test_help_has_an_example(app: typer.Typer) -> None:
    assert "caponier demo --out demo-out" in runner.invoke(app, ["--help"]).stdout
