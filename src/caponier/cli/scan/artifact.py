"""`caponier scan artifact`: unsafe model files."""

import csv
import io
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from rich.table import Table
from rich.text import Text

from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.scan.artifact import ArtifactReport, ScannedFile, scan_artifact
from caponier.app.scan.ignored_files import read_ignored
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.scan.sarif import to_sarif
from caponier.cli.terminal import log_options as options
from caponier.cli.terminal.log_report import say_skipped
from caponier.cli.terminal.output import choose_format, notes, write_table, write_text
from caponier.cli.terminal.watch import Watch
from caponier.detect.artifact import Verdict
from caponier.matrix.versions.catalogue import DEFAULT
from caponier.records.finding import Severity

EXAMPLE: Final = "Example: [bold]caponier scan artifact models/ --format sarif --out models.sarif[/bold]"
FOUND, PARTLY = 1, 3
_COLUMNS: Final = ("verdict", "path", "kind", "reason", "sha256", "ignored")
_STYLES: Final = {Verdict.CLEAN: "green", Verdict.UNKNOWN: "yellow", Verdict.UNSAFE: "bold red"}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class ArtifactFormat(StrEnum):
    """How to print the verdicts."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    SARIF = "sarif"


def artifact(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Model files, and folders of them.")],
    system: Annotated[
        str | None, typer.Option("--system", metavar="NAME", help="The system of the inventory that they belong to.")
    ] = None,
    ignore: Annotated[
        Path | None, typer.Option("--ignore", metavar="FILE", help="Accepted files: YAML, by digest, with an end.")
    ] = None,
    fail_on: Annotated[Severity, typer.Option(help="Exit with 1 only for findings of this severity or more.")] = (
        Severity.INFO
    ),
    workspace: options.Where = None,
    format_: Annotated[
        ArtifactFormat | None, typer.Option("--format", help="How to print; or by the ending of --out.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write into a file instead.")] = None,
    quiet: options.Quiet = False,
) -> None:
    """Look for model files that run code when they are loaded. No file is ever loaded for it.

    Exit code: 0 all clean, 1 something unsafe found, 2 wrong input, 3 nothing unsafe found but not everything could be
    judged.
    """
    home = load_workspace(workspace)
    with Watch(quiet=quiet) as watch:
        report = scan_artifact(
            paths, workspace=home, system=system, ignored=read_ignored(ignore) if ignore else None, progress=watch
        )
    _print(report, choose_format(format_, out, ArtifactFormat.TABLE), out, quiet=quiet)
    # After the output, so that a file that cannot be written leaves nothing changed.
    if home and report.findings:
        keep_findings(home, report.findings)
    if any(finding.severity.rank >= fail_on.rank for finding in report.findings):
        raise typer.Exit(FOUND)
    if report.skipped:
        raise typer.Exit(PARTLY)


def document(report: ArtifactReport) -> dict[str, object]:
    """Return the scan as the document `caponier.findings/1`."""
    return {
        "schema": "caponier.findings/1",
        "matrix": DEFAULT,
        "findings": [finding.to_dict() for finding in report.findings],
        "scanned": [file.to_dict() for file in report.scanned],
        "skipped": [{"what": skip.what, "reason": skip.reason} for skip in report.skipped],
        "rejected": {"rows": 0, "file": None},
        "notes": report.notes,
    }


def _print(report: ArtifactReport, format_: ArtifactFormat, out: Path | None, *, quiet: bool) -> None:
    if format_ is ArtifactFormat.JSON:
        write_text(orjson.dumps(document(report), option=orjson.OPT_INDENT_2).decode() + "\n", out)
    elif format_ is ArtifactFormat.SARIF:
        write_text(to_sarif(report), out)
    elif format_ is ArtifactFormat.CSV:
        write_text(_csv(report.scanned), out)
    elif format_ is ArtifactFormat.MARKDOWN:
        write_text(_markdown(report.scanned), out)
    else:
        write_table(_table(report.scanned), out)
    console = notes(quiet=quiet)
    counts = {verdict: sum(file.verdict is verdict for file in report.scanned) for verdict in Verdict}
    figures = ", ".join(f"{count:,} {verdict.value}" for verdict, count in counts.items())
    console.print(f"{len(report.scanned):,} files: {figures}", markup=False)
    for note in report.notes:
        console.print(f"note: {_plain(note)}", markup=False)
    say_skipped(console, report.skipped, "unknown")


def _table(scanned: list[ScannedFile]) -> Table:
    """Draw a row a file, the worst first."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in _COLUMNS[:4]:
        table.add_column(column.upper(), no_wrap=column == "verdict", overflow="fold")
    for file in sorted(scanned, key=lambda file: -file.verdict.rank):
        cells = [Text(_plain(cell)) for cell in _cells(file)[:4]]
        cells[0].stylize(_STYLES[file.verdict])
        table.add_row(*cells)
    return table


def _csv(scanned: list[ScannedFile]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for file in scanned:
        # It may be shown in a terminal, and a name that begins like a formula must not become one in a spreadsheet.
        cells = [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in _cells(file)]
        writer.writerow(map(_plain, cells))
    return text.getvalue()


def _markdown(scanned: list[ScannedFile]) -> str:
    lines = [f"| {' | '.join(_COLUMNS)} |", f"|{' --- |' * len(_COLUMNS)}"]
    lines += [f"| {' | '.join(_escaped(cell) for cell in _cells(file))} |" for file in scanned]
    return "\n".join(lines) + "\n"


def _cells(file: ScannedFile) -> list[str]:
    reason = file.reason or ""
    if file.ignored:
        reason = f"ignored ({file.ignored}): {reason}"
    return [file.verdict.value, file.path, file.kind or "", reason, file.sha256 or "", file.ignored or ""]


def _plain(text: str) -> str:
    """Show control characters as escapes: names of files and of globals are the attacker's to choose."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _escaped(text: str) -> str:
    plain = _plain(text)
    for char in "\\`*_{}[]<>|#!":
        plain = plain.replace(char, f"\\{char}")
    return plain
