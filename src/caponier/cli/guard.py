"""`caponier guard`: a reverse proxy before a model server."""

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from caponier.app.guard.run import Guard, run_guard, settings_of
from caponier.app.workspace.workspace import require_workspace
from caponier.cli.terminal import options
from caponier.cli.terminal.log_report import say, say_notes
from caponier.cli.terminal.output import notes
from caponier.guard.settings import GuardSettings

EXAMPLE = "Example: [bold]caponier guard --upstream http://127.0.0.1:8080 --mode observe[/bold]"


class Fail(StrEnum):
    """What happens to a request when the guard cannot decide about it."""

    OPEN = "open"
    CLOSED = "closed"


def guard(
    upstream: Annotated[str | None, typer.Option("--upstream", metavar="URL", help="The model server.")] = None,
    mode: Annotated[
        options.Mode | None,
        typer.Option("--mode", help="observe changes nothing; enforce blocks, throttles and rounds."),
    ] = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on; 127.0.0.1 by default.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65_535, help="Port to listen on; 8100 by default, 0 is any.")
    ] = None,
    workspace: options.Where = None,
    fail: Annotated[
        Fail | None, typer.Option("--fail", help="Let requests pass (open) or refuse them when deciding fails.")
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Run a proxy in front of a model server: record queries, detect attacks and, in enforce mode, respond.

    Settings without an option come from the section guard of caponier.toml. It ends with Ctrl-C.
    """
    home = require_workspace(workspace)
    asked = {"upstream": upstream, "mode": mode, "host": host, "port": port, "fail": fail}
    given = {name: str(value) if isinstance(value, StrEnum) else value for name, value in asked.items()}
    said = {name: value for name, value in given.items() if value is not None}
    settings = GuardSettings.model_validate(settings_of(home).model_dump(exclude_unset=True) | said)
    console = notes(quiet=quiet)
    standing = Guard(home, settings, tell=lambda text: say(console, text))
    run_guard(standing, listening=lambda url: _introduce(console, standing, url))


def _introduce(console: Console, standing: Guard, url: str) -> None:
    settings, live = standing.settings, standing.live
    say(console, f"guarding {settings.upstream} at {url}")
    say(
        console,
        "mode enforce: callers are blocked, throttled or get rounded scores where a response action says so"
        if settings.mode == "enforce"
        else "mode observe: nothing is blocked or changed; every query is recorded and looked at",
    )
    say(console, f"when a decision fails, requests {'pass' if settings.fail == 'open' else 'are refused'}")
    say(console, f"looking for attacks on: {', '.join(live.models) or 'no model'}")
    say_notes(console, live.remarks.notes, live.remarks.skipped)
