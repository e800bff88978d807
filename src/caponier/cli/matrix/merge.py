"""`caponier matrix merge`: put contributions into a new version of the matrix."""

import json
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Group
from rich.text import Text

from caponier.app.matrix.merge_contribution import Merged, merge_contributions
from caponier.app.workspace.workspace import require_workspace
from caponier.cli.matrix import options
from caponier.cli.matrix.review import EXIT_CODES, Files, HeldAgainst
from caponier.cli.matrix.review_view import lines
from caponier.cli.terminal.listing import Listing
from caponier.cli.terminal.options import tell_deprecated
from caponier.cli.terminal.output import Format, choose_format, notes, write_table, write_text
from caponier.errors import InputError
from caponier.formats.safe_text import plain
from caponier.matrix.contributions.review import Reviewed, contribution_files
from caponier.matrix.contributions.review_issue import ReviewLevel

EXAMPLE: Final = "Example: [bold]caponier matrix merge spoofing.yaml --into amltm-2020+1[/bold]"


def merge(
    files: Files,
    into: Annotated[str, typer.Option("--into", metavar="NAME", help="Name of the new version, such as amltm-2020+1.")],
    matrix: HeldAgainst = None,
    accept_warnings: Annotated[
        bool,
        typer.Option("--accept-warnings", help="Merge in spite of the warnings of the review, which you have read."),
    ] = False,
    looked: Annotated[bool | None, typer.Option("--looked", hidden=True)] = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    workspace: options.Where = None,
) -> None:
    """Review contributions and put them into a new version, which the workspace keeps. No version is ever changed.

    Exit code 2 if a contribution cannot be accepted, 1 if one needs a person's decision; then nothing is kept.
    """
    chosen, console = choose_format(format_, out, Format.TABLE), notes(quiet=quiet)
    tell_deprecated(console, looked=looked)
    if chosen is Format.CSV:
        raise InputError("a merge is not written as CSV", hint="Use --format table, json or markdown.")
    merged = merge_contributions(
        require_workspace(workspace),
        contribution_files(files),
        into,
        version=matrix,
        looked=accept_warnings or bool(looked),
    )
    if merged.release is None:
        for line in lines(merged.review):
            notes().print(line, soft_wrap=True)
        hint = " Look at them, then say --accept-warnings." if merged.review.level is ReviewLevel.LOOK else ""
        console.print(f"Nothing was merged.{hint}", markup=False)
        raise typer.Exit(EXIT_CODES[merged.review.level])
    _write(merged, chosen, out)
    console.print(f"Use it with: caponier matrix list --matrix {into}", markup=False)


def _write(merged: Merged, chosen: Format, out: Path | None) -> None:
    assert merged.release is not None  # noqa: S101 - told apart by the caller, for the type checker
    version = merged.release.matrix.version
    if chosen is Format.JSON:
        contributions = [{"file": one.file, "kind": one.kind, "adds": _adds(one)} for one in merged.review.files]
        document = {
            "schema": "caponier.merge/1",
            "version": version,
            "from": merged.review.files[0].version,
            "released": merged.release.matrix.released,
            "contributions": contributions,
        }
        write_text(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n", out)
    elif chosen is Format.MARKDOWN:
        cells = [(one.file, str(one.kind), _adds(one)) for one in merged.review.files]
        write_text(f"# {version}\n\n{Listing.of(('file', 'kind', 'adds')).to_markdown(cells)}", out)
    else:
        rows = [f"{version}: {one.kind} {_adds(one)} from {plain(one.file)}" for one in merged.review.files]
        write_table(Group(*map(Text, rows)), out)


def _adds(one: Reviewed) -> str:
    return one.contribution.about if one.contribution else ""
