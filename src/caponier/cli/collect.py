"""`caponier collect`: receives inference logs over HTTP."""

import ipaddress
from pathlib import Path
from typing import Annotated

import typer

from caponier.app.guard.collect import Collector
from caponier.app.guard.retention import Retention
from caponier.app.guard.run import run_collector
from caponier.app.workspace.workspace import require_workspace
from caponier.cli.terminal import options
from caponier.cli.terminal.log_report import say
from caponier.cli.terminal.output import notes
from caponier.errors import InputError

EXAMPLE = "Example: [bold]caponier collect --host 0.0.0.0 --token-file collector.token[/bold]"
_SHORTEST = 16


def collect(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port to listen on; 0 is any.")] = 8101,
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", metavar="FILE", help="File with the bearer token that senders must present."),
    ] = None,
    workspace: options.Where = None,
    quiet: options.Quiet = False,
) -> None:
    """Receive inference logs over HTTP into the lake: CloudEvents from the KServe logger, and events as JSON Lines.

    Scan them with: caponier scan inference lake. It ends with Ctrl-C.
    """
    home, console = require_workspace(workspace), notes(quiet=quiet)
    token = None if token_file is None else _token(token_file)
    if token is None and not _is_near(host):
        raise InputError(
            "anybody could send events to this address", where=host, hint="Give --token-file, or --host 127.0.0.1"
        )
    collector = Collector(home, token)
    keeping = Retention(home, lambda where, failed: say(console, f"warning: {where}: {type(failed).__name__}"))
    keeping.start()
    try:
        run_collector(
            collector, host, port, listening=lambda url: say(console, f"collecting at {url} into {home.lake}")
        )
    finally:
        keeping.close()


def _token(file: Path) -> str:
    try:
        token = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise InputError("the token cannot be read", where=str(file)) from None
    if len(token) < _SHORTEST or not token.isprintable():
        raise InputError(f"a token of {len(token)} characters can be guessed", where=str(file))
    return token


def _is_near(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
