"""Ordinary security logs to log events: flat fields, a time and a Sigma log source."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from caponier.errors import InputError
from caponier.formats.walk_files import shown
from caponier.telemetry.checks import EARLIEST
from caponier.telemetry.chunk import Chunk
from caponier.telemetry.clock import LATENESS, Clock
from caponier.telemetry.digests import NO_SALT, event_id
from caponier.telemetry.log_files import LogFile, log_files, spared
from caponier.telemetry.readers import json_lines
from caponier.telemetry.rejections import RAW_LIMIT, RejectedRows, Rejection
from caponier.telemetry.security_logs.fields import Fields, TooLargeError, flatten
from caponier.telemetry.security_logs.sources import LogSource, log_source
from caponier.telemetry.streams import STDIN

SUFFIXES: Final = (".jsonl", ".ndjson", ".json", ".log")
LINE_LIMIT: Final = 4 * 2**20
"""Bytes of the longest line: an audit event carries the request, but no model."""
TIMES: Final = ("time", "@timestamp", "timestamp", "eventtime", "requestreceivedtimestamp")
"""Where the time stands, the first that is there."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


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


def moment(micros: int) -> datetime:
    """Return microseconds since the epoch as a moment."""
    return _EPOCH + timedelta(microseconds=micros)


def read_logs(
    paths: Sequence[Path],
    rejected: RejectedRows,
    *,
    origin: LogSource | None = None,
    lateness: float = LATENESS,
) -> Iterator[LogEvents]:
    """Read security logs in JSON Lines, in the order in which they stand there; who needs them by time sorts them.

    Args:
        paths: Files, folders of files, or `-` for standard input; also `.gz` and `.zst`.
        rejected: Takes the rows that cannot be used.
        origin: The log source of events that do not name theirs.
        lateness: Seconds by which a row of standard input may be out of order, where it is a live stream.

    Raises:
        InputError: If a path is missing or is no log.
    """
    latest = _micros(datetime.now(UTC) + timedelta(days=365))
    for file in _files(paths):
        clock = Clock.of(file.path, lateness)
        for chunk in spared(file, partial(json_lines.read, file.path, LINE_LIMIT)):
            rejected.add(chunk.rejections)
            yield _events(shown(file.path), chunk, clock, origin, latest, rejected)


def _files(paths: Sequence[Path]) -> Iterator[LogFile]:
    for file in log_files(paths, _is_log, ".jsonl, .json or .log"):
        if file.named and file.path != STDIN and not _is_log(file.path):
            mend = "Give JSON Lines: a .jsonl, .json or .log file, also as .gz or .zst"
            raise InputError("is of no known format", where=str(file.path), mend=mend)
        yield file


def _is_log(path: Path) -> bool:
    name = path.name.lower().removesuffix(".gz").removesuffix(".zst")
    return name.endswith(SUFFIXES)


def _events(
    source: str, chunk: Chunk, clock: Clock, origin: LogSource | None, latest: int, rejected: RejectedRows
) -> LogEvents:
    read, faults = LogEvents(bytes_read=chunk.bytes_read), []
    for line, row in zip(chunk.lines, chunk.rows, strict=True):
        try:
            fields, cut = flatten(row)
            read.events.append(_event(fields, origin, latest, source, line))
            read.shortened += cut
        except (TooLargeError, ValueError, OverflowError) as bad:
            faults.append(Rejection(source, line, str(bad), str(row)[:RAW_LIMIT]))
    late = clock.late(np.fromiter((event.time for event in read.events), np.int64, len(read.events)))
    for position in np.flatnonzero(late):
        event = read.events[position]
        reason = "late: the time goes back further than the allowed lateness"
        faults.append(Rejection(source, event.line, reason, str(event.fields)[:RAW_LIMIT]))
    rejected.add(sorted(faults, key=lambda fault: fault.line))
    if late.any():
        read.events = [event for event, is_late in zip(read.events, late, strict=True) if not is_late]
    return read


def _event(fields: Fields, origin: LogSource | None, latest: int, source: str, line: int) -> LogEvent:
    """Build one event.

    Raises:
        ValueError: If it has no time or no log source.
    """
    stamp = next((fields[name] for name in TIMES if name in fields), None)
    if stamp is None:
        raise ValueError("no time")
    time = _time(stamp)
    if not _EARLIEST <= time <= latest:
        raise ValueError("time outside 1990 to next year")
    known = log_source(fields) or origin
    if known is None:
        raise ValueError("no log source: give product, category or service, or an OCSF class_uid")
    return LogEvent(time, fields, known, source, line)


def _time(stamp: Any) -> int:
    """Read RFC 3339 or whole milliseconds since the epoch."""
    if isinstance(stamp, int):
        return stamp * 1_000
    try:
        read = datetime.fromisoformat(stamp)
    except (TypeError, ValueError):
        read = None
    if read is None or read.tzinfo is None:
        raise ValueError("time cannot be read: expected RFC 3339 with a time zone, or milliseconds since 1970")
    return _micros(read)


def _micros(stamp: datetime) -> int:
    return (stamp - _EPOCH) // _MICROSECOND


_EARLIEST: Final = _micros(EARLIEST)
