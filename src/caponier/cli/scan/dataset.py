"""`caponier scan dataset`: poisoned rows in a data set."""

import csv
import io
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.scan.dataset import DatasetReport, SuspiciousRow, document, scan_dataset
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.findings.view import listing, to_markdown
from caponier.cli.terminal import log_options as options
from caponier.cli.terminal import safe_text
from caponier.cli.terminal.log_report import print_rejected, say_skipped
from caponier.cli.terminal.output import Format, choose_format, notes, write_table, write_text
from caponier.cli.terminal.watch import Watch
from caponier.matrix.versions.catalogue import DEFAULT
from caponier.records.finding import Severity
from caponier.telemetry.labelled_data.dataset import Columns
from caponier.telemetry.rejections import RejectedRows

EXAMPLE: Final = "Example: [bold]caponier scan dataset train.csv --label species --source contributor[/bold]"

FOUND, PARTLY = 1, 3
SHOWN: Final = 20
"""Suspicious rows in a table; the other formats have all."""
_COLUMNS: Final = ("id", "source", "given", "suggested", "score", "detector")

Label = Annotated[str | None, typer.Option("--label", metavar="COLUMN", help="The label's column, in a table.")]
Source = Annotated[
    str | None, typer.Option("--source", metavar="COLUMN", help="Who contributed the row, in a table, if it says so.")
]
Id = Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="The row's id; else rows are numbered.")]


def dataset(
    path: Annotated[Path, typer.Argument(metavar="DATASET", help="A .npz with x and y, a Parquet or a CSV file.")],
    label: Label = None,
    source: Source = None,
    id_: Id = None,
    fail_on: Annotated[Severity, typer.Option(help="Exit with 1 only for findings of this severity or more.")] = (
        Severity.INFO
    ),
    workspace: options.Where = None,
    rejected: options.Rejected = options.REJECTED,
    format_: Annotated[
        Format | None, typer.Option("--format", help="How to print; csv prints the suspicious rows.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write into a file instead.")] = None,
    quiet: options.Quiet = False,
) -> None:
    """Look for wrong labels in a data set, each with the label that it should rather have.

    Exit code: 0 nothing found, 1 something found, 2 wrong input, 3 nothing found but not everything could be read or
    judged.
    """
    home = load_workspace(workspace)
    with RejectedRows(rejected) as rows, Watch(quiet=quiet) as watch:
        report = scan_dataset(path, Columns(label, source, id_), workspace=home, rejected=rows, progress=watch)
    _print(report, choose_format(format_, out, Format.TABLE), out, quiet=quiet)
    # After the output, so that a file that cannot be written leaves nothing changed.
    if home and report.findings:
        keep_findings(home, report.findings)
    if any(finding.severity.rank >= fail_on.rank for finding in report.findings):
        raise typer.Exit(FOUND)
    if report.skipped or rows.count:
        raise typer.Exit(PARTLY)


def _print(report: DatasetReport, format_: Format, out: Path | None, *, quiet: bool) -> None:
    if format_ is Format.JSON:
        write_text(orjson.dumps(document(report, DEFAULT), option=orjson.OPT_INDENT_2).decode() + "\n", out)
    elif format_ is Format.CSV:
        write_text(_csv(report.suspicious), out)
    elif format_ is Format.MARKDOWN:
        write_text(to_markdown(report.findings) + "\n" + _markdown(report.suspicious), out)
    elif report.findings:
        write_table(Group(listing(report.findings), Text(), _table(report.suspicious[:SHOWN])), out)
    elif report.suspicious:
        write_table(_table(report.suspicious[:SHOWN]), out)
    console = notes(quiet=quiet)
    counts = f"{len(report.findings)} findings, {len(report.suspicious):,} suspicious rows of {report.rows:,}"
    console.print(counts, markup=False)
    if format_ is Format.TABLE and len(report.suspicious) > SHOWN:
        console.print(f"the {SHOWN} most suspicious are shown; --format csv prints all", markup=False)
    for note in report.notes:
        console.print(f"note: {safe_text.plain(note)}", markup=False)
    say_skipped(console, report.skipped)
    print_rejected(console, report.rejected)


def _cells(row: SuspiciousRow) -> list[str]:
    return [row.id, row.source or "", row.given, row.suggested or "", f"{row.score:.3f}", row.detector]


def _table(rows: list[SuspiciousRow]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column.upper())
    for row in rows:
        table.add_row(*(Text(safe_text.plain(cell)) for cell in _cells(row)))
    return table


def _csv(rows: list[SuspiciousRow]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    # A score may be negative, and is a number: only what others wrote is guarded.
    writer.writerows([*map(safe_text.spreadsheet, _cells(row)[:4]), *_cells(row)[4:]] for row in rows)
    return text.getvalue()


def _markdown(rows: list[SuspiciousRow]) -> str:
    lines = [f"| {' | '.join(_COLUMNS)} |", f"|{' --- |' * len(_COLUMNS)}"]
    lines += [f"| {' | '.join(safe_text.markdown(cell) for cell in _cells(row))} |" for row in rows]
    return "\n".join(lines) + "\n"
