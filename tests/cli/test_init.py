import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from caponier.cli.init import EXAMPLE, init
from caponier.errors import InputError

runner = CliRunner()


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    app = typer.Typer(rich_markup_mode="rich")
    app.command(epilog=EXAMPLE)(init)
    return app


def test_a_folder_becomes_a_workspace(app: typer.Typer, tmp_path: Path) -> None:
    result = runner.invoke(app, ["fraud-watch"])
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path}/fraud-watch/caponier.toml\n"
    assert "caponier baseline build" in result.stderr
    assert (tmp_path / "fraud-watch" / "lake").is_dir()


def test_without_a_folder_it_is_this_one(app: typer.Typer, tmp_path: Path) -> None:
    result = runner.invoke(app, ["--quiet"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert (tmp_path / "caponier.toml").is_file()


def test_programs_are_told_where_things_are(app: typer.Typer, tmp_path: Path) -> None:
    result = runner.invoke(app, ["w", "--format", "json"])
    assert json.loads(result.stdout) == {
        "file": f"{tmp_path}/w/caponier.toml",
        "store": f"sqlite:///{tmp_path}/w/.caponier/store.db",
        "lake": f"{tmp_path}/w/lake",
    }


def test_the_salt_is_never_printed(app: typer.Typer, tmp_path: Path) -> None:
    result = runner.invoke(app, ["--format", "json"])
    assert (tmp_path / ".caponier" / "salt").read_text() not in result.output


def test_a_second_time_is_refused(app: typer.Typer) -> None:
    runner.invoke(app, [])
    again = runner.invoke(app, [])
    assert isinstance(again.exception, InputError)
    assert again.exception.exit_code == 2
    assert again.stdout == ""


def test_help_has_an_example(app: typer.Typer) -> None:
    assert "caponier init fraud-watch" in runner.invoke(app, ["--help"]).stdout
