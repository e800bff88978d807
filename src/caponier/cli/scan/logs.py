"""`caponier scan logs`: Sigma rules over ordinary security logs."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.scan.logs import LogScanReport, scan_logs
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.findings.view import listing, to_csv, to_markdown
from caponier.cli.terminal import log_options as options
from caponier.cli.terminal.log_report import print_rejected, say, say_skipped
from caponier.cli.terminal.output import Format, choose_format, notes, write_table, write_text
from caponier.cli.terminal.watch import Watch
from caponier.errors import InputError
from caponier.matrix.versions.catalogue import DEFAULT
from caponier.records.finding import Severity
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.sources import LogSource

EXAMPLE = "Example: [bold]caponier scan logs cloudtrail.jsonl auth.jsonl --rules my-rules --format json[/bold]"

FOUND, PARTLY = 1, 3

Logs = Annotated[
    list[Path],
    typer.Argument(metavar="LOGS...", help="Logs as JSON Lines (also .gz, .zst), folders, or - for stdin."),
]


def logs(
    paths: Logs,
    rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", metavar="DIR", help="Sigma rules of your own, beside ours. May be given again."),
    ] = None,
    own: Annotated[bool, typer.Option("--own-rules/--no-own-rules", help="Run the rules that ship with it.")] = True,
    log_source: Annotated[
        str | None,
        typer.Option(
            "--log-source", metavar="KEY=VALUE,...", help="Of events that name none: product=aws,service=cloudtrail."
        ),
    ] = None,
    fail_on: Annotated[Severity, typer.Option(help="Exit with 1 only for findings of this severity or more.")] = (
        Severity.INFO
    ),
    workspace: options.Where = None,
    lateness: options.Lateness = options.LATE,
    rejected: options.Rejected = options.REJECTED,
    format_: Annotated[Format | None, typer.Option("--format", help="How to print; or by the ending of --out.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write into a file instead.")] = None,
    quiet: options.Quiet = False,
) -> None:
    """Look for attacks in ordinary security logs, on the hosts, accounts and stores of your ML systems.

    Exit code: 0 nothing found, 1 something found, 2 wrong input, 3 nothing found but not everything could be read or
    checked.
    """
    home = load_workspace(workspace)
    with RejectedRows(rejected) as rows, Watch(quiet=quiet) as watch:
        report = scan_logs(
            paths,
            rules=rules or (),
            own_rules=own,
            workspace=home,
            rejected=rows,
            origin=parse_log_source(log_source) if log_source else None,
            lateness=lateness,
            progress=watch,
        )
    _print(report, choose_format(format_, out, Format.TABLE), out, quiet=quiet)
    # After the output, so that a file that cannot be written leaves nothing changed.
    if home and (report.findings or report.context):
        keep_findings(home, report.findings, report.context)
    if any(finding.severity.rank >= fail_on.rank for finding in report.findings):
        raise typer.Exit(FOUND)
    if report.skipped or rows.count:
        raise typer.Exit(PARTLY)


def parse_log_source(text: str) -> LogSource:
    """Read `product=aws,service=cloudtrail`.

    Raises:
        InputError: If it cannot be read.
    """
    pairs = [part.partition("=") for part in text.split(",")]
    said = {key.strip(): value.strip().lower() for key, _, value in pairs}
    if not said.keys() <= set(LogSource._fields) or not all(said.values()):
        raise InputError(
            f"--log-source {text!r} is no log source", mend="For example: --log-source product=aws,service=cloudtrail"
        )
    return LogSource(**said)


def _print(report: LogScanReport, format_: Format, out: Path | None, *, quiet: bool) -> None:
    if format_ is Format.JSON:
        write_text(orjson.dumps(document(report), option=orjson.OPT_INDENT_2).decode() + "\n", out)
    elif format_ is Format.CSV:
        write_text(to_csv(report.findings), out)
    elif format_ is Format.MARKDOWN:
        write_text(to_markdown(report.findings), out)
    elif report.findings or out:
        write_table(listing(report.findings), out)
    console = notes(quiet=quiet)
    say(
        console,
        f"{_counted(len(report.findings), 'finding')} in {_counted(report.events, 'event')}, {report.rules} rules",
    )
    say(console, f"{_counted(len(report.context), 'match', 'matches')} outside the inventory kept as context")
    for note in report.notes:
        say(console, f"note: {note}")
    say_skipped(console, report.skipped)
    print_rejected(console, report.rejected)


def _counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def document(report: LogScanReport) -> dict[str, object]:
    """Return the scan as the document `caponier.findings/1`, with the context beside the findings."""
    file = str(report.rejected.path) if report.rejected.count and report.rejected.path else None
    return {
        "schema": "caponier.findings/1",
        "matrix": DEFAULT,
        "findings": [finding.to_dict() for finding in report.findings],
        "context": [event.to_dict() for event in report.context],
        "skipped": [{"what": skip.what, "reason": skip.reason} for skip in report.skipped],
        "rejected": {"rows": report.rejected.count, "file": file},
        "notes": report.notes,
        "events": report.events,
    }
