"""`caponier scan inference`: attacks in inference logs."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.app.matrix.library import default_version
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.findings.by_caller import by_caller, write_findings
from caponier.cli.scan.exit_code import leave
from caponier.cli.scan.next_step import say_next
from caponier.cli.terminal import engine_options, log_options, options
from caponier.cli.terminal.log_report import print_rejected, say, say_notes
from caponier.cli.terminal.output import Format, choose_format, notes
from caponier.cli.terminal.watch import Watch
from caponier.detect.calibration.baseline import Baseline
from caponier.engines.local import BATCH_ROWS
from caponier.records.finding import Severity
from caponier.records.findings_document import findings_document
from caponier.records.inventory import Workspace
from caponier.telemetry.rejections import RejectedRows

EXAMPLE: Final = (
    "Example: [bold]caponier scan inference events.parquet --baseline digits.safetensors --format json[/bold]"
)


def inference(
    events: log_options.Paths,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="FILE", help="Baseline from: caponier baseline build.")
    ] = None,
    budget: options.OldBudget = None,
    fail_on: options.FailOn = Severity.INFO,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 means one for each core.")] = 1,
    batch_size: Annotated[int, typer.Option(min=1, help="Events in a batch; affects speed only.")] = BATCH_ROWS,
    engine: engine_options.Chosen = engine_options.EngineKind.LOCAL,
    master: engine_options.Master = None,
    shared: engine_options.Shared = None,
    workspace: options.Where = None,
    kind: log_options.Kind = None,
    shape: log_options.Shape = None,
    range_: log_options.Range = None,
    sampling: log_options.Sampling = None,
    since: options.Since = None,
    until: options.Until = None,
    map_: log_options.Map = None,
    reader: log_options.Reader = "auto",
    lateness: log_options.Lateness = None,
    rejected: log_options.Rejected = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Look for attacks in inference logs.

    Exit code: 0 nothing found, 1 something found, 2 wrong input, 3 nothing found but not everything could be read or
    checked.
    """
    home = load_workspace(workspace)
    how = log_options.read_options(reader, lateness, sampling, map_=map_, home=home, since=since, until=until)
    started = engine_options.started(engine, master, shared)
    with started as run, RejectedRows(rejected) as rows, Watch(quiet=quiet) as watch:
        report = scan_inference(
            events,
            Baseline.load(baseline) if baseline else None,
            workspace=home,
            spec=log_options.feature_spec(kind, shape, range_),
            rejected=rows,
            options=how,
            engine=run,
            shared=shared,
            workers=workers or os.cpu_count() or 1,
            batch_rows=batch_size,
            progress=watch,
        )
    chosen = choose_format(format_, out, Format.TABLE)
    write_findings(report.findings, chosen, out, lambda: document(report, default_version(home)), bare=bool(out))
    options.tell_deprecated(notes(quiet=quiet), alert_budget=budget)
    _tell(report, events, home, quiet=quiet)
    # After the output, so that a file that cannot be written leaves nothing changed.
    if home and report.findings:
        # Imported here, for it brings the whole store: half as long as all else that a scan imports.
        from caponier.app.incidents.keep_findings import keep_findings

        keep_findings(home, report.findings)
    leave(report.findings, fail_on, partly=bool(report.skipped or rows.count))


def _tell(report: ScanReport, logs: Sequence[Path], home: Workspace | None, *, quiet: bool) -> None:
    console = notes(quiet=quiet)
    found = len(report.findings)
    if not report.checked:
        say(console, f"Nothing could be checked in {report.events:,} events: no detector ran. The reasons follow.")
        # Only here: it brings the readers of all security logs.
        from caponier.app.inference.security_log import security_log_note

        if other := security_log_note(logs):
            say(console, f"note: {other}")
    else:
        partly = not found and (report.skipped or report.rejected.count)
        callers = len(by_caller(report.findings))
        about = f" about {callers:,} caller{'s' * (callers != 1)}" if 1 < found != callers else ""
        unsure = ", but not everything could be read or checked (exit code 3):" if partly else ""
        say(console, f"{found:,} finding{'' if found == 1 else 's'}{about} in {report.events:,} events{unsure}")
    say_notes(console, report.notes, report.skipped)
    print_rejected(console, report.rejected)
    say_next(console, report.findings, home)


def document(report: ScanReport, matrix: str) -> dict[str, Any]:
    """Return the scan as the document `caponier.findings/1`."""
    return findings_document(
        matrix,
        report.findings,
        skipped=report.skipped,
        rejected=(report.rejected.count, report.rejected.path),
        parts={
            "notes": report.notes,
            "baselines": [fit.to_dict() for fit in report.fits.values()],
            "events": report.events,
        },
    )
