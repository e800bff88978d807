"""`caponier init`: a new workspace."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.cli.terminal import log_options, options
from caponier.cli.terminal.log_report import print_rejected, say
from caponier.cli.terminal.output import notes, write_text
from caponier.cli.terminal.watch import Watch

if TYPE_CHECKING:
    from caponier.app.setup.suggest_workspace import SuggestedWorkspace

EXAMPLE: Final = "Example: [bold]caponier init fraud-watch[/bold]"


class InitFormat(StrEnum):
    """How to print where the workspace is."""

    TEXT = "text"
    JSON = "json"


def init(
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="The folder; it is created if it does not exist.", show_default=False),
    ] = Path("."),
    log: Annotated[
        list[Path] | None,
        typer.Option(
            "--from", metavar="LOG", help="Fill in caponier.toml with what this log suggests, and questions to answer."
        ),
    ] = None,
    map_: log_options.Map = None,
    signature: Annotated[
        Path | None,
        typer.Option(
            "--signature",
            metavar="MODEL",
            help="With --from: take the names and types of the input columns from this model (MLflow, XGBoost .json, "
            "LightGBM or Keras).",
        ),
    ] = None,
    format_: Annotated[InitFormat, typer.Option("--format", help="Output format.")] = InitFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Create a workspace: the file caponier.toml, an empty store and an empty lake.

    An existing workspace is never changed.
    """
    found = _suggested(log, map_, signature, quiet=quiet) if log else None
    beside = found.maps if found else {}
    file = create_workspace(directory, found.toml if found else "", beside)
    if format_ is InitFormat.JSON:
        made = require_workspace(file)
        write_text(json.dumps({"file": str(file), "store": made.store, "lake": made.lake}, indent=2) + "\n", None)
    else:
        write_text(f"{file}\n", None)
    console = notes(quiet=quiet)
    events = " ".join(str(path.absolute()) for path in log) if log else "LOG"
    if found:
        print_rejected(console, found.rejected)
        asked = f"Open {file.name} and answer the questions in it. Then run in its folder:"
    else:
        asked = f"Describe your ML systems in {file.name}. Then run in its folder:"
    say(console, f"The workspace is ready. {asked}")
    say(console, f"  caponier baseline build {events} --out MODEL.safetensors")
    # Whoever scans the log that was learned from finds nothing in it.
    say(console, "  caponier scan inference LATER_LOG --baseline MODEL.safetensors")
    say(console, "  caponier doctor")


def _suggested(log: list[Path], map_: str | None, signature: Path | None, *, quiet: bool) -> "SuggestedWorkspace":
    # Only here: whoever makes an empty workspace need not wait for what reads logs.
    from caponier.app.setup.model_metadata import spec_of_model
    from caponier.app.setup.suggest_workspace import suggest_workspace

    told = spec_of_model(signature) if signature else None
    with Watch(quiet=quiet) as watch:
        return suggest_workspace(log, log_options.read_options("auto", map_=map_), watch, told)
