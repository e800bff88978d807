import os
import stat
from enum import StrEnum
from pathlib import Path

import pytest
from rich.table import Table

from caponier.cli.terminal.output import Format, choose_format, notes, write_table, write_text
from caponier.errors import InputError


class Pictures(StrEnum):
    TABLE = "table"
    SVG = "svg"


@pytest.mark.parametrize(
    ("asked", "out", "chosen"),
    [
        (None, None, Format.TABLE),
        (Format.JSON, None, Format.JSON),
        (None, Path("a.csv"), Format.CSV),
        (None, Path("a.MD"), Format.MARKDOWN),
        (Format.CSV, Path("a.json"), Format.CSV),
        (None, Path("a.svg"), Format.TABLE),
        (None, Path("a"), Format.TABLE),
    ],
)
def test_format_is_asked_for_or_told_by_the_file_name(asked: Format | None, out: Path | None, chosen: Format):
    assert choose_format(asked, out, Format.TABLE) is chosen


def test_format_works_for_the_own_formats_of_a_command():
    assert choose_format(None, Path("map.svg"), Pictures.TABLE) is Pictures.SVG


@pytest.mark.parametrize("out", [None, Path("-")])
def test_result_goes_to_standard_output(out: Path | None, capsys: pytest.CaptureFixture[str]):
    write_text("one\n", out)
    assert capsys.readouterr() == ("one\n", "")


def test_file_is_replaced_whole(tmp_path: Path):
    out = tmp_path / "out.txt"
    write_text("first, and longer\n", out)
    write_text("second\n", out)
    assert out.read_text() == "second\n"
    assert os.listdir(tmp_path) == ["out.txt"]


def test_new_file_has_the_usual_mode_and_an_old_one_keeps_its_own(tmp_path: Path):
    new, old, plain = tmp_path / "new", tmp_path / "old", tmp_path / "plain"
    plain.touch()
    write_text("x", new)
    assert stat.S_IMODE(new.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    old.touch()
    old.chmod(0o600)
    write_text("x", old)
    assert stat.S_IMODE(old.stat().st_mode) == 0o600


def test_link_is_followed_not_replaced(tmp_path: Path):
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    write_text("x", link)
    assert link.is_symlink()
    assert target.read_text() == "x"


def test_pipe_is_written_to_not_replaced(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_text("x", pipe)
        assert os.read(reader, 10) == b"x"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["missing/out.txt", "."])
def test_file_that_cannot_be_written_is_an_input_error_and_leaves_nothing(name: str, tmp_path: Path):
    with pytest.raises(InputError) as failed:
        write_text("x", tmp_path / name)
    assert failed.value.hint
    assert os.listdir(tmp_path) == []


def test_failure_midway_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    out = tmp_path / "out.txt"
    out.write_text("old")

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(InputError, match="No space left"):
        write_text("new", out)
    assert out.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.txt"]


def a_table() -> Table:
    table = Table("Head")
    table.add_row("[red]◆[/red] cell")
    return table


def test_table_in_a_pipe_or_a_file_is_plain_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_table(a_table(), None)
    piped = capsys.readouterr().out
    write_table(a_table(), tmp_path / "out.txt")
    assert "◆ cell" in piped
    assert "\x1b" not in piped
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == piped
    assert not any(line.endswith(" ") for line in piped.splitlines())


def test_table_follows_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "30")
    table = Table("Head", expand=True)
    write_table(table, None)
    assert max(map(len, capsys.readouterr().out.splitlines())) == 30


def test_color_can_be_forced_and_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    write_table(a_table(), None)
    assert "\x1b[31m" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    write_table(a_table(), None)
    assert "\x1b[31m" not in capsys.readouterr().out


def test_notes_go_to_standard_error_or_nowhere(capsys: pytest.CaptureFixture[str]):
    notes().print("told")
    notes(quiet=True).print("not told")
    assert capsys.readouterr() == ("", "told\n")
