"""`caponier lake`: what the folder of events holds, whether it is whole, and how it gets smaller."""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from caponier.app.workspace.compact_lake import compact_lake
from caponier.app.workspace.inspect_lake import LakePart, LakeReport, inspect_lake
from caponier.app.workspace.workspace import require_workspace
from caponier.cli.terminal import options
from caponier.cli.terminal.listing import Listing, ListingColumn
from caponier.cli.terminal.log_report import say, say_skipped
from caponier.cli.terminal.moments import moment
from caponier.cli.terminal.output import Format, choose_format, notes
from caponier.cli.terminal.watch import Watch

app = typer.Typer(
    help="Show statistics of the lake of events that guards record, verify it, or compact it into Parquet.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="Example: [bold]caponier lake compact[/bold]",
)
PARTLY: Final = 3
PARTS: Final[Listing[LakePart]] = Listing(
    [
        ListingColumn("day", lambda part: part.day or "-", whole=True),
        ListingColumn("model", lambda part: part.model),
        ListingColumn("form", lambda part: part.form, whole=True),
        ListingColumn("events", lambda part: f"{part.events:,}", whole=True),
        ListingColumn("callers", lambda part: f"{len(part.callers):,}", whole=True),
        ListingColumn("first", lambda part: moment(part.first) if part.first else "", whole=True),
        ListingColumn("last", lambda part: moment(part.last) if part.last else "", whole=True),
    ]
)


@app.command("stats", epilog="Example: [bold]caponier lake stats --format csv[/bold]")
def stats(
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Count events and callers in the lake by day and model. Reads all of it.

    Exit code: 0 done, 2 wrong input, 3 done, but a part could not be read: caponier lake verify says which.
    """
    home = require_workspace(workspace)
    with Watch(quiet=quiet) as watch:
        report = inspect_lake(home, watch)
    PARTS.write(report.parts, choose_format(format_, out, Format.TABLE), out, lambda: _document(report))
    say(notes(quiet=quiet), _total(report))
    if report.problems:
        say(notes(quiet=quiet), f"{len(report.problems)} problems: caponier lake verify")
        raise typer.Exit(PARTLY)


@app.command("verify", epilog="Example: [bold]caponier lake verify[/bold]")
def verify(workspace: options.Where = None, quiet: options.Quiet = False) -> None:
    """Read the whole lake, and list files and lines that cannot be used, are damaged or occur twice.

    Exit code: 0 it is whole, 2 wrong input, 3 something is wrong.
    """
    home, console = require_workspace(workspace), notes(quiet=quiet)
    with Watch(quiet=quiet) as watch:
        report = inspect_lake(home, watch)
    say_skipped(console, report.problems, "wrong:")
    say(console, _total(report))
    if report.problems:
        raise typer.Exit(PARTLY)
    say(console, "The lake is whole.")


@app.command("compact", epilog="Example: [bold]caponier lake compact --before 2026-11-01[/bold]")
def compact(
    before: Annotated[
        datetime | None,
        typer.Option(
            metavar="DAY",
            formats=["%Y-%m-%d"],
            help="Leave this day and later days alone. By default, the last two days.",
        ),
    ] = None,
    workspace: options.Where = None,
    quiet: options.Quiet = False,
) -> None:
    """Turn the lines that guards write into Parquet files, by day and model. Scans find the same before and after.

    A file with a line that cannot be used stays as it is. Guards may go on writing. If the command is killed, nothing
    is lost: run it again.

    Exit code: 0 done, 2 wrong input, 3 done, but some files stay as they are.
    """
    home, console = require_workspace(workspace), notes(quiet=quiet)
    day = before.replace(tzinfo=UTC).date() if before else None
    with Watch(quiet=quiet) as watch:
        done = compact_lake(home, before=day, progress=watch)
    say_skipped(console, done.skipped, "left")
    if done.sources:
        smaller = f"{_size(done.bytes_before)}, now {_size(done.bytes_after)}"
        say(console, f"{done.events:,} events of {done.sources:,} files are in {done.files:,} Parquet files: {smaller}")
    else:
        say(console, "There is nothing to compact: no day is over for long enough.")
    if done.skipped:
        raise typer.Exit(PARTLY)


def _total(report: LakeReport) -> str:
    return f"{report.events:,} events in {report.files:,} files, {_size(report.bytes)}"


def _document(report: LakeReport) -> dict[str, object]:
    return {
        "schema": "caponier.lake/1",
        "files": report.files,
        "bytes": report.bytes,
        "events": report.events,
        "parts": [part.to_dict() for part in report.parts],
        "problems": [problem.to_dict() for problem in report.problems],
    }


def _size(bytes_: int) -> str:
    return f"{bytes_ / 1e6:,.1f} MB"
