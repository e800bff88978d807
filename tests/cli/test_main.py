import subprocess
import sys
from pathlib import Path

import pytest

from caponier import __version__
from caponier.cli import app
from caponier.errors import CaponierError, InputError, MissingExtraError
from cli.command import run

COMMANDS = ["matrix", "baseline", "scan", "findings", "init", "demo"]


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(capsys, "--version")
    assert (ran.code, ran.out) == (0, f"caponier {__version__}\n")


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(capsys)
    assert ran.code in (0, 2)
    assert all(command in ran.out + ran.err for command in COMMANDS)


def test_the_help_says_that_it_is_no_guard_against_prompt_attacks(capsys: pytest.CaptureFixture[str]) -> None:
    assert "does not protect language models against prompt attacks" in " ".join(
        run(capsys, "--help").out.replace("│", " ").split()
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(capsys, command, "--help")
    assert ran.code == 0
    assert "Example:" in ran.out


def test_an_unknown_command_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "detonate").code == 2


def raising(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("caponier.cli.app", broken)


@pytest.mark.parametrize(
    ("error", "code"), [(InputError("no"), 2), (MissingExtraError("no"), 2), (CaponierError("no"), 4)]
)
def test_errors_leave_with_their_code(
    error: CaponierError, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(error, monkeypatch)
    ran = run(capsys)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err == "error: no\n"


def test_a_terminal_obeys_nothing_that_an_error_names(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(InputError("no", where="a\x1b[31m\udcff", hint="Mend."), monkeypatch)
    assert run(capsys).err.splitlines() == [
        "error: a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}: no",
        "Mend.",
    ]


def test_an_error_says_what_where_and_how_to_mend(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(InputError("is broken", where="[red]file", hint="Mend it"), monkeypatch)
    assert run(capsys).err == "error: [red]file: is broken\nMend it\n"


def test_a_fault_of_ours_is_4_with_a_log_to_look_into(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(ValueError("a secret of the user"), monkeypatch)
    ran = run(capsys)
    assert ran.code == 4
    assert "a secret" not in ran.err
    file = Path(next(word for word in ran.err.split() if word.endswith(".log")))
    assert f"caponier {__version__}" in file.read_text()
    assert "ValueError: a secret of the user" in file.read_text()
    file.unlink()


def test_the_program_is_there_as_a_module() -> None:
    ran = subprocess.run([sys.executable, "-m", "caponier", "--version"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"caponier {__version__}\n", "")


def test_the_command_line_has_a_name() -> None:
    assert app.info.name == "caponier"
