"""Ordinary security logs to log events: flat fields, a time and a Sigma log source."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from caponier.formats.walk_files import shown
from caponier.telemetry.checks import EARLIEST
from caponier.telemetry.clock import LATENESS, Clock
from caponier.telemetry.digests import NO_SALT, event_id
from caponier.telemetry.framing import stamps
from caponier.telemetry.framing.frames import Frames, Value, frames
from caponier.telemetry.log_files import LogFile, log_files, spared
from caponier.telemetry.rejections import RAW_LIMIT, RejectedRows, Rejection
from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.identity import identity
from caponier.telemetry.security_logs.native.reading import NativeReading
from caponier.telemetry.security_logs.native.record import Record
from caponier.telemetry.security_logs.sources import LogSource
from caponier.telemetry.streams import COMPRESSIONS

SUFFIXES: Final = (".jsonl", ".ndjson", ".json", ".log", ".csv", ".tsv", ".txt", ".xml")
"""Of files that are meant where a folder was named; what a file holds is told by its content."""
LINE_LIMIT: Final = 4 * 2**20
"""Bytes of the longest line: an audit event carries the request, but no model."""

_NOWHERE: Final = frozenset(
    [
        *("aws", "azure", "gcp", "kubernetes", "okta", "m365", "google_workspace", "cloudflare", "github", "gitlab"),
        *("auth0", "cisco", "onelogin", "onepassword", "slack", "salesforce", "box", "zoom", "notion", "snowflake"),
        *("databricks", "openai", "anthropic", "mongodb", "tailscale", "wiz"),
    ]
)
"""Products whose events happen at a service and on no host that somebody could name."""
_NAMED: Final = re.compile(r"(?:auth|secure|syslog|messages|kern|cron|mail|audit|access|error)(?:[._-]?log)?")
_ROTATED: Final = re.compile(r"[.-]\d{1,10}$")


class LogEvent(NamedTuple):
    """One event of a security log."""

    time: int
    """Microseconds since the epoch, UTC."""
    fields: Fields
    """Flat, names in lower case."""
    origin: LogSource
    file: str
    line: int

    def id(self, salt: bytes = NO_SALT) -> str:
        """Identify the event by what it says, so that a line that was shipped twice is one event."""
        return event_id({"time": self.time, "fields": self.fields}, salt)


@dataclass
class LogEvents:
    """Good events of one source, in its order."""

    events: list[LogEvent] = field(default_factory=list)
    bytes_read: int = 0
    shortened: int = 0
    """Values of which only the beginning was read."""
    file: str = ""
    formats: Counter[str] = field(default_factory=Counter)
    """How many events are in each format."""
    continued: int = 0
    """Lines that only go on with an event above them."""
    doubted: int = 0
    """Lines that say two things under one name, of which neither counts."""
    rejections: list[Rejection] = field(default_factory=list)
    """Rows that cannot be used."""


def moment(micros: int) -> datetime:
    """Return microseconds since the epoch as a moment."""
    return stamps.EPOCH + timedelta(microseconds=micros)


def read_logs(
    paths: Sequence[Path],
    rejected: RejectedRows,
    *,
    origin: LogSource | None = None,
    asked: frozenset[str] = frozenset(),
    host: str | None = None,
    lateness: float = LATENESS,
) -> Iterator[LogEvents]:
    """Read security logs, in the order in which they stand there; who needs them by time sorts them.

    Args:
        paths: Files, folders of files, or `-` for standard input; compressed or not.
        rejected: Takes the rows that cannot be used.
        origin: The log source of events in no known format that do not name theirs.
        asked: Categories that rules ask for, beside those of Sigma's taxonomy.
        host: Where events happened that name no host, as in the log of a server itself.
        lateness: Seconds by which a row of standard input may be out of order, where it is a live stream.

    Raises:
        InputError: If a path is missing, or a folder holds no log.
    """
    for file in found_logs(paths):
        for read in read_log(file, origin=origin, asked=asked, host=host, lateness=lateness):
            rejected.add(read.rejections)
            yield read


def found_logs(paths: Sequence[Path]) -> Iterator[LogFile]:
    """Yield the logs behind paths.

    Raises:
        InputError: If a path is missing, or a folder holds no log.
    """
    return log_files(paths, _is_log, ".jsonl, .json, .csv or .log")


def read_log(
    file: LogFile,
    *,
    origin: LogSource | None = None,
    asked: frozenset[str] = frozenset(),
    host: str | None = None,
    lateness: float = LATENESS,
) -> Iterator[LogEvents]:
    """Read one log as `read_logs` does; what cannot be used stands beside the events.

    Raises:
        InputError: If it was named and cannot be read.
    """
    latest = stamps.micros(datetime.now(UTC) + timedelta(days=365))
    source, clock, reading = shown(file.path), Clock.of(file.path, lateness), NativeReading(origin, asked)
    for part in spared(file, partial(frames, file.path, LINE_LIMIT), Frames):
        yield _placed(_events(source, part, clock, reading, latest), host)
    yield _placed(_events(source, None, clock, reading, latest), host)


def _placed(read: LogEvents, host: str | None) -> LogEvents:
    if host:
        for event in read.events:
            if event.origin.product not in _NOWHERE and identity(event.fields).host is None:
                event.fields["host"] = host
    return read


def _is_log(path: Path) -> bool:
    name = path.name.lower()
    packed = next((ending for ending in COMPRESSIONS if name.endswith(ending)), "")
    name = name.removesuffix(packed)
    # Of `auth.log.3` the number only says how old it is.
    stem = _ROTATED.sub("", name)
    return stem.endswith(SUFFIXES) or _NAMED.fullmatch(stem) is not None


def _events(source: str, part: Frames | None, clock: Clock, reading: NativeReading, latest: int) -> LogEvents:
    """Read what a part of a file holds, or what is left at its end where there is no part."""
    read, faults = LogEvents(bytes_read=part.bytes_read if part else 0, file=source), []
    before, doubted = reading.continued, reading.doubted
    if part is None:
        faults += [Rejection(source, 1, reason) for reason in _take(read, reading.rest(), latest)]
    else:
        for line, value in zip(part.lines, part.values, strict=True):
            for reason in _take(read, reading.read(value, line), latest):
                faults.append(Rejection(source, line, reason, _beginning(value)))
    read.continued, read.doubted = reading.continued - before, reading.doubted - doubted
    late = clock.late(np.fromiter((event.time for event in read.events), np.int64, len(read.events)))
    for position in np.flatnonzero(late):
        event = read.events[position]
        reason = "late: the time goes back further than the allowed lateness"
        faults.append(Rejection(source, event.line, reason, str(event.fields)[:RAW_LIMIT]))
    read.rejections = [*(part.rejections if part else ()), *sorted(faults, key=lambda fault: fault.line)]
    if late.any():
        read.events = [event for event, is_late in zip(read.events, late, strict=True) if not is_late]
    return read


def _beginning(value: Value) -> str:
    return value[:RAW_LIMIT].decode("utf-8", "replace") if isinstance(value, bytes) else str(value)[:RAW_LIMIT]


def _take(read: LogEvents, records: Iterator[Record | str], latest: int) -> list[str]:
    """Keep the events of one row; return why others were not kept."""
    reasons = []
    for record in records:
        if isinstance(record, str):
            reasons.append(record)
            continue
        fields, origin, time, line, name, shortened = record
        if time is None or not _EARLIEST <= time <= latest:
            reasons.append("time outside 1990 to next year")
        else:
            read.events.append(LogEvent(time, fields, origin, read.file, line))
            read.formats[name] += 1
            read.shortened += shortened
    return reasons


_EARLIEST: Final = stamps.micros(EARLIEST)
