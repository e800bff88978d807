"""Options and writing that several `caponier matrix` commands share."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from caponier.app.matrix.library import default_version, matrix_library
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.terminal.options import AskedFormat, Out, Quiet, Where
from caponier.cli.terminal.output import Format, notes, write_table, write_text
from caponier.errors import CaponierError, InputError
from caponier.formats.safe_text import plain
from caponier.matrix.case_study import CaseStudy
from caponier.matrix.technique import Tactic, Technique
from caponier.matrix.versions.catalogue import Matrix
from caponier.matrix.versions.library import Library
from caponier.matrix.writers.csv_file import to_csv
from caponier.matrix.writers.json_file import to_json
from caponier.matrix.writers.markdown_file import to_markdown
from caponier.matrix.writers.studies import to_markdown_list

__all__ = [
    "All",
    "AskedFormat",
    "Force",
    "Out",
    "Quiet",
    "Version",
    "Where",
    "all_matrices",
    "chosen_matrix",
    "complete_version",
    "note_left_out",
    "write_entries",
]


def complete_version(typed: str) -> list[str]:
    """Complete the name of a version, those that the workspace has imported included."""
    try:
        names = matrix_library().versions()
    except CaponierError:
        return []
    return [name for name in names if name.startswith(typed)]


Version = Annotated[
    str | None,
    typer.Option(
        "--matrix",
        metavar="VERSION",
        help="Version of the matrix. By default the pinned one, else amltm-2020.",
        autocompletion=complete_version,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files from an earlier run, even if they were edited.")]
All = Annotated[bool, typer.Option("--all", help="Include what was shown only in research, never on a real system.")]


def chosen_matrix(version: str | None, workspace: Path | None) -> Matrix:
    """Return the version asked for, or the pinned one, or the 2020 matrix.

    Raises:
        InputError: If there is no such version or no such workspace.
    """
    home = load_workspace(workspace)
    return matrix_library(home).load(version or default_version(home))


def all_matrices(version: str | None, workspace: Path | None) -> list[Matrix]:
    """Return every version at hand, first the one that `chosen_matrix` returns."""
    home = load_workspace(workspace)
    library = matrix_library(home)
    wanted = library.load(version or default_version(home))
    return [wanted, *_others(library, wanted)]


def _others(library: Library, wanted: Matrix) -> Iterator[Matrix]:
    """Yield the other versions; a damaged one, which is not what was asked for, is only told."""
    for name in library.versions():
        if name != wanted.version:
            try:
                yield library.load(name)
            except InputError as damaged:
                notes().print(f"left out: {plain(str(damaged))}", markup=False, soft_wrap=True)


def write_entries(
    matrix: Matrix,
    entries: Sequence[Technique],
    chosen: Format,
    out: Path | None,
    table: RenderableType,
    tactics: Sequence[Tactic] | None = None,
    studies: Sequence[CaseStudy] = (),
    beside: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Write entries in the chosen format, and case studies found with them.

    Args:
        matrix: The version that they belong to.
        entries: The entries.
        chosen: The format.
        out: The file; None means standard output.
        table: What a terminal shows.
        tactics: The tactics that JSON holds; all if not given.
        studies: Case studies found with the entries.
        beside: By id, what JSON tells of an entry that the matrix itself does not know.

    Raises:
        InputError: If the file cannot be written.
    """
    if chosen is Format.TABLE:
        write_table(table, out)
    elif chosen is Format.JSON:
        write_text(to_json(matrix, entries, tactics, studies, beside), out)
    elif chosen is Format.CSV:
        write_text(to_csv(matrix, entries), out)
    else:
        write_text(to_markdown(matrix, entries) + (f"\n{to_markdown_list(matrix, studies)}" if studies else ""), out)


def note_left_out(matrix: Matrix, shown: Sequence[Technique], quiet: bool) -> None:
    """Say how many entries a view leaves out."""
    left_out = len(matrix.techniques) - len(shown)
    if left_out:
        notes(quiet=quiet).print(f"{left_out} entries that nothing shows on a real system are left out: add --all.")
