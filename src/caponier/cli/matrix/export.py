"""`caponier matrix export`: a version in the formats of other programs."""

from typing import Annotated, Final

import typer

from caponier.app.matrix.export import MatrixFormat, export_matrix, select
from caponier.app.matrix.library import default_version, matrix_library
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.matrix import options
from caponier.cli.terminal.output import choose_format, notes, write_text

EXAMPLE: Final = "Example: [bold]caponier matrix export --matrix atlas-5.6 --format navigator --out atlas.json[/bold]"


def export(
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID", help="Only these techniques, tactics or case studies; by default the whole version."
        ),
    ] = None,
    matrix: options.Version = None,
    format_: Annotated[
        MatrixFormat | None,
        typer.Option(
            "--format", help="Output format. By default the ending of --out decides, else everything as JSON."
        ),
    ] = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    workspace: options.Where = None,
    all_: options.All = False,
) -> None:
    """Write a version for other programs: Navigator layers, STIX, Attack Flow, a picture, tables.

    JSON holds everything, so that `caponier matrix import` reads it back as it was.
    """
    home = load_workspace(workspace)
    release = matrix_library(home).release(matrix or default_version(home))
    as_what = choose_format(format_, out, MatrixFormat.JSON)
    chosen = select(release.matrix, ids or (), everything=all_ or as_what is MatrixFormat.JSON)
    if chosen.left_out:
        options.note_left_out(release.matrix, chosen.techniques, quiet)
    write_text(export_matrix(release, chosen, as_what), out)
    if out:
        notes(quiet=quiet).print(f"{len(chosen.techniques)} entries written to {out}", markup=False)
