"""Look for attacks in ordinary security logs, scoped by the inventory of ML systems."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from caponier.app.inference.scan import ScanReport
from caponier.app.progress import Progress, Silent
from caponier.app.scan.log_findings import judge
from caponier.app.scan.log_parts import LogPart, LogReading, worth_workers
from caponier.app.scan.log_tally import LogTally, ScannedLog
from caponier.app.scan.memory import Memory
from caponier.app.workspace.workspace import read_salt
from caponier.detect.assets.inside import Inside
from caponier.detect.assets.scope import Scope
from caponier.detect.habits.past import Past
from caponier.detect.log import LogRun
from caponier.detect.sigma.sigma import Sigma
from caponier.errors import InputError
from caponier.records.context import ContextEvent
from caponier.records.inside import InsideSettings
from caponier.records.inventory import Workspace
from caponier.records.skip import Skip
from caponier.telemetry.clock import LATENESS
from caponier.telemetry.rejections import RejectedRows, Rejection
from caponier.telemetry.security_logs.events import found_logs
from caponier.telemetry.security_logs.sources import LogSource
from caponier.telemetry.streams import STDIN

NO_INVENTORY: Final = (
    "caponier.toml names no host, account or store of an ML system, so no finding is possible; "
    "list them under [[system]] (docs/reference/workspace.md)"
)


_NAMED: Final = 3
"""Paths and rows that an error names."""
_BEGINNING: Final = 60
"""Characters of a row in an error."""
_ADVICE: Final = {
    "bad JSON": "Fetch the file again if it was cut short; python -m json.tool FILE shows where it stops being JSON",
    "the file is broken": "Fetch the file again (gzip -t FILE tells whether it is whole); if it is not packed, "
    "call it without that ending",
    "no log but": "Then give what comes of that to caponier scan logs",
    "no log source": "Name it with --log-source product=aws,service=cloudtrail, for example, or in each row (product, "
    "category, service); a log of what a model was asked is read by caponier scan inference",
    "no time": "Give each row a time (time, @timestamp, timestamp or eventTime), or a format of docs/how-to/logs.md",
    "time outside": "Look at the clock and the unit of the times: RFC 3339 with a zone, or milliseconds since 1970",
}
"""What to do about a reason, by how it begins."""


@dataclass
class LogScanReport(ScanReport):
    """What a scan of logs found, and what it keeps in silence."""

    context: list[ContextEvent] = field(default_factory=list)
    """Matches on no ML asset, in order of time."""
    usual: list[ContextEvent] = field(default_factory=list)
    """Matches that are somebody's work by the estate's own past: neither findings nor context."""
    rules: int = 0
    """Rules that ran and may match by themselves."""
    matches: int = 0
    """Before repeated ones were put together."""
    files: list[ScannedLog] = field(default_factory=list)
    """What each file was taken for, in the order in which they were read."""


def scan_logs(
    paths: Sequence[Path],
    *,
    rules: Sequence[Path] = (),
    own_rules: bool = True,
    workspace: Workspace | None = None,
    rejected: RejectedRows | None = None,
    origin: LogSource | None = None,
    host: str | None = None,
    lateness: float = LATENESS,
    batch_rows: int | None = None,
    workers: int = 1,
    memory: Memory | None = None,
    progress: Progress | None = None,
) -> LogScanReport:
    """Run Sigma rules over security logs.

    A match on an asset of an ML system is a finding, one for each rule, subject, system and target until it has been
    quiet for an hour (or the rule's own timespan, if that is longer); elsewhere it is context.

    Args:
        paths: Logs in a native format, or in JSON with a log source.
        rules: Folders or files with Sigma rules, beside our own.
        own_rules: Whether to run our own.
        workspace: Its inventory and salt.
        rejected: Takes the rows that cannot be used.
        origin: The log source of events in no known format that do not name theirs.
        host: Where events happened that name no host.
        lateness: Seconds by which a row of standard input may be out of order, where it is a live stream.
        batch_rows: Events that are matched at once, at most; changes the speed alone.
        workers: Processes that read and match, where there is enough to read; changes the speed alone.
        memory: What earlier scans left to this one, and takes what this one leaves; of this log alone, by default.
        progress: Told how far it is.

    Raises:
        InputError: If a path cannot be read, or nothing in the logs is an event.
        MissingExtraError: If pySigma is not installed.
    """
    watch, rejected = progress or Silent(), rejected if rejected is not None else RejectedRows()
    sigma = Sigma(rules, own=own_rules)
    systems = tuple(workspace.systems) if workspace else ()
    report = LogScanReport([], [], rejected, notes=list(sigma.notes), rules=len(sigma.rules))
    report.skipped = [*sigma.bad, *([Skip("ML systems", NO_INVENTORY)] if Scope(systems).empty else [])]
    tally = LogTally(sigma.asks)
    memory = memory or Memory()
    salt, inside = (read_salt(workspace), workspace.inside) if workspace else (b"", InsideSettings())
    reading = LogReading(sigma, systems, salt, inside, origin, host, lateness, batch_rows)
    with sigma.start(Scope(systems), inside=Inside(inside)) as run:
        watch.stage("Reading", _size(paths))
        for part in _parts(reading, paths, memory.past, workers):
            run.take(part.matched)
            rejected.add(part.rejections)
            report.events += part.events
            tally.add(part)
            watch.advance(part.bytes_read)
        _refuse_nothing(report, paths)
        watch.stage("Joining")
        _judge(report, run, memory, workspace)
    _tell_files(report, tally)
    return report


def _judge(report: LogScanReport, run: LogRun, memory: Memory, workspace: Workspace | None) -> None:
    run.resume(memory.waiting)
    systems, inside = (workspace.systems, Inside(workspace.inside)) if workspace else ((), None)
    judged = judge(run.matches(), systems, memory.past, memory.confidence, inside)
    memory.waiting = run.waiting()
    report.findings, report.context, report.matches = judged.findings, judged.context, judged.matches
    report.usual = judged.usual
    report.notes += [*judged.notes, *run.notes]


def _parts(reading: LogReading, paths: Sequence[Path], past: Past, workers: int) -> Iterator[LogPart]:
    files = list(found_logs(paths))
    if worth_workers(files, workers):
        return reading.parts_of_workers(files, past, workers)
    return reading.parts(files, past)


def _tell_files(report: LogScanReport, tally: LogTally) -> None:
    report.files = tally.files
    report.notes += tally.notes
    # Whoever leaves all rules out knows that nothing can be found.
    if report.rules:
        report.skipped += tally.unasked


def _refuse_nothing(report: LogScanReport, paths: Sequence[Path]) -> None:
    """Refuse logs in which nothing is an event.

    Raises:
        InputError: If there was none.
    """
    if report.events:
        return
    reasons = report.rejected.reasons_in_words
    places = [str(path) for path in paths]
    raise InputError(
        "; ".join([f"contains no events: {reasons}", *map(_shown, report.rejected.first[:_NAMED])])
        if reasons
        else "contains no events: there is nothing in it",
        where=", ".join(places[:_NAMED]) + (f" and {len(places) - _NAMED:,} more" if len(places) > _NAMED else ""),
        hint=_advice(report.rejected.reasons),
    )


def _shown(rejection: Rejection) -> str:
    """Return where a row stands, all that is known of why it cannot be used, and how it begins."""
    begins = " ".join((rejection.raw or "").split())[:_BEGINNING]
    if not begins.isprintable() or "\ufffd" in begins:
        begins = "with bytes that are not text"
    return f"{rejection.file}:{rejection.line}: {rejection.reason}" + (f", it begins {begins}" if begins else "")


def _advice(reasons: Counter[str]) -> str:
    """Say what to do next, by the most common reason."""
    most = reasons.most_common(1)[0][0] if reasons else ""
    return next(
        (advice for beginning, advice in _ADVICE.items() if most.startswith(beginning)),
        "Give a format of docs/how-to/logs.md, or JSON with a time and a log source (product, category, service)",
    )


def _size(paths: Sequence[Path]) -> int | None:
    """Return the bytes to read, or None where compression, a folder or a pipe hides them."""
    if any(path == STDIN or path.suffix in (".gz", ".zst") or not path.is_file() for path in paths):
        return None
    return sum(path.stat().st_size for path in paths)
