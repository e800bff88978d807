"""`caponier matrix list`: a whole version, drawn or as data."""

from typing import Final

from caponier.cli.matrix import options
from caponier.cli.matrix.view import Columns
from caponier.cli.output import Format, choose_format

EXAMPLE: Final = "Example: [bold]caponier matrix list --format csv --out matrix.csv[/bold]"


def list_entries(
    matrix: options.Version = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    workspace: options.Where = None,
    all_: options.All = False,
) -> None:
    """Draw a matrix with its tactics as columns, or list every entry."""
    chosen = options.chosen_matrix(matrix, workspace)
    entries = chosen.shown(everything=all_)
    options.note_left_out(chosen, entries, quiet)
    options.write_entries(
        chosen, entries, choose_format(format_, out, Format.TABLE), out, Columns(chosen, everything=all_)
    )
