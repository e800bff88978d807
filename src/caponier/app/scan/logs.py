"""Look for attacks in ordinary security logs, scoped by the inventory of ML systems."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from caponier.app.inference.scan import ScanReport
from caponier.app.progress import Progress, Silent
from caponier.app.scan.log_tally import LogTally, ScannedLog
from caponier.app.workspace.workspace import read_salt
from caponier.detect.assets.scope import Scope
from caponier.detect.log import LogHit, LogMatch
from caponier.detect.sigma.sigma import Sigma
from caponier.errors import InputError
from caponier.records.context import ContextEvent
from caponier.records.finding import Evidence, Finding, SubjectRef
from caponier.records.finding_builder import build_finding
from caponier.records.inventory import Criticality, System, Workspace
from caponier.records.severity import LEVELS
from caponier.records.skip import Skip
from caponier.telemetry.clock import LATENESS
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import moment, read_logs
from caponier.telemetry.security_logs.sources import LogSource
from caponier.telemetry.streams import STDIN

CONFIDENCE: Final = dict(zip(LEVELS, (0.2, 0.35, 0.55, 0.75, 0.9), strict=True))
"""Level of a rule to the confidence of its findings."""

CONTEXT_LIMIT: Final = 100_000
"""Context events that one scan keeps."""

NO_INVENTORY: Final = (
    "the inventory names no asset of an ML system, so every match is context and none can be a finding; write into "
    'caponier.toml, for example: [[system]] name = "digits", criticality = "high", hosts = ["gpu-01"], '
    'accounts = ["svc-train"], buckets = ["ml-models"]'
)

_FACTS: Final = 10
"""Places in logs and assets that a finding names."""


@dataclass
class LogScanReport(ScanReport):
    """What a scan of logs found, and what it keeps in silence."""

    context: list[ContextEvent] = field(default_factory=list)
    """Matches on no ML asset, in order of time."""
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
    lateness: float = LATENESS,
    batch_rows: int | None = None,
    progress: Progress | None = None,
) -> LogScanReport:
    """Run Sigma rules over security logs.

    A match on an asset of an ML system is a finding, one for each rule, subject and system until it has been quiet for
    an hour (or the rule's own timespan, if that is longer); elsewhere it is context.

    Args:
        paths: Logs in a native format, or in JSON with a log source.
        rules: Folders or files with Sigma rules, beside our own.
        own_rules: Whether to run our own.
        workspace: Its inventory and salt.
        rejected: Takes the rows that cannot be used.
        origin: The log source of events in no known format that do not name theirs.
        lateness: Seconds by which a row of standard input may be out of order.
        batch_rows: Events that are matched at once, at most; changes the speed alone.
        progress: Told how far it is.

    Raises:
        InputError: If a path cannot be read, or nothing in the logs is an event.
        MissingExtraError: If pySigma is not installed.
    """
    watch, rejected = progress or Silent(), rejected if rejected is not None else RejectedRows()
    sigma = Sigma(rules, own=own_rules)
    scope = Scope(workspace.systems if workspace else ())
    report = LogScanReport([], [], rejected, notes=list(sigma.notes), rules=len(sigma.rules))
    report.skipped = list(sigma.bad)
    if scope.empty:
        report.skipped.append(Skip("scoping", NO_INVENTORY))
    tally = LogTally(sigma.asks)
    with sigma.start(scope, read_salt(workspace) if workspace else b"") as run:
        watch.stage("Reading", _size(paths))
        for read in read_logs(paths, rejected, origin=origin, asked=sigma.categories, lateness=lateness):
            step = batch_rows or max(1, len(read.events))
            for start in range(0, len(read.events), step):
                run.feed(read.events[start : start + step])
            report.events += len(read.events)
            tally.add(read)
            watch.advance(read.bytes_read)
        _refuse_nothing(report, paths)
        watch.stage("Joining")
        _judge(report, run.matches(), workspace.systems if workspace else ())
        report.notes += run.notes
    report.files = tally.files
    report.notes += tally.notes
    if sigma.rules:
        report.skipped += tally.unasked
    return report


def _refuse_nothing(report: LogScanReport, paths: Sequence[Path]) -> None:
    """Refuse logs in which nothing is an event.

    Raises:
        InputError: If there was none.
    """
    if report.events:
        return
    reasons = ", ".join(f"{reason} ({count:,})" for reason, count in report.rejected.reasons.most_common(3))
    raise InputError(
        f"holds no event: {reasons}" if reasons else "holds no event",
        where=", ".join(map(str, paths)),
        mend="Give a format that docs/logs.md lists, or JSON with a time and a log source (product, category, service)",
    )


class _Episodes:
    """Which matches belong to one that was told already: the same rule, subject and system, without a long quiet."""

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, ...], tuple[int, int]] = OrderedDict()

    def opens(self, match: LogMatch, *about: str) -> bool:
        """Tell whether a match begins something new; matches come in order of time."""
        key, quiet = (match.rule.name, *about), round(match.rule.quiet * 1e6)
        known = self._last.pop(key, None)
        self._last[key] = (match.time, quiet)
        while self._last and sum(next(iter(self._last.values()))) < match.time:
            self._last.popitem(last=False)
        return known is None or match.time - known[0] > quiet


def _judge(report: LogScanReport, matches: Iterable[LogMatch], systems: Sequence[System]) -> None:
    ranked = _by_criticality(systems)
    episodes, left_out = _Episodes(), 0
    for match in matches:
        report.matches += 1
        inside = [name for name in ranked if name in match.systems]
        subject = _subject(match)
        if inside:
            if episodes.opens(match, "finding", subject.kind, subject.id, inside[0]):
                report.findings.append(_finding(match, subject, ranked[inside[0]], inside))
        elif episodes.opens(match, "context", subject.kind, subject.id, match.trigger.host or ""):
            if len(report.context) < CONTEXT_LIMIT:
                report.context.append(_context(match))
            else:
                left_out += 1
    if left_out:
        report.notes.append(f"{left_out:,} context matches beyond the first {CONTEXT_LIMIT:,} were not kept")


def _by_criticality(systems: Sequence[System]) -> dict[str, System]:
    order = list(Criticality)
    return {system.name: system for system in sorted(systems, key=lambda one: -order.index(one.criticality))}


def _subject(match: LogMatch) -> SubjectRef:
    """Name whom a match is about: the account, else the address, else the asset or host.

    A correlation by address, such as many accounts tried from one, is about that address: its accounts are the victims,
    and each new one of them would be a finding of its own.
    """
    trigger = match.trigger
    if trigger.address and match.about == "address":
        return SubjectRef("address", trigger.address)
    if trigger.account:
        return SubjectRef("account", trigger.account)
    if trigger.address:
        return SubjectRef("address", trigger.address)
    return SubjectRef("asset", trigger.assets[0].name if trigger.assets else trigger.host or trigger.event_id)


def _finding(match: LogMatch, subject: SubjectRef, system: System, inside: Sequence[str]) -> Finding:
    ids = [hit.event_id for hit in match.hits]
    trigger = match.trigger.event_id
    return build_finding(
        match.rule.name,
        subject,
        trigger,
        confidence=CONFIDENCE[match.rule.level],
        level=match.rule.level,
        techniques=match.rule.techniques,
        evidence=Evidence(match.statistic, match.value, match.threshold, facts=_facts(match, inside)),
        summary=_summary(match, system.name),
        times=(moment(match.hits[0].time if match.hits else match.time), moment(match.time)),
        system=system,
        event_ids=ids if trigger in ids else [*ids, trigger],
        unique_queries=len(match.hits),
    )


def _facts(match: LogMatch, inside: Sequence[str]) -> dict[str, object]:
    """Return what the finding rests on; `account` and `address` say who acted, all of them as lists."""
    hits = match.hits or (match.trigger,)
    return {
        "rule": match.rule.title,
        "level": match.rule.level,
        "account": _distinct([hit.account for hit in hits]),
        "address": _distinct([hit.address for hit in hits]),
        "host": _distinct([hit.host for hit in hits]),
        "assets": _distinct([f"{asset.kind} {asset.name}" for hit in hits for asset in hit.assets]),
        "systems": list(inside),
        "lines": [f"{hit.file}:{hit.line}" for hit in hits[-_FACTS:]],
    }


def _distinct(values: Sequence[str | None]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))[:_FACTS]


def _context(match: LogMatch) -> ContextEvent:
    trigger = match.trigger
    return ContextEvent(
        time=moment(match.time),
        rule=match.rule.name,
        techniques=match.rule.techniques,
        account=trigger.account,
        host=trigger.host,
        address=trigger.address,
        event_id=trigger.event_id,
        summary=_summary(match, None),
        level=match.rule.level,
    )


def _summary(match: LogMatch, system: str | None) -> str:
    trigger = match.trigger
    text = f"{match.rule.title}: {_actor(trigger)}"
    if trigger.host:
        text += f" on {trigger.host}"
    if match.statistic != "rule":
        text += f"; {match.statistic} {match.value:g} of {match.threshold:g}"
    touched = _distinct([f"{asset.kind} {asset.name}" for hit in match.hits for asset in hit.assets])
    return f"{text}; touches {', '.join(touched[:3])} of {system}" if system and touched else text


def _actor(hit: LogHit) -> str:
    if hit.account and hit.address:
        return f"{hit.account} from {hit.address}"
    return hit.account or hit.address or "somebody"


def _size(paths: Sequence[Path]) -> int | None:
    """Return the bytes to read, or None where compression, a folder or a pipe hides them."""
    if any(path == STDIN or path.suffix in (".gz", ".zst") or not path.is_file() for path in paths):
        return None
    return sum(path.stat().st_size for path in paths)
