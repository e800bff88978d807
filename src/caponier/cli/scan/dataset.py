"""`caponier scan dataset`: poisoned rows in a data set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Group
from rich.text import Text

from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.matrix.library import default_version
from caponier.app.scan.dataset import DatasetReport, SuspiciousRow, scan_dataset
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.findings.by_caller import CALLERS, by_caller
from caponier.cli.scan.dataset_page import dataset_page
from caponier.cli.scan.exit_code import leave
from caponier.cli.scan.next_step import say_next
from caponier.cli.terminal import log_options, options
from caponier.cli.terminal.listing import Listing, ListingColumn
from caponier.cli.terminal.log_report import print_rejected, say_skipped
from caponier.cli.terminal.output import Format, choose_format, notes, write_table, write_text
from caponier.cli.terminal.watch import Watch
from caponier.errors import InputError
from caponier.formats import safe_text
from caponier.formats.atomic_file import write_bytes, write_new
from caponier.formats.walk_files import shown
from caponier.records.finding import Severity
from caponier.records.findings_document import findings_document
from caponier.records.inventory import Workspace
from caponier.telemetry.labelled_data.dataset import Columns
from caponier.telemetry.labelled_data.manifest import Manifest
from caponier.telemetry.rejections import RejectedRows

EXAMPLE: Final = "Example: [bold]caponier scan dataset train.csv --label species --source contributor[/bold]"

SHOWN: Final = 20
"""Suspicious rows in a table; the other formats have all."""

SUSPICIOUS: Final[Listing[SuspiciousRow]] = Listing(
    [
        ListingColumn("id", lambda row: row.id, head="ROW"),
        ListingColumn("source", lambda row: row.source or ""),
        ListingColumn("given", lambda row: row.given, head="LABEL GIVEN"),
        ListingColumn("suggested", lambda row: row.suggested or "", head="LABEL SUGGESTED"),
        ListingColumn("score", lambda row: f"{row.score:.3f}", number=True),
        ListingColumn("detector", lambda row: row.detector),
    ]
)

Label = Annotated[str | None, typer.Option("--label", metavar="COLUMN", help="The label column of a table.")]
Source = Annotated[
    str | None,
    typer.Option("--source", metavar="COLUMN", help="The column of a table that says who contributed each row."),
]
Features = Annotated[
    str | None, typer.Option("--features", metavar="A,B", help="The feature columns. By default all others.")
]
Exclude = Annotated[str | None, typer.Option("--exclude", metavar="A,B", help="Columns that are not features.")]
RecordedRows = Annotated[
    Path | None,
    typer.Option(
        "--manifest",
        metavar="FILE",
        help="Manifest from scan dataset --write-manifest, to name rows changed since.",
    ),
]
Id = Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="The id column. By default rows are numbered.")]


def dataset(
    path: Annotated[
        Path, typer.Argument(metavar="DATASET", help="A .npz, a table (Parquet, Arrow, JSON Lines, CSV), or a folder.")
    ],
    label: Label = None,
    source: Source = None,
    id_: Id = None,
    features: Features = None,
    exclude: Exclude = None,
    manifest: RecordedRows = None,
    write_manifest: Annotated[
        Path | None,
        typer.Option(
            "--write-manifest",
            metavar="FILE",
            help="Also write a manifest, with a digest of each row; must not exist yet.",
        ),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            "--page", metavar="FILE", help="Also write a page that shows the flagged rows beside similar ones."
        ),
    ] = None,
    fail_on: options.FailOn = Severity.INFO,
    workspace: options.Where = None,
    rejected: log_options.Rejected = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Look for wrong labels, rows with a trigger and floods of near copies in a data set.

    With --format csv the output is the suspicious rows; other formats print the findings, too.

    Exit code: 0 nothing found, 1 something found, 2 wrong input, 3 nothing found but not everything could be read or
    judged.
    """
    home = load_workspace(workspace)
    columns = Columns(label, source, id_, named(features), named(exclude))
    with RejectedRows(rejected) as rows, Watch(quiet=quiet) as watch:
        report = scan_dataset(
            path,
            columns,
            manifest=manifest,
            workspace=home,
            rejected=rows,
            progress=watch,
        )
    chosen = choose_format(format_, out, Format.TABLE)
    _print(report, chosen, out, default_version(home))
    if page:
        write_bytes(page, dataset_page(report).encode())
    if write_manifest:
        _write_manifest(write_manifest, Manifest.of_dataset(report.dataset, columns).to_bytes())
    _tell(report, chosen, home, quiet=quiet)
    # After the output, so that a file that cannot be written leaves nothing changed.
    if home and report.findings:
        keep_findings(home, report.findings)
    leave(report.findings, fail_on, partly=bool(report.skipped or rows.count))


def _write_manifest(path: Path, content: bytes) -> None:
    """Write a manifest, never over another one: that may be the only witness.

    Raises:
        InputError: If the file exists, or cannot be written.
    """
    if not write_new(path, content):
        raise InputError("exists already, and a manifest is never written over", where=str(path))


def named(text: str | None) -> tuple[str, ...]:
    """Return the names in a list with commas."""
    return tuple(name for part in (text or "").split(",") if (name := part.strip()))


def _print(report: DatasetReport, format_: Format, out: Path | None, matrix: str) -> None:
    if format_ is Format.MARKDOWN:
        write_text(
            CALLERS.to_markdown(by_caller(report.findings)) + "\n" + SUSPICIOUS.to_markdown(report.suspicious), out
        )
    elif format_ is Format.TABLE and report.findings:
        suspicious = SUSPICIOUS.table(report.suspicious[:SHOWN])
        write_table(Group(CALLERS.table(by_caller(report.findings)), Text(), suspicious), out)
    else:
        shown = report.suspicious[:SHOWN] if format_ is Format.TABLE else report.suspicious
        SUSPICIOUS.write(shown, format_, out, lambda: document(report, matrix), bare=False)


def _tell(report: DatasetReport, format_: Format, home: Workspace | None, *, quiet: bool) -> None:
    console = notes(quiet=quiet)
    counts = f"{len(report.findings)} findings, {len(report.suspicious):,} suspicious rows of {report.rows:,}"
    console.print(counts, markup=False)
    if format_ is Format.TABLE and len(report.suspicious) > SHOWN:
        console.print(_shown_of(report.suspicious), markup=False)
    for note in report.notes:
        console.print(f"note: {safe_text.plain(note)}", markup=False)
    say_skipped(console, report.skipped)
    print_rejected(console, report.rejected)
    say_next(console, report.findings, home)


def _shown_of(suspicious: Sequence[SuspiciousRow]) -> str:
    last = suspicious[SHOWN - 1].score
    alike = sum(row.score == last for row in suspicious)
    tie = f" ({alike:,} rows have the same score as the last one)" if suspicious[SHOWN].score == last else ""
    return (
        f"{SHOWN} of {len(suspicious):,} suspicious rows are shown, highest scores first{tie}; --format csv prints all"
    )


def document(report: DatasetReport, matrix: str) -> dict[str, Any]:
    """Return the scan as the document `caponier.findings/1`."""
    read = {
        "path": shown(report.path),
        "sha256": report.sha256,
        "rows": report.rows,
        "classes": list(report.classes),
    }
    return findings_document(
        matrix,
        report.findings,
        skipped=report.skipped,
        rejected=(report.rejected.count, report.rejected.path),
        parts={
            "dataset": read,
            "suspicious": [row.to_dict() for row in report.suspicious],
            "notes": report.notes,
        },
    )
