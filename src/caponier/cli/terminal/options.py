"""Options that commands share, whatever they do; those of commands on logs are beside them."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from caponier.cli.terminal.moments import parse_moment
from caponier.cli.terminal.output import Format
from caponier.errors import InputError
from caponier.records.finding import Severity

Where = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        metavar="PATH",
        help="Workspace file or folder. By default CAPONIER_WORKSPACE, else the current folder.",
    ),
]
FORMAT: Final = typer.Option("--format", help="Output format. By default the ending of --out decides, else a table.")
"""Of a command that has other formats than every listing."""
AskedFormat = Annotated[Format | None, FORMAT]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write into a file instead of printing.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the result.")]
System = Annotated[str | None, typer.Option("--system", metavar="NAME", help="The ML system concerned.")]
Since = Annotated[
    datetime | None,
    typer.Option(
        "--since", parser=parse_moment, metavar="WHEN", help="From this time on: a date, a time, or a span such as 7d."
    ),
]
Until = Annotated[
    datetime | None, typer.Option("--until", parser=parse_moment, metavar="WHEN", help="Before this time.")
]


class Mode(StrEnum):
    """What is done about what is seen."""

    OBSERVE = "observe"
    ENFORCE = "enforce"


FailOn = Annotated[
    Severity, typer.Option("--fail-on", help="Exit with 1 only for findings of this severity or higher.")
]
Horizon = Annotated[int | None, typer.Option("--horizon", hidden=True, min=1)]
OldBudget = Annotated[str | None, typer.Option("--alert-budget", hidden=True)]

_INSTEAD: Final = {
    "looked": "--looked is now --accept-warnings",
    "horizon": "--horizon means nothing any more: every caller is judged at its age",
    "alert_budget": "--alert-budget means nothing any more: the share of benign callers that may be flagged is fixed "
    "in the baseline (caponier baseline build --alpha), and [detect] alert_budget cuts notifications alone",
}


def tell_deprecated(console: Console, **given: object) -> None:
    """Say of each old option that is still accepted what to do instead."""
    for name, value in given.items():
        if value is not None:
            console.print(f"deprecated: {_INSTEAD[name]}", markup=False, soft_wrap=True)


def share_of(alpha: float | None) -> float | None:
    """Return a share of benign callers.

    Raises:
        InputError: If it is none.
    """
    if alpha is not None and not 0 < alpha < 1:
        raise InputError(
            f"--alpha is {alpha:g}, and no share of benign callers", hint="Give one between 0 and 1, such as 0.01"
        )
    return alpha
