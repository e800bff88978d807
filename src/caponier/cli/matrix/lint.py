"""`caponier matrix lint`: do ids, names and tactics agree in layers, rules, STIX, CSV, Markdown and findings?"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from caponier.app.matrix.library import matrix_library
from caponier.app.matrix.lint import LintReport, Versions, lint_files
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.matrix import lint_view, options
from caponier.cli.terminal.log_report import say_skipped
from caponier.cli.terminal.output import choose_format, notes, write_text
from caponier.errors import InputError
from caponier.formats.safe_text import plain
from caponier.matrix.documents.lint import Code

EXAMPLE: Final = "Example: [bold]caponier matrix lint rules/ layer.json --against atlas-5.6[/bold]"
FOUND, PARTLY = 1, 3


class LintFormat(StrEnum):
    """How to print what was found."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    SARIF = "sarif"


def lint(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            help="Navigator layers, Sigma rules, STIX, CSV, Markdown or findings, folders of them, or - for stdin.",
        ),
    ],
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="VERSION",
            help="Version to check against, one for each matrix. By default the one that the file names, else the "
            "pinned or newest one.",
            autocompletion=options.complete_version,
        ),
    ] = None,
    ignore: Annotated[
        list[Code] | None, typer.Option("--ignore", metavar="CODE", help="Do not report this code; may be repeated.")
    ] = None,
    format_: Annotated[
        LintFormat | None,
        typer.Option("--format", help="Output format. By default the ending of --out decides, else lines."),
    ] = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    workspace: options.Where = None,
) -> None:
    """Find ids, names and tactics that do not agree with the matrix.

    M101 unknown id · M102 retired id · M103 wrong name · M104 name of another id · M105 wrong tactic · M106 malformed
    id · M107 wrong parent · M108 unknown tactic · M109 tactic tag without a technique · M110 id newer than the version
    that the file names.

    Exit code: 0 nothing found, 1 something found, 2 nothing could be read, 3 nothing found but not everything could be
    read.
    """
    home = load_workspace(workspace)
    versions = Versions(matrix_library(home), against or (), home.pinned if home else None)
    report = lint_files(paths, versions, ignore or ())
    if not report.files:
        _refuse(report)
    _print(report, choose_format(format_, out, LintFormat.TABLE), out)
    _tell(report, quiet=quiet)
    if report.flaws:
        raise typer.Exit(FOUND)
    if report.skipped:
        raise typer.Exit(PARTLY)


def _refuse(report: LintReport) -> None:
    if not report.skipped:
        raise InputError(
            "there is nothing to check in what was named", hint="Name a layer, a rule, or a folder of them."
        )
    first, more = report.skipped[0], len(report.skipped) - 1
    raise InputError(f"nothing could be read{f' (and {more} more files)' if more else ''}: {plain(first.reason)}")


def _print(report: LintReport, chosen: LintFormat, out: Path | None) -> None:
    if chosen is LintFormat.TABLE:
        write_text(lint_view.lines(report), out)
    elif chosen is LintFormat.SARIF:
        write_text(lint_view.to_sarif(report), out)
    else:
        lint_view.FOUND.write(lint_view.found_in(report), chosen, out, lambda: lint_view.document(report))


def _tell(report: LintReport, *, quiet: bool) -> None:
    console = notes(quiet=quiet)
    say_skipped(console, report.skipped, "skipped")
    for remark in report.remarks:
        console.print(f"note: {plain(remark)}", markup=False, soft_wrap=True)
    names = sum(file.ids for file in report.files)
    against = f" against {', '.join(report.versions)}" if report.versions else ""
    files = "1 file" if len(report.files) == 1 else f"{len(report.files)} files"
    ids = "1 id" if names == 1 else f"{names} ids"
    console.print(f"{files} with {ids}{against}: {report.flaws} found", markup=False, soft_wrap=True)
