"""`caponier matrix search`: entries by words."""

from typing import Annotated, Final

import typer

from caponier.cli.matrix import options
from caponier.cli.matrix.view import hits
from caponier.cli.output import Format, choose_format, notes

EXAMPLE: Final = "Example: [bold]caponier matrix search poison labels[/bold]"


def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS...", help="Words of a name, a description or an id.")],
    matrix: options.Version = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    workspace: options.Where = None,
    all_: options.All = False,
) -> None:
    """Find entries by words, the best match first."""
    chosen = options.chosen_matrix(matrix, workspace)
    found = chosen.search(words, everything=all_)
    if not found:
        hidden = len(chosen.search(words, everything=True))
        advice = f" {hidden} shown in research only: add --all." if hidden else ""
        notes(quiet=quiet).print(f"Nothing in {chosen.version} matches {' '.join(words)!r}.{advice}", markup=False)
    options.write_entries(chosen, found, choose_format(format_, out, Format.TABLE), out, hits(chosen, found), [])
