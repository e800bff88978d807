"""`caponier init`: a new workspace."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.cli.terminal import options
from caponier.cli.terminal.output import notes, write_text

EXAMPLE: Final = "Example: [bold]caponier init fraud-watch[/bold]"


class InitFormat(StrEnum):
    """How to print where the workspace is."""

    TEXT = "text"
    JSON = "json"


def init(
    directory: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="The folder; it is created if it is not there.", show_default=False)
    ] = Path("."),
    format_: Annotated[InitFormat, typer.Option("--format", help="How to print where it is.")] = InitFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Create a workspace: the file caponier.toml, an empty store and an empty lake.

    An existing workspace is never changed.
    """
    file = create_workspace(directory)
    if format_ is InitFormat.JSON:
        made = require_workspace(file)
        write_text(json.dumps({"file": str(file), "store": made.store, "lake": made.lake}, indent=2) + "\n", None)
    else:
        write_text(f"{file}\n", None)
    console = notes(quiet=quiet)
    console.print("The workspace is ready. Describe your ML systems in this file, then:", markup=False)
    console.print("  caponier baseline build EVENTS --out MODEL.safetensors", markup=False)
    console.print("  caponier scan inference EVENTS --baseline MODEL.safetensors", markup=False)
