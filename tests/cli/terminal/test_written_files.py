"""A result is never written over what a command was told to read, nor two results into one file."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from caponier.cli import app
from caponier.cli.terminal.written_files import WRITTEN, refuse_overwriting
from caponier.errors import InputError


@pytest.mark.parametrize(
    "command",
    [
        "scan model {own} --page {own}",
        "scan model {own} --samples {own} --out {own}",
        "scan dataset {own} --out {own}",
        "scan artifact other {own} --out {own}",
        "scan logs {own} --out {linked}",
        "scan inference {own} --rejected {own} --baseline b",
        "remediate model m.pt --samples {own} --out new.pt --report {own}",
        "remediate model m.pt --samples s.npz --out new.pt --report ./new.pt",
        "baseline show {own} --out {own}",
    ],
)
def test_nothing_is_written_over_what_is_read(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own").write_text("precious")
    Path("linked").symlink_to("own")
    done = CliRunner().invoke(app, command.format(own="own", linked="linked").split())
    assert isinstance(done.exception, InputError)
    assert "would write over this file" in str(done.exception)
    assert Path("own").read_text() == "precious"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["linked", "own"]


@pytest.mark.parametrize("option", ["--page", "--out"])
def test_what_cannot_be_written_is_told_before_the_work(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    for name in ("none/there", "folder"):
        done = CliRunner().invoke(app, ["scan", "model", "no-model", option, name])
        assert isinstance(done.exception, InputError)
        assert f"{name}: cannot be written" in str(done.exception)
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]


def test_other_files_streams_and_folders_are_nobodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own").write_text("precious")
    refuse_overwriting({"path": Path("own"), "out": Path("new"), "page": None, "name": "new", "format": "json"})
    refuse_overwriting({"path": [Path("-")], "out": "-", "rejected": "/dev/null", "report": "/dev/null"})
    refuse_overwriting({"path": tmp_path, "out": tmp_path, "text": "\0"})


def _leaves(command: object, path: str = "") -> list[tuple[str, object]]:
    names = command.list_commands(None) if hasattr(command, "list_commands") else []  # type: ignore[attr-defined]
    inner = [found for name in names for found in _leaves(command.get_command(None, name), f"{path} {name}")]  # type: ignore[attr-defined]
    return inner or [(path, command)]


def test_every_option_that_says_it_writes_a_file_is_known() -> None:
    said = {
        option.name
        for _, command in _leaves(typer.main.get_command(app))
        for option in command.params  # type: ignore[attr-defined]
        if option.metavar == "FILE" and str(getattr(option, "help", "")).startswith(("Write", "Also write", "Draw"))
    }
    assert said <= set(WRITTEN)
    assert {"out", "page", "rejected", "report"} <= said
