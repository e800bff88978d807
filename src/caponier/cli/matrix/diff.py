"""`caponier matrix diff`: what changed from one version to another."""

from pathlib import Path
from typing import Annotated, Final

import typer

from caponier.app.matrix.library import matrix_library
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.matrix import options
from caponier.cli.matrix.diff_text import to_csv, to_json, to_markdown
from caponier.cli.matrix.diff_view import view
from caponier.cli.terminal.output import Format, choose_format, notes, write_table, write_text
from caponier.errors import InputError
from caponier.matrix.mapping.diff import compare
from caponier.matrix.mapping.difference import DifferenceKind
from caponier.matrix.versions.catalogue import Matrix
from caponier.matrix.versions.library import Library

EXAMPLE: Final = "Example: [bold]caponier matrix diff atlas-4.4.0 ATLAS.yaml --format markdown --out changes.md[/bold]"
_FILE_ENDINGS: Final = frozenset({".yaml", ".yml", ".json"})


def diff(
    before: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="A version, or a file that holds one.",
            autocompletion=options.complete_version,
            show_default=False,
        ),
    ],
    after: Annotated[
        str,
        typer.Argument(
            metavar="B",
            help="The version to compare with.",
            autocompletion=options.complete_version,
            show_default=False,
        ),
    ],
    only: Annotated[
        list[DifferenceKind] | None, typer.Option("--only", help="Only changes of this kind; may be repeated.")
    ] = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    workspace: options.Where = None,
) -> None:
    """List the changes from version A to version B: entries added, removed, renamed, moved or replaced.

    Each may be an installed version, or a file in any format that `matrix import` reads. The 2020 matrix is compared
    with ATLAS through the crosswalk. Entries that were shown only in research are included. The exit code is 0 with or
    without differences.
    """
    library = matrix_library(load_workspace(workspace))
    matrices = _find(library, before, quiet), _find(library, after, quiet)
    difference = compare(*matrices)
    for remark in difference.remarks:
        notes(quiet=quiet).print(remark, markup=False, soft_wrap=True)
    kinds = tuple(only or DifferenceKind)
    chosen = choose_format(format_, out, Format.TABLE)
    if chosen is Format.TABLE:
        write_table(view(difference, *matrices, kinds), out)
    else:
        write = {Format.JSON: to_json, Format.CSV: to_csv, Format.MARKDOWN: to_markdown}[chosen]
        write_text(write(difference.only(kinds), *matrices), out)


def _find(library: Library, name: str, quiet: bool) -> Matrix:
    """Return a version at hand or in a file; where a name is both, the version wins."""
    path = Path(name)
    is_file = name == "-" or path.exists() or path.suffix.lower() in _FILE_ENDINGS or len(path.parts) > 1
    if name in library.versions() or not is_file:
        return _at_hand(library, name)
    # The readers of files are needed by nothing else here.
    from caponier.matrix.versions.loaders import load_file

    try:
        release = load_file(path)
    except InputError as wrong:
        if "--version" not in (wrong.hint or ""):
            raise
        hint = f"Import it first, under a name: caponier matrix import {name} --version VERSION"
        raise InputError(wrong.what, where=wrong.where, hint=hint) from None
    count = len(release.remarks)
    told = f"{name}: {release.matrix.version}"
    if count:
        told += f" ({count} remark{'s' if count > 1 else ''} on how it was read: caponier matrix import shows them)"
    notes(quiet=quiet).print(told, markup=False, soft_wrap=True)
    return release.matrix


def _at_hand(library: Library, name: str) -> Matrix:
    try:
        return library.load(name)
    except InputError as unknown:
        if name in library.versions():
            raise
        hint = f"{unknown.hint} Or name a file of a version, such as ATLAS.yaml."
        raise InputError(unknown.what, where=unknown.where, hint=hint) from None
