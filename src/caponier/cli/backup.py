"""`caponier backup`: all of a workspace in one file."""

from pathlib import Path
from typing import Annotated, Final

import typer

from caponier.app.workspace.backup import back_up
from caponier.app.workspace.workspace import require_workspace
from caponier.cli.terminal import options
from caponier.cli.terminal.log_report import say, say_skipped
from caponier.cli.terminal.output import notes
from caponier.cli.terminal.watch import Watch
from caponier.cli.terminal.written_files import TAR, TAR_AT, begins, refuse_foreign

EXAMPLE: Final = "Example: [bold]caponier backup --out ../fraud-watch-2026-12-01.tar[/bold]"
PARTLY: Final = 3


def backup(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The archive to write, outside the workspace.")],
    workspace: options.Where = None,
    quiet: options.Quiet = False,
) -> None:
    """Back up settings, salt, store, lake, baselines and matrix versions into one file, while guards run on.

    It holds the salt and what callers asked: keep it as safe as the workspace. A store in PostgreSQL is not in it; use
    pg_dump.

    Exit code: 0 done, 2 wrong input, 3 done, but something that belongs to the workspace is not in it.
    """
    refuse_foreign(out, "an archive (tar)", begins(TAR, TAR_AT))
    home, console = require_workspace(workspace), notes(quiet=quiet)
    with Watch(quiet=quiet) as watch:
        done = back_up(home, out, watch)
    say_skipped(console, done.skipped, "not in it:")
    say(console, f"{done.files:,} files, {done.bytes / 1e6:,.1f} MB: {out}")
    say(console, f"Bring it back with: caponier restore {out} FOLDER")
    if done.skipped:
        raise typer.Exit(PARTLY)
