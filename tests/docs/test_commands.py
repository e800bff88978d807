"""Every command on every page is one that the program has: its name, its options, and what they take."""

import re
from pathlib import Path
from typing import Any

import click
import pytest
import typer

from caponier.cli import app
from docs.pages import PAGES, ROOT, Command, commands, ours

WHOLE = typer.main.get_command(app)
NAMED = [page for page in PAGES if ours(page)]


def parsed(command: Command) -> click.Context:
    """Parse a command as the program does, and run nothing."""
    context: Any = click.Context(WHOLE, info_name="caponier")
    words, now = command.words[1:], WHOLE
    while hasattr(now, "get_command") and words:
        below = now.get_command(context, words[0])
        assert below is not None, f"{command}: no command {words[0]!r}"
        now, words = below, words[1:]
    assert not hasattr(now, "get_command"), f"{command}: which command of it?"
    return now.make_context("caponier", list(words), parent=context)


@pytest.mark.parametrize("page", NAMED, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_are_those_of_the_program(page: Path) -> None:
    for command in ours(page):
        parsed(command)


def test_what_runs_elsewhere_is_there() -> None:
    """Scripts that pages name are in the repository, and pip installs extras that there are."""
    extras = re.findall(r"^([a-z]+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    for page in PAGES:
        for command in commands(page):
            program = command.words[0] if "<<" not in command.text else ""
            if "scripts/" in program:
                assert (ROOT / program).is_file(), command
            if program.endswith("pip") and (asked := re.search(r"\[([a-z,]+)\]", command.text)):
                assert set(asked[1].split(",")) <= {*extras}, command
