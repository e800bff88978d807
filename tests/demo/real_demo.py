"""Two demos in a run of the tests, small but real: one in a new folder, then the command over a copy of that."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import typer
from typer.testing import CliRunner

from caponier.cli.demo import demo as command
from caponier.cli.demo.demo import EXAMPLE, demo
from caponier.demo.result import DemoResult
from caponier.demo.run import Size, run_demo
from caponier.emulate.registry import habits
from once import once

SMALL = Size(calibration=54, test=len(habits()), trials=("unsafe_code",))
"""As small as it may be: 54 benign users to rank among."""
NOTES = "my-notes.txt"


class Heard:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.totals: list[int | None] = []
        self.steps: dict[str, int] = {}

    def stage(self, name: str, total: int | None = None) -> None:
        self.stages.append(name)
        self.totals.append(total)
        self.steps[name] = 0

    def advance(self, steps: int) -> None:
        assert steps >= 0
        self.steps[self.stages[-1]] += steps


@dataclass(frozen=True)
class FirstRun:
    """A demo in a new folder, which nobody changes afterwards."""

    out: Path
    result: DemoResult
    heard: Heard


@dataclass(frozen=True)
class SecondRun:
    """The command, typed over a copy of the first one's folder with notes in it, while a store is named outside."""

    out: Path
    result: DemoResult
    exit_code: int
    stdout: str
    stderr: str
    store: Path
    """What the environment named; nothing of a demo may get into it."""


def command_line() -> typer.Typer:
    app = typer.Typer(rich_markup_mode="rich")
    app.command(epilog=EXAMPLE)(demo)
    return app


def first_run(factory: pytest.TempPathFactory) -> FirstRun:
    """Return the first demo of this run of the tests."""
    return once(factory, "demo", _first)


def second_run(factory: pytest.TempPathFactory) -> SecondRun:
    """Return the second one."""
    return once(factory, "demo-again", lambda folder: _second(first_run(factory), folder))


def _first(folder: Path) -> FirstRun:
    heard = Heard()
    with patch.dict(os.environ):
        for name in ("CAPONIER_STORE", "CAPONIER_WORKSPACE"):
            os.environ.pop(name, None)
        return FirstRun(folder / "out", run_demo(folder / "out", seed=0, size=SMALL, progress=heard), heard)


def _second(first: FirstRun, folder: Path) -> SecondRun:
    out, store, results = folder / "out", folder / "production.db", []
    shutil.copytree(first.out, out, symlinks=True)
    (out / NOTES).write_text("mine")

    def small(*args: Any, **named: Any) -> DemoResult:
        results.append(run_demo(*args, **named, size=SMALL))
        return results[0]

    environment = {"CAPONIER_STORE": f"sqlite:///{store}"}
    with patch.dict(os.environ, environment), patch.object(command, "run_demo", small):
        printed = CliRunner().invoke(command_line(), ["--out", str(out)])
    return SecondRun(out, results[0], printed.exit_code, printed.stdout, printed.stderr, store)
