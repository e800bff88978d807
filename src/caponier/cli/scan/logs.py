"""`caponier scan logs`: Sigma rules over ordinary security logs."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.incidents.suppress import keep_back
from caponier.app.matrix.library import default_version
from caponier.app.scan.log_tally import ScannedLog
from caponier.app.scan.logs import LogScanReport, scan_logs
from caponier.app.scan.memory import Memory, recall, remember
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.findings.by_caller import write_findings
from caponier.cli.scan.exit_code import leave
from caponier.cli.scan.next_step import say_next
from caponier.cli.terminal import log_options, options
from caponier.cli.terminal.log_report import print_rejected, say, say_skipped
from caponier.cli.terminal.output import Format, choose_format, notes
from caponier.cli.terminal.watch import Watch
from caponier.errors import InputError
from caponier.records.finding import Severity
from caponier.records.findings_document import findings_document
from caponier.records.inventory import Workspace
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.sources import LogSource

EXAMPLE = "Example: [bold]caponier scan logs cloudtrail/ auth.log --rules my-rules --format json[/bold]"
_FILES = 20
"""Files whose format is told one by one."""


Logs = Annotated[
    list[Path],
    typer.Argument(metavar="LOGS", help="Logs in native formats or JSON, also compressed; folders, or - for stdin."),
]


def logs(
    paths: Logs,
    rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", metavar="DIR", help="Your own Sigma rules, beside the shipped ones; may be repeated."),
    ] = None,
    own: Annotated[bool, typer.Option("--own-rules/--no-own-rules", help="Run Caponier's own rules.")] = True,
    log_source: Annotated[
        str | None,
        typer.Option(
            "--log-source",
            metavar="KEY=VALUE,...",
            help="Log source of JSON in an unknown format, such as product=aws,service=cloudtrail.",
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="NAME", help="Host of logs that name none, such as gpu-01."),
    ] = None,
    fail_on: options.FailOn = Severity.INFO,
    workspace: options.Where = None,
    lateness: log_options.Lateness = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes for large logs; 0 means one for each core.")] = 0,
    rejected: log_options.Rejected = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Look for attacks in ordinary security logs, on the hosts, accounts and stores of your ML systems.

    Exit code: 0 nothing found, 1 something found, 2 wrong input, 3 nothing found but not everything was read or run.
    """
    home = load_workspace(workspace)
    memory = recall(home) if home else Memory()
    with RejectedRows(rejected) as rows, Watch(quiet=quiet) as watch:
        report = scan_logs(
            paths,
            rules=rules or (),
            own_rules=own,
            workspace=home,
            rejected=rows,
            origin=parse_log_source(log_source) if log_source else None,
            host=host,
            lateness=log_options.lateness_of(lateness),
            workers=workers or os.cpu_count() or 1,
            memory=memory,
            progress=watch,
        )
    if home:
        report.findings, hits = keep_back(home, report.findings)
        report.notes += [f"{number:,} findings kept back by {id_}" for id_, number in hits.items()]
    chosen = choose_format(format_, out, Format.TABLE)
    write_findings(report.findings, chosen, out, lambda: document(report, default_version(home)), bare=bool(out))
    _tell(report, home, quiet=quiet)
    # After the output, so that a file that cannot be written leaves nothing changed.
    if home and (report.findings or report.context):
        keep_findings(home, report.findings, report.context)
    if home:
        remember(home, memory)
    leave(report.findings, fail_on, partly=bool(report.skipped or rows.count))


def parse_log_source(text: str) -> LogSource:
    """Read `product=aws,service=cloudtrail`.

    Raises:
        InputError: If it cannot be read.
    """
    pairs = [part.partition("=") for part in text.split(",")]
    said = {key.strip(): value.strip().lower() for key, _, value in pairs}
    if not said.keys() <= set(LogSource._fields) or not all(said.values()):
        raise InputError(
            f"--log-source {text!r} does not describe a log source",
            hint="For example: --log-source product=aws,service=cloudtrail",
        )
    return LogSource(**said)


def _tell(report: LogScanReport, home: Workspace | None, *, quiet: bool) -> None:
    console = notes(quiet=quiet)
    say(
        console,
        f"{_counted(len(report.findings), 'finding')}; {report.rules} rules checked {_counted(report.events, 'event')}",
    )
    if report.context:
        kept = _counted(len(report.context), "match", "matches")
        say(console, f"{kept} outside the inventory, kept as context: an incident of the same actor will show them")
    if report.usual:
        say(console, f"{_counted(len(report.usual), 'match', 'matches')} usual by this estate's own past left out")
    for file in report.files[:_FILES]:
        say(console, _taken_for(file))
    if len(report.files) > _FILES:
        say(console, f"and {len(report.files) - _FILES:,} more files; --format json lists all of them")
    for note in report.notes:
        say(console, f"note: {note}")
    say_skipped(console, report.skipped)
    print_rejected(console, report.rejected)
    say_next(console, report.findings, home)


def _taken_for(file: ScannedLog) -> str:
    formats = ", ".join(
        name if len(file.formats) == 1 else f"{name} ({count:,})" for name, count in file.formats.most_common()
    )
    asked = "all" if file.asked == file.events else f"{file.asked:,}"
    return f"{file.file}: {formats}, {_counted(file.events, 'event')}, of which rules apply to {asked}"


def _counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def document(report: LogScanReport, matrix: str) -> dict[str, Any]:
    """Return the scan as the document `caponier.findings/1`, with the context beside the findings."""
    return findings_document(
        matrix,
        report.findings,
        skipped=report.skipped,
        rejected=(report.rejected.count, report.rejected.path),
        parts={
            "context": [event.to_dict() for event in report.context],
            "usual": [event.to_dict() for event in report.usual],
            "notes": report.notes,
            "events": report.events,
            "files": [file.to_dict() for file in report.files],
        },
    )
