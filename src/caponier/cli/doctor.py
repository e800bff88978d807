"""`caponier doctor`: what can be seen here, what is missing or wrong, and the next command."""

from pathlib import Path
from typing import Annotated, Final

import typer

from caponier.app.setup.doctor import Checkup, State, examine
from caponier.app.workspace.workspace import require_workspace
from caponier.cli.terminal import log_options, options
from caponier.cli.terminal.listing import Listing, ListingColumn
from caponier.cli.terminal.output import Format, choose_format, notes
from caponier.cli.terminal.watch import Watch

EXAMPLE: Final = "Example: [bold]caponier doctor requests.jsonl[/bold]"
PARTLY: Final = 3
COLOURS: Final = {State.OK: "green", State.LACKS: "yellow", State.WRONG: "red"}
CHECKS: Final[Listing[Checkup]] = Listing(
    [
        ListingColumn("about", lambda check: check.about, whole=True, head="WHAT"),
        ListingColumn("state", lambda check: check.state.value, whole=True, style=lambda check: COLOURS[check.state]),
        ListingColumn("says", lambda check: check.says, head="RESULT"),
        ListingColumn("next", lambda check: check.hint, head="NEXT STEP"),
    ],
    folded=True,
)


def doctor(
    events: Annotated[
        list[Path] | None,
        typer.Argument(metavar="EVENTS", help="Logs to check; by default those in the lake."),
    ] = None,
    workspace: options.Where = None,
    map_: log_options.Map = None,
    reader: log_options.Reader = "auto",
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Check a workspace: detectors that can and cannot run, stale or wrong settings, and the next command.

    Exit code: 0 nothing is wrong, 2 there is no workspace, 3 something is wrong.
    """
    home = require_workspace(workspace)
    how = log_options.read_options(reader, map_=map_, home=home)
    with Watch(quiet=quiet) as watch:
        checks = examine(home, events or (), how, watch)
    CHECKS.write(
        checks,
        choose_format(format_, out, Format.TABLE),
        out,
        lambda: {"workspace": str(home.file), "checks": [check.to_dict() for check in checks]},
    )
    wrong = sum(check.state is State.WRONG for check in checks)
    lacks = sum(check.state is State.LACKS for check in checks)
    notes(quiet=quiet).print(
        f"{wrong or 'No'} error{'s' * (wrong != 1)}; {lacks} thing{'s' * (lacks != 1)} could be improved", markup=False
    )
    if wrong:
        raise typer.Exit(PARTLY)
