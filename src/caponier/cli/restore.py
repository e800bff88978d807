"""`caponier restore`: a workspace out of its backup."""

from pathlib import Path
from typing import Annotated, Final

import typer

from caponier.app.workspace.restore import restore as restore_workspace
from caponier.app.workspace.verify_audit import verify_audit
from caponier.app.workspace.workspace import require_workspace
from caponier.cli.terminal import options
from caponier.cli.terminal.log_report import say
from caponier.cli.terminal.output import notes
from caponier.cli.terminal.watch import Watch

EXAMPLE: Final = "Example: [bold]caponier restore fraud-watch-2026-12-01.tar fraud-watch[/bold]"
BROKEN: Final = 1


def restore(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="An archive written by caponier backup.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to restore into; new or empty.")],
    quiet: options.Quiet = False,
) -> None:
    """Restore a workspace from a backup: every file byte for byte, or nothing at all.

    Exit code: 0 done, 1 done, but the audit log in it is broken, 2 wrong input and nothing done.
    """
    console = notes(quiet=quiet)
    with Watch(quiet=quiet) as watch:
        file = restore_workspace(archive, folder, watch)
    say(console, f"The workspace is in {folder}.")
    chain = verify_audit(require_workspace(file))
    if chain.ok:
        say(console, f"Its audit log is whole: {chain.rows:,} rows, head {chain.head.count}:{chain.head.hash}")
    else:
        say(console, f"Its audit log is broken at row {chain.broken_seq} ({chain.kind}): {chain.why}")
        raise typer.Exit(BROKEN)
