"""The command line: one file a command, and one place where errors become messages and exit codes."""

import sys
import tempfile
import traceback
from pathlib import Path
from typing import Annotated, Final

import typer

from caponier import __version__
from caponier.cli.terminal.lazy_group import Table, lazy
from caponier.cli.terminal.output import notes
from caponier.errors import CaponierError

COMMANDS: Final[Table] = {
    "demo": "caponier.cli.demo.demo:demo",
    "init": "caponier.cli.init:init",
    "doctor": "caponier.cli.doctor:doctor",
    "key-hash": "caponier.cli.key_hash:key_hash",
    "matrix": "caponier.cli.matrix:app",
    "map": "caponier.cli.map:app",
    "baseline": "caponier.cli.baseline.baseline:app",
    "export-log": "caponier.cli.export_log:export",
    "enrich": "caponier.cli.enrich:enrich",
    "scan": "caponier.cli.scan:app",
    "findings": "caponier.cli.findings.findings:app",
    "incidents": "caponier.cli.incidents.incidents:app",
    "respond": "caponier.cli.respond.respond:app",
    "remediate": "caponier.cli.remediate:app",
    "emulate": "caponier.cli.emulate:app",
    "validate": "caponier.cli.validate.validate:validate",
    "coverage": "caponier.cli.coverage.coverage:coverage",
    "collect": "caponier.cli.collect:collect",
    "guard": "caponier.cli.guard:guard",
    "stream": "caponier.cli.stream:stream",
    "lake": "caponier.cli.lake:app",
    "backup": "caponier.cli.backup:backup",
    "restore": "caponier.cli.restore:restore",
    "audit": "caponier.cli.audit:app",
    "erase": "caponier.cli.erase:erase",
}

app = typer.Typer(
    name="caponier",
    cls=lazy(COMMANDS),
    help=(
        "ML detection and response, around the Adversarial ML Threat Matrix. "
        "It does not protect language models against prompt attacks."
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    epilog="Example: [bold]caponier demo --out demo-out[/bold]",
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"caponier {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; every error leaves here, with its exit code."""
    try:
        app(prog_name="caponier")
    except CaponierError as error:
        _print(error)
        sys.exit(error.exit_code)
    except Exception:  # noqa: BLE001 - the one border of the command line
        sys.exit(_unexpected())


def _print(error: CaponierError) -> None:
    from caponier.formats.safe_text import plain  # not on the way of a command that goes well

    console = notes()
    console.print("[bold red]error:[/bold red] ", end="")
    # The name of a file may hold what a terminal obeys.
    console.print("\n".join(plain(line) for line in str(error).split("\n")), markup=False)


def _unexpected() -> int:
    """Write the traceback where the user can find it, and return the exit code of an internal error."""
    with tempfile.NamedTemporaryFile("w", prefix="caponier-", suffix=".log", delete=False) as log:
        log.write(f"caponier {__version__}, Python {sys.version}\n{traceback.format_exc()}")
    console = notes()
    console.print("[bold red]error:[/bold red] this is a fault in Caponier, not in what you did.")
    console.print(f"The details are in {Path(log.name)}", markup=False)
    return CaponierError.exit_code
