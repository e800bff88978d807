"""`caponier scan artifact`: unsafe model files."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.matrix.library import default_version
from caponier.app.scan.artifact import ArtifactReport, ScannedFile, limits_here, scan_artifact
from caponier.app.scan.ignored_files import read_ignored
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.scan.exit_code import leave
from caponier.cli.scan.next_step import say_next
from caponier.cli.scan.sarif import to_sarif
from caponier.cli.terminal import options
from caponier.cli.terminal.listing import Listing, ListingColumn, ShownIn
from caponier.cli.terminal.log_report import say_skipped
from caponier.cli.terminal.output import choose_format, notes, write_text
from caponier.cli.terminal.watch import Watch
from caponier.detect.artifact import Verdict
from caponier.formats.safe_text import plain
from caponier.records.finding import Severity
from caponier.records.findings_document import findings_document

EXAMPLE: Final = "Example: [bold]caponier scan artifact models/ --format sarif --out models.sarif[/bold]"
_STYLES: Final = {Verdict.CLEAN: "green", Verdict.UNKNOWN: "yellow", Verdict.UNSAFE: "bold red"}

FILES: Final[Listing[ScannedFile]] = Listing(
    [
        ListingColumn("verdict", lambda file: file.verdict.value, whole=True, style=lambda file: _STYLES[file.verdict]),
        ListingColumn("path", lambda file: file.path),
        ListingColumn("kind", lambda file: file.kind or ""),
        ListingColumn("reason", lambda file: _reason(file)),
        ListingColumn("sha256", lambda file: file.sha256 or "", ShownIn.DATA),
        ListingColumn("ignored", lambda file: file.ignored or "", ShownIn.DATA),
        ListingColumn("allowed", lambda file: ", ".join(file.allowed), ShownIn.DATA),
    ],
    folded=True,
    visible=True,
)


class ArtifactFormat(StrEnum):
    """How to print the verdicts."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    SARIF = "sarif"


def artifact(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", readable=False, help="Model files, and folders of them.")
    ],
    system: options.System = None,
    ignore: Annotated[
        Path | None,
        typer.Option("--ignore", metavar="FILE", help="YAML list of accepted files: digest, reason and expiry."),
    ] = None,
    fail_on: options.FailOn = Severity.INFO,
    largest: Annotated[
        int | None,
        typer.Option(
            "--largest",
            metavar="GIB",
            min=1,
            help="Read files of up to this many GiB whole; by default 5, or less if memory is short. "
            "Larger files are unknown.",
        ),
    ] = None,
    workspace: options.Where = None,
    format_: Annotated[ArtifactFormat | None, options.FORMAT] = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Look for model files that run code when loaded. No file is ever loaded.

    Exit code: 0 all clean, 1 something unsafe found, 2 wrong input, 3 nothing unsafe found but not everything could be
    judged.
    """
    home = load_workspace(workspace)
    with Watch(quiet=quiet) as watch:
        report = scan_artifact(
            paths,
            workspace=home,
            system=system,
            ignored=read_ignored(ignore) if ignore else None,
            limits=limits_here(None if largest is None else largest << 30),
            progress=watch,
        )
    chosen = choose_format(format_, out, ArtifactFormat.TABLE)
    _print(report, chosen, out, default_version(home))
    _tell(report, chosen, quiet=quiet)
    say_next(notes(quiet=quiet), report.findings, home)
    # After the output, so that a file that cannot be written leaves nothing changed.
    if home and report.findings:
        keep_findings(home, report.findings)
    leave(report.findings, fail_on, partly=bool(report.skipped))


def document(report: ArtifactReport, matrix: str) -> dict[str, Any]:
    """Return the scan as the document `caponier.findings/1`."""
    parts = {"scanned": [file.to_dict() for file in report.scanned], "notes": report.notes}
    return findings_document(matrix, report.findings, skipped=report.skipped, parts=parts)


def _print(report: ArtifactReport, chosen: ArtifactFormat, out: Path | None, matrix: str) -> None:
    if chosen is ArtifactFormat.SARIF:
        write_text(to_sarif(report), out)
        return
    worst_first = sorted(report.scanned, key=lambda file: -file.verdict.rank)
    rows = worst_first if chosen is ArtifactFormat.TABLE else report.scanned
    FILES.write(rows, chosen, out, lambda: document(report, matrix))


def _tell(report: ArtifactReport, chosen: ArtifactFormat, *, quiet: bool) -> None:
    console = notes(quiet=quiet)
    counts = {verdict: sum(file.verdict is verdict for file in report.scanned) for verdict in Verdict}
    figures = ", ".join(f"{count:,} {verdict.value}" for verdict, count in counts.items())
    console.print(f"{len(report.scanned):,} file{'s' * (len(report.scanned) != 1)}: {figures}", markup=False)
    for note in report.notes:
        console.print(f"note: {plain(note)}", markup=False)
    # A table has the files, each with its reason.
    say_skipped(console, report.lacking if chosen is ArtifactFormat.TABLE else report.skipped, "unknown")


def _reason(file: ScannedFile) -> str:
    reason = file.reason or ""
    passed = "; ".join(f"{name} is allowed by the workspace: {why}" for name, why in file.allowed.items())
    reason = "; ".join(filter(None, [reason, passed]))
    return f"ignored ({file.ignored}): {reason}" if file.ignored else reason
