"""`caponier matrix list`: a whole version, drawn or as data."""

from typing import Annotated, Final

import typer

from caponier.cli.matrix import options
from caponier.cli.matrix.study_view import write_studies
from caponier.cli.matrix.view import TacticColumns
from caponier.cli.terminal.output import Format, choose_format, notes

EXAMPLE: Final = "Example: [bold]caponier matrix list --format csv --out matrix.csv[/bold]"


def list_entries(
    matrix: options.Version = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    workspace: options.Where = None,
    all_: options.All = False,
    studies: Annotated[bool, typer.Option("--studies", help="List its case studies instead.")] = False,
) -> None:
    """Draw a matrix with its tactics as columns, or list every entry or every case study."""
    chosen = options.chosen_matrix(matrix, workspace)
    if studies:
        if not chosen.studies:
            notes(quiet=quiet).print(f"{chosen.version} has no case studies.", markup=False)
        write_studies(chosen, chosen.studies, choose_format(format_, out, Format.TABLE), out)
        return
    entries = chosen.shown(everything=all_)
    options.note_left_out(chosen, entries, quiet)
    options.write_entries(
        chosen, entries, choose_format(format_, out, Format.TABLE), out, TacticColumns(chosen, everything=all_)
    )
