"""Options that commands share, whatever they do; those of commands on logs are beside them."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from caponier.cli.terminal.moments import parse_moment
from caponier.cli.terminal.output import Format
from caponier.records.finding import Severity

Where = Annotated[
    Path | None,
    typer.Option("--workspace", metavar="PATH", help="Workspace file or folder. Else CAPONIER_WORKSPACE, or here."),
]
FORMAT: Final = typer.Option(
    "--format", help="How to print. Without it the ending of --out decides, or else it is a table."
)
"""Of a command that has other formats than every listing."""
AskedFormat = Annotated[Format | None, FORMAT]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write into a file instead.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the result.")]
System = Annotated[str | None, typer.Option("--system", metavar="NAME", help="The ML system that it is about.")]
Since = Annotated[
    datetime | None,
    typer.Option("--since", parser=parse_moment, metavar="WHEN", help="Then or later: a date, a time, or 7d."),
]
Until = Annotated[datetime | None, typer.Option("--until", parser=parse_moment, metavar="WHEN", help="Before then.")]
FailOn = Annotated[Severity, typer.Option("--fail-on", help="Exit with 1 only for findings of this severity or more.")]
