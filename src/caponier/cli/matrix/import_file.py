"""`caponier matrix import`: a version of ATLAS or ATT&CK from its own file into the workspace."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from caponier.app.matrix.import_version import Imported, import_matrix
from caponier.cli.matrix import options
from caponier.cli.terminal.output import choose_format, notes, write_text
from caponier.formats.safe_text import plain
from caponier.formats.walk_files import shown

EXAMPLE: Final = "Example: [bold]caponier matrix import ATLAS.yaml[/bold]"


class ImportFormat(StrEnum):
    """How to print what was imported."""

    TEXT = "text"
    JSON = "json"


File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        show_default=False,
        help="An ATLAS.yaml of format 3 to 6, a STIX bundle of ATT&CK Enterprise or ATLAS, Caponier's own file, or -.",
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--version", metavar="VERSION", help="Name of the version, such as atlas-4.4.0. By default the file's own."
    ),
]
TextOrJson = Annotated[
    ImportFormat | None,
    typer.Option("--format", help="Output format. By default the ending of --out decides, else text."),
]


def import_file(
    file: File,
    version: Name = None,
    workspace: options.Where = None,
    format_: TextOrJson = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Bring a version of a matrix from its own file into the workspace.

    A file with any error is not imported at all. Known errors in published files are corrected, and the command lists
    the corrections.
    """
    imported = import_matrix(file, version, workspace)
    as_json = choose_format(format_, out, ImportFormat.TEXT) is ImportFormat.JSON
    write_text(json_of(imported) if as_json else text_of(imported), out)
    console = notes(quiet=quiet)
    for remark in imported.release.remarks:
        console.print(f"note: {plain(remark)}", markup=False, soft_wrap=True)
    if not imported.is_new:
        console.print("note: This version was there already, with the same content.", markup=False)
    console.print(f"Look at it with: caponier matrix list --matrix {imported.release.matrix.version}", markup=False)


def json_of(imported: Imported) -> str:
    """Return the contract `caponier.matrix-import/1`."""
    return orjson.dumps(imported.to_dict(), option=orjson.OPT_INDENT_2).decode() + "\n"


def text_of(imported: Imported) -> str:
    """Say what a version holds, for people."""
    release, matrix, counts = imported.release, imported.release.matrix, imported.counts
    released = f"released {matrix.released}" if matrix.released else "release date unknown"
    lines = [
        f"{matrix.version}  {matrix.name}, {released}, read as {release.format}",
        f"  tactics: {counts['tactics']}",
        f"  techniques: {counts['techniques']}, sub-techniques: {counts['sub_techniques']},"
        f" of both in the default view: {counts['in_default_view']}",
        f"  case studies: {counts['case_studies']}, steps: {counts['steps']}",
        f"  retired entries: {counts['retired']}",
        f"  counter-measures, kept beside the matrix: {counts['beside_the_matrix']}",
        *([f"  sha256 {release.sha256}"] if release.sha256 else []),
        f"  kept in {shown(imported.kept)}",
    ]
    return "".join(f"{plain(line)}\n" for line in lines)
