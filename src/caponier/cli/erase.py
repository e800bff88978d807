"""`caponier erase`: what the workspace holds of a caller."""

from pathlib import Path
from typing import Annotated, Final

import typer

from caponier.app.workspace.erasure import erase as erase_principal
from caponier.app.workspace.workspace import acting_user, require_workspace
from caponier.cli.terminal import options
from caponier.cli.terminal.log_report import say, say_skipped
from caponier.cli.terminal.output import notes, write_text
from caponier.errors import InputError

EXAMPLE: Final = "Example: [bold]caponier erase k-0123456789abcdef --yes[/bold]"


def erase(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Principals as they appear in events (k-…).")],
    yes: Annotated[bool, typer.Option("--yes", help="Erase them; without this option nothing is changed.")] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint", metavar="DIR", help="Checkpoint of a stream. By default stream/ in the workspace."
        ),
    ] = None,
    workspace: options.Where = None,
    quiet: options.Quiet = False,
) -> None:
    """Erase callers: their events, findings, and what guards and streams remember of them. This cannot be undone.

    Findings and incidents stay, with a made-up name. The audit log records the erasure with a digest. Logs
    elsewhere, backups and baselines are not touched: build a baseline again from a log without the caller. Ends with 3
    if something may still hold events of the caller.
    """
    home, console = require_workspace(workspace), notes(quiet=quiet)
    if not yes:
        whom = "1 caller" if len(names) == 1 else f"{len(names)} callers"
        say(console, f"{whom} would be erased for good from {home.root}; give --yes to do it")
        raise typer.Exit(2)
    # Imported here: whoever asks for help need not pay for it.
    from caponier.app.stream.erasure import erase_from_checkpoint, is_checkpoint

    if checkpoint is not None and not is_checkpoint(checkpoint):
        # Whoever mistypes it would believe that it forgot.
        raise InputError("is not a checkpoint of a stream", where=str(checkpoint), hint="Nothing was erased")
    left = 0
    for name in names:
        done = erase_principal(home, name, actor=acting_user())
        erase_from_checkpoint(checkpoint or home.root / "stream", name, done)
        told = f"{done.events:,} events, {done.requests:,} waiting requests, {done.records:,} records of the store"
        write_text(f"{name}: {told}{f', {done.states:,} of a stream' if done.states else ''}\n", None)
        say_skipped(console, done.skipped, "not erased")
        left += len(done.skipped)
        if not (done.events or done.requests or done.records or done.states or done.skipped):
            say(console, "note: nothing here is called so; caponier key-hash tells the name of a key")
    if left:
        raise typer.Exit(3)
