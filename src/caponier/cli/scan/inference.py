"""`caponier scan inference`: attacks in inference logs."""

import os
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.findings.view import listing, to_csv, to_markdown
from caponier.cli.terminal import log_options as options
from caponier.cli.terminal.log_report import print_rejected, say, say_skipped
from caponier.cli.terminal.output import Format, choose_format, notes, write_table, write_text
from caponier.cli.terminal.watch import Watch
from caponier.detect.calibration.baseline import Baseline
from caponier.engines.local import BATCH_ROWS
from caponier.matrix.versions.catalogue import DEFAULT
from caponier.records.alert_budget import AlertBudget
from caponier.records.finding import Severity
from caponier.telemetry.rejections import RejectedRows

EXAMPLE: Final = (
    "Example: [bold]caponier scan inference events.parquet --baseline digits.safetensors --format json[/bold]"
)
FOUND, PARTLY = 1, 3


def inference(
    events: options.Paths,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="FILE", help="From: caponier baseline build.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option("--alert-budget", metavar="RATE", help='Such as "2 per week", or a bound: 1/300.')
    ] = None,
    fail_on: Annotated[Severity, typer.Option(help="Exit with 1 only for findings of this severity or more.")] = (
        Severity.INFO
    ),
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 takes one a core.")] = 1,
    batch_size: Annotated[int, typer.Option(min=1, help="Events in a batch; changes the speed alone.")] = BATCH_ROWS,
    workspace: options.Where = None,
    kind: options.Kind = None,
    shape: options.Shape = None,
    range_: options.Range = None,
    sampling: options.Sampling = None,
    reader: options.Reader = "auto",
    lateness: options.Lateness = options.LATE,
    rejected: options.Rejected = options.REJECTED,
    format_: Annotated[Format | None, typer.Option("--format", help="How to print; or by the ending of --out.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write into a file instead.")] = None,
    quiet: options.Quiet = False,
) -> None:
    """Look for attacks in inference logs.

    Exit code: 0 nothing found, 1 something found, 2 wrong input, 3 nothing found but not everything could be read or
    checked.
    """
    options.check_reader(reader)
    home = load_workspace(workspace)
    with RejectedRows(rejected) as rows, Watch(quiet=quiet) as watch:
        report = scan_inference(
            events,
            Baseline.load(baseline) if baseline else None,
            workspace=home,
            spec=options.feature_spec(kind, shape, range_),
            alert_budget=AlertBudget.parse(budget) if budget else None,
            sampling=options.share(sampling),
            rejected=rows,
            reader=reader,
            lateness=lateness,
            workers=workers or os.cpu_count() or 1,
            batch_rows=batch_size,
            progress=watch,
        )
    _print(report, choose_format(format_, out, Format.TABLE), out, quiet=quiet)
    # After the output, so that a file that cannot be written leaves nothing changed.
    if home and report.findings:
        # Imported here, for it brings the whole store: half as long as all else that a scan imports.
        from caponier.app.incidents.keep_findings import keep_findings

        keep_findings(home, report.findings)
    if any(finding.severity.rank >= fail_on.rank for finding in report.findings):
        raise typer.Exit(FOUND)
    if report.skipped or rows.count:
        raise typer.Exit(PARTLY)


def _print(report: ScanReport, format_: Format, out: Path | None, *, quiet: bool) -> None:
    if format_ is Format.JSON:
        write_text(orjson.dumps(document(report), option=orjson.OPT_INDENT_2).decode() + "\n", out)
    elif format_ is Format.CSV:
        write_text(to_csv(report.findings), out)
    elif format_ is Format.MARKDOWN:
        write_text(to_markdown(report.findings), out)
    elif report.findings or out:
        write_table(listing(report.findings), out)
    console = notes(quiet=quiet)
    found = len(report.findings)
    say(console, f"{found:,} finding{'' if found == 1 else 's'} in {report.events:,} events")
    for note in report.notes:
        say(console, f"note: {note}")
    say_skipped(console, report.skipped)
    print_rejected(console, report.rejected)


def document(report: ScanReport) -> dict[str, object]:
    """Return the scan as the document `caponier.findings/1`."""
    file = str(report.rejected.path) if report.rejected.count and report.rejected.path else None
    return {
        "schema": "caponier.findings/1",
        "matrix": DEFAULT,
        "findings": [finding.to_dict() for finding in report.findings],
        "skipped": [{"what": skip.what, "reason": skip.reason} for skip in report.skipped],
        "rejected": {"rows": report.rejected.count, "file": file},
        "notes": report.notes,
        "baselines": [fit.to_dict() for fit in report.fits.values()],
        "events": report.events,
    }
