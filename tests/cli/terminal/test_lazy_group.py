"""Commands are imported when they are asked for, and all of them are there."""

import subprocess
import sys

import click
import pytest
import typer

from caponier.cli import COMMANDS, app
from caponier.cli.matrix import COMMANDS as OF_THE_MATRIX
from caponier.cli.scan import COMMANDS as SCANS
from caponier.cli.terminal import lazy_group
from cli.command import run

HEAVY = {"numpy", "pyarrow", "duckdb", "sqlalchemy", "sigma", "aiohttp", "caponier.cli.init"}
ROOT = typer.main.get_command(app)
CONTEXT = click.Context(ROOT, info_name="caponier")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_imported_and_explains_itself(name: str) -> None:
    command = ROOT.get_command(CONTEXT, name)
    assert command.name == name
    assert command.help
    assert command.epilog is None or "Example" in command.epilog


@pytest.mark.parametrize("name", SCANS)
def test_every_scan_has_an_example(name: str) -> None:
    scan = ROOT.get_command(CONTEXT, "scan")
    command = scan.get_command(click.Context(scan, info_name="scan"), name)
    assert "Example" in command.epilog


@pytest.mark.parametrize("name", COMMANDS)
def test_paragraphs_of_the_help_fill_the_terminal(name: str) -> None:
    below = [ROOT.get_command(CONTEXT, name)]
    while below:
        command = below.pop()
        assert "\n" not in (command.help or "").replace("\n\n", "")
        if isinstance(command, lazy_group.LazyGroup):
            below += [command.get_command(CONTEXT, inner) for inner in command.list_commands(CONTEXT)]
        else:
            below += getattr(command, "commands", {}).values()


def test_the_help_lists_the_commands_in_their_order() -> None:
    assert ROOT.list_commands(CONTEXT) == list(COMMANDS)


def test_an_unknown_command_is_none() -> None:
    assert ROOT.get_command(CONTEXT, "no-such-command") is None


@pytest.mark.parametrize(
    ("words", "hint"),
    [(["scan", "inferense"], "'inference'"), (["scna"], "'scan'"), (["zzzzzzz"], ", ".join(list(COMMANDS)[:3]))],
)
def test_an_unknown_command_is_2_and_says_the_nearest(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = run(capsys, *words)
    assert ran.code == 2
    assert hint in " ".join(ran.err.replace("│", " ").split())


def test_one_command_does_not_pay_for_the_others() -> None:
    code = "import sys, caponier.cli; print(sorted({m.split('.')[0] for m in sys.modules} & set(sys.argv[1:])))"
    heavy = ["numpy", "pyarrow", "duckdb", "sqlalchemy", "sigma", "aiohttp"]
    loaded = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


def test_a_scan_does_not_pay_for_the_store_before_it_found_something() -> None:
    code = "import sys, caponier.cli.scan.inference; print(sorted(set(sys.modules) & set(sys.argv[1:])))"
    heavy = ["sqlalchemy", "sqlite3", "sigma", "aiohttp", "jinja2"]
    heavy += [f"caponier.detect.{room}" for room in ("networks.network", "model_files.files.zip_file")]
    loaded = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


@pytest.mark.parametrize("path", [*COMMANDS.values(), *SCANS.values(), *OF_THE_MATRIX.values()])
def test_a_command_says_the_same_of_itself_whether_it_is_imported_or_not(path: str) -> None:
    module, attribute = path.split(":")
    assert lazy_group._words(module, attribute) == lazy_group._command(module, attribute).help


@pytest.mark.parametrize("words", [[], ["scan"], ["matrix"]])
def test_the_help_is_the_same_whether_commands_are_imported_for_it_or_not(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = run(capsys, *words, "--help").out
    monkeypatch.setattr(lazy_group, "_words", lambda *_: None)
    assert run(capsys, *words, "--help").out == quick


def test_a_command_without_a_source_is_imported_for_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert lazy_group._words("caponier.no_such_module", "app") is None
    assert lazy_group._words("sys", "app") is None
    assert lazy_group._words("caponier.cli.init", "no_such_function") is None


def test_the_help_does_not_pay_for_any_command() -> None:
    code = "import sys; sys.argv = ['caponier', '--help']; from caponier.cli import main; main()"
    told = f"import atexit, sys; atexit.register(lambda: print(sorted(set(sys.modules) & {HEAVY}))); {code}"
    out = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout
    assert "scan" in out
    assert out.strip().endswith("[]")
