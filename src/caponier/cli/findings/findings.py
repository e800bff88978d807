"""`caponier findings`: what was detected, listed and looked up."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from caponier.app.incidents.findings import list_findings, show_finding
from caponier.app.workspace.workspace import require_workspace
from caponier.cli.findings.view import card, listing, to_csv, to_json, to_markdown
from caponier.cli.terminal.output import Format, choose_format, notes, write_table, write_text
from caponier.records.finding import Finding, Severity

app = typer.Typer(
    help="What was detected in this workspace: list findings, and look at one.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="Example: [bold]caponier findings list --severity high --since 7d[/bold]",
)

_AGO: Final = re.compile(r"(\d{1,6})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_moment(text: str) -> datetime:
    """Read a moment: `2026-01-31`, `2026-01-31T12:00:00Z`, or how long ago: `30m`, `24h`, `7d`, `2w`.

    Without a time zone it is UTC.

    Raises:
        typer.BadParameter: If it is none of these.
    """
    try:
        if ago := _AGO.fullmatch(text.strip()):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text.strip())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is no moment such as 2026-01-31, 2026-01-31T12:00:00Z or 7d") from None


Where = Annotated[
    Path | None,
    typer.Option("--workspace", metavar="PATH", help="Workspace file or folder. Else CAPONIER_WORKSPACE, or here."),
]
AskedFormat = Annotated[
    Format | None,
    typer.Option("--format", help="How to print. Without it the ending of --out decides, or else it is a table."),
]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write into a file instead.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the result.")]


@app.command("list", epilog="Example: [bold]caponier findings list --since 7d --format csv --out week.csv[/bold]")
def list_(
    since: Annotated[
        datetime | None,
        typer.Option(parser=parse_moment, metavar="WHEN", help="Triggered then or later: a date, a time, or 7d."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(parser=parse_moment, metavar="WHEN", help="Triggered before then.")
    ] = None,
    severity: Annotated[Severity | None, typer.Option(help="At least this severe.")] = None,
    detector: Annotated[str | None, typer.Option(metavar="NAME", help="Of this detector only.")] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="About this model only.")] = None,
    system: Annotated[str | None, typer.Option(metavar="NAME", help="About this ML system only.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, the last ones.")] = None,
    workspace: Where = None,
    format_: AskedFormat = None,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """List findings, the last triggered first."""
    home = require_workspace(workspace)
    found = list_findings(
        home, since=since, until=until, severity=severity, detector=detector, model=model, system=system, limit=limit
    )
    if not found:
        notes(quiet=quiet).print("No findings match.", markup=False)
    elif len(found) == limit:
        notes(quiet=quiet).print(f"The last {limit}; there may be older ones.", markup=False)
    chosen = choose_format(format_, out, Format.TABLE)
    if chosen is Format.TABLE:
        write_table(listing(found), out)
    else:
        write_text(_text(found, chosen, home.pinned), out)


@app.command("show", epilog="Example: [bold]caponier findings show f-0123456789abcdef0123[/bold]")
def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The finding's id, as findings list prints it.")],
    workspace: Where = None,
    format_: AskedFormat = None,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Tell all about one finding: who, what, when, and the figures behind it."""
    home = require_workspace(workspace)
    found = show_finding(home, id_)
    chosen = choose_format(format_, out, Format.TABLE)
    if chosen is Format.TABLE:
        write_table(card(found), out)
    else:
        write_text(_text([found], chosen, home.pinned), out)


def _text(found: list[Finding], chosen: Format, matrix: str | None) -> str:
    if chosen is Format.JSON:
        return to_json(found, matrix)
    return to_csv(found) if chosen is Format.CSV else to_markdown(found)
