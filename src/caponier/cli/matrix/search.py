"""`caponier matrix search`: entries by words."""

from typing import Annotated, Final

import typer
from rich.console import Group
from rich.text import Text

from caponier.cli.matrix import options
from caponier.cli.matrix.study_view import study_list
from caponier.cli.matrix.view import hits
from caponier.cli.terminal.output import Format, choose_format, notes

EXAMPLE: Final = "Example: [bold]caponier matrix search poison labels[/bold]"


def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="Words from a name, a description or an id.")],
    matrix: options.Version = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    workspace: options.Where = None,
    all_: options.All = False,
) -> None:
    """Find entries and case studies by words, the best match first.

    CSV holds the entries only, since case studies have other columns.
    """
    chosen = options.chosen_matrix(matrix, workspace)
    found, studies = chosen.search(words, everything=all_), chosen.search_studies(words)
    if not found:
        hidden = len(chosen.search(words, everything=True))
        advice = f" {hidden} shown in research only: add --all." if hidden else ""
        what = "No entry of" if studies else "Nothing in"
        notes(quiet=quiet).print(f"{what} {chosen.version} matches {' '.join(words)!r}.{advice}", markup=False)
    as_ = choose_format(format_, out, Format.TABLE)
    table = Group(hits(chosen, found), *([Text()] if found and studies else []), study_list(studies))
    options.write_entries(chosen, found, as_, out, table, [], studies)
