"""`caponier export-log`: a log that can be shared with a colleague, or with us."""

from pathlib import Path
from typing import Annotated, Final

import typer

from caponier.app.inference.export_log import Inputs, export_log
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.terminal import log_options, options
from caponier.cli.terminal.log_report import print_rejected, say
from caponier.cli.terminal.output import notes
from caponier.cli.terminal.watch import Watch
from caponier.cli.terminal.written_files import PARQUET, begins, refuse_foreign
from caponier.errors import InputError
from caponier.telemetry.rejections import RejectedRows

EXAMPLE: Final = "Example: [bold]caponier export-log events.jsonl --anonymise --out shared.parquet[/bold]"
PARTLY: Final = 3


def export(
    events: log_options.Paths,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The Parquet file to write.")],
    anonymise: Annotated[bool, typer.Option("--anonymise", help="Needed: only anonymised logs are exported.")] = False,
    inputs: Annotated[Inputs, typer.Option("--inputs", help="What to do with the inputs.")] = Inputs.QUANTISED,
    workspace: options.Where = None,
    since: options.Since = None,
    until: options.Until = None,
    map_: log_options.Map = None,
    reader: log_options.Reader = "auto",
    rejected: log_options.Rejected = None,
    quiet: options.Quiet = False,
) -> None:
    """Write an anonymised copy of a log that can be shared, and report what detection loses by it.

    Names are hashed with a salt that is thrown away, times are moved by whole hours, answers become class-0, class-1 …,
    and inputs are rounded to the levels on which they are compared, or replaced by digests.

    Exit code: 0 done, 2 wrong input, 3 done, but some rows could not be used.
    """
    if not anonymise:
        raise InputError("a log is exported with --anonymise only", hint="To copy it as it is, copy the file.")
    refuse_foreign(out, "a Parquet file", begins(PARQUET))
    home = load_workspace(workspace)
    how = log_options.read_options(reader, map_=map_, home=home, since=since, until=until)
    with RejectedRows(rejected) as rows, Watch(quiet=quiet) as watch:
        report = export_log(events, out, inputs=inputs, workspace=home, rejected=rows, options=how, progress=watch)
    console = notes(quiet=quiet)
    say(console, f"{report.events:,} events: {out}")
    for loss in report.losses:
        say(console, f"lost: {loss}")
    print_rejected(console, rows)
    if rows.count:
        raise typer.Exit(PARTLY)
