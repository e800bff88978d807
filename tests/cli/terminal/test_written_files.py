"""A result is never written over what a command was told to read, nor two results into one file."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from caponier.cli import app
from caponier.cli.terminal.written_files import (
    PARQUET,
    TAR,
    TAR_AT,
    WRITTEN,
    begins,
    refuse_foreign,
    refuse_overwriting,
)
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


FOREIGN = {
    "model.safetensors": b'\x3b\0\0\0\0\0\0\0{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}     '
    + b"\0\0\x80?" * 2,
    "model.pkl": b"\x80\x04\x95\x0b\0\0\0\0\0\0\0}\x94\x8c\x01w\x94K\x01s.",
    "train.npz": b"PK\x03\x04\x2d\0\0\0\0\0",
}
"""The starts of files that others wrote: safetensors, a pickle of protocol 4 and a zip archive."""
WRITERS = {
    "baseline build log.jsonl --out {file}": "not a baseline",
    "enrich log.jsonl --out {file} --model m --url http://127.0.0.1:1/": "not a Parquet file",
    "export-log log.jsonl --anonymise --out {file}": "not a Parquet file",
    "backup --out {file}": "not an archive",
    "findings list --out {file}": "not text",
    "scan dataset train.csv --label y --page {file}": "not text",
    "scan inference log.jsonl --rejected {file}": "not text",
    "matrix export --out {file}": "not text",
}


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("command", WRITERS)
def test_nothing_is_written_over_a_file_of_another_kind(
    command: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(FOREIGN[name])
    done = CliRunner().invoke(app, command.format(file=name).split())
    assert isinstance(done.exception, InputError)
    assert WRITERS[command] in str(done.exception)
    assert Path(name).read_bytes() == FOREIGN[name]


def test_a_command_replaces_what_it_wrote_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").touch()
    (tmp_path / "cut").write_bytes(b"a" * 4095 + "é".encode())
    for name in ("empty", "cut", "new.json", "new.json"):
        done = CliRunner().invoke(app, ["matrix", "export", "--format", "json", "--out", name])
        assert done.exit_code == 0, done.output
    for name, magic in (("a.parquet", b"PAR1"), ("b.tar", b"x" * 257 + b"ustar")):
        Path(name).write_bytes(magic)
    refuse_foreign(Path("a.parquet"), "a Parquet file", begins(PARQUET))
    refuse_foreign(Path("b.tar"), "an archive", begins(TAR, TAR_AT))
    with pytest.raises(InputError):
        refuse_foreign(Path("b.tar"), "a Parquet file", begins(PARQUET))
