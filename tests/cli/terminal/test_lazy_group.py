"""Commands are imported when they are asked for, and all of them are there."""

import subprocess
import sys

import click
import pytest
import typer

from caponier.cli import COMMANDS, app
from caponier.cli.scan import COMMANDS as SCANS
from cli.command import run

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
    loaded = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"
