"""`caponier demo`: the whole loop on real data, from a stolen account to a proven repair, in under 2 minutes."""

import os
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from caponier.app.progress import Progress
from caponier.cli.demo.view import view
from caponier.cli.terminal import options
from caponier.cli.terminal.output import notes, write_table, write_text
from caponier.cli.terminal.watch import Watch
from caponier.demo.result import DemoResult
from caponier.demo.run import run_demo
from caponier.errors import CaponierError

EXAMPLE: Final = "Example: [bold]caponier demo --out demo-out[/bold]"


class DemoFormat(StrEnum):
    """How to print what the demo showed."""

    TEXT = "text"
    JSON = "json"


class StageLines:
    """Tells each stage on a line of its own, where no terminal draws a bar."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Write a line."""
        notes().print(f"{name} ...", markup=False)

    def advance(self, steps: int) -> None:
        """Write nothing: lines are for stages."""


def demo(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="A new folder, or one from an earlier demo.")
    ] = Path("demo-out"),
    seed: Annotated[int, typer.Option(min=0, help="Fixes the model, the users and the attacks.")] = 0,
    format_: Annotated[DemoFormat, typer.Option("--format", help="Output format.")] = DemoFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Show the whole loop on real data: an attack among benign users is found, blocked, repaired and validated.

    Writes report.html, logs, data and models, and leaves a workspace to look around in. Everything happens on this
    computer. Exit code: 0 every attack found, blocked and repaired and no benign user was flagged, 4 otherwise.
    """
    with _watching(quiet=quiet) as watch:
        result = run_demo(out, seed=seed, progress=watch)
    _print(result, out, format_)
    if os.environ.get("CAPONIER_STORE"):
        notes(quiet=quiet).print(
            "CAPONIER_STORE is set; the demo's findings are in the store of its own folder. Unset it to list them.",
            markup=False,
        )
    if result.problems:
        raise typer.Exit(CaponierError.exit_code)


def _watching(*, quiet: bool) -> AbstractContextManager[Progress]:
    if quiet or notes().is_terminal:
        return Watch(quiet=quiet)
    return nullcontext(StageLines())


def _print(result: DemoResult, out: Path, format_: DemoFormat) -> None:
    if format_ is DemoFormat.JSON:
        write_text(orjson.dumps(result.to_dict(), option=orjson.OPT_INDENT_2).decode() + "\n", None)
    else:
        write_table(view(result, out), None)
