from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.brief.test_brief import workspace
from caponier.cli.matrix import app
from caponier.errors import InputError


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["brief", *args])


def test_without_a_workspace_a_general_brief_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    result = run()
    assert result.exit_code == 0
    assert result.stdout.startswith("# What is known to be done to ML systems\n")
    assert result.stderr == "The brief is general, since there is no workspace.\n"
    assert run("--quiet").stderr == ""


def test_the_name_of_the_file_decides_the_format(tmp_path: Path):
    home = str(workspace(tmp_path))
    page, text = tmp_path / "brief.html", tmp_path / "brief.md"
    for file in (page, text):
        result = run("--workspace", home, "--system", "mailguard", "--out", str(file))
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert text.read_text().startswith("# What is known to be done to systems like mailguard\n")


def test_the_format_asked_for_wins(tmp_path: Path):
    home = str(workspace(tmp_path))
    assert run("--workspace", home, "--format", "html").stdout.startswith("<!DOCTYPE html>")


def test_an_inventory_that_says_nothing_is_told_what_to_add(tmp_path: Path):
    result = run("--workspace", str(workspace(tmp_path, '\n[[system]]\nname = "x7"\n')))
    assert "Say what each [[system]] is for (purpose) in caponier.toml." in " ".join(result.stderr.split())


def test_an_unknown_system_or_format_is_refused_and_nothing_is_written(tmp_path: Path):
    out = tmp_path / "brief.html"
    result = run("--workspace", str(workspace(tmp_path)), "--system", "nobody", "--out", str(out))
    assert isinstance(result.exception, InputError)
    assert not out.exists()
    assert run("--format", "pdf").exit_code == 2


def test_help_ends_with_an_example():
    assert "Example: caponier matrix brief" in run("--help").stdout
