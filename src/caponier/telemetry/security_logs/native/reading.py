"""Reads whatever a log file holds, each record by the format that it is in, whatever its neighbours are."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from caponier.telemetry.framing import stamps
from caponier.telemetry.framing.frames import Value
from caponier.telemetry.framing.json_objects import rows_of
from caponier.telemetry.framing.xml_events import event_of
from caponier.telemetry.security_logs.fields import Fields, Scalar, bounded, flatten, shallow
from caponier.telemetry.security_logs.native import (
    access_log,
    aws_requests,
    cloudtrail,
    databases,
    ecs,
    entra,
    envelopes,
    falco,
    gcp_audit,
    jupyter,
    kubernetes_audit,
    log_analytics,
    mlflow,
    ocsf,
    okta,
    products,
    ray,
    syslog,
    torchserve,
    windows_event,
    zeek,
)
from caponier.telemetry.security_logs.native.auditd import AuditReader
from caponier.telemetry.security_logs.native.network import audits, firewalls, forms, proxies, repositories
from caponier.telemetry.security_logs.native.network.w3c import W3CReader
from caponier.telemetry.security_logs.native.record import LineReader, ObjectFormat, Record
from caponier.telemetry.security_logs.native.unknown import doubled, events, framed, moments, phrases
from caponier.telemetry.security_logs.native.vpc_flow import FlowReader
from caponier.telemetry.security_logs.sources import LogSource, said_source

DEPTH: Final = 4
"""Envelopes within envelopes."""
LINE: Final = 2**18
"""Characters of the longest line of a text format; JSON may be longer."""
TIMES: Final = ("time", "@timestamp", "timestamp", "eventtime", "requestreceivedtimestamp")
"""Where the time of an event in no known format stands, the first that is there."""
OWN: Final = "JSON with a Sigma log source"
"""What an event in no known format is called that names its log source itself."""
GIVEN: Final = "JSON of the log source given"

NATIVE: Final[tuple[ObjectFormat, ...]] = (
    cloudtrail.FORMAT,
    cloudtrail.INSIGHT,
    kubernetes_audit.FORMAT,
    windows_event.FORMAT,
    windows_event.QUERIED,
    gcp_audit.FORMAT,
    okta.FORMAT,
    okta.EXPORT,
    log_analytics.STREAMED,
    log_analytics.FORMAT,
    *entra.FORMATS,
    falco.FORMAT,
    syslog.JOURNAL,
    zeek.FORMAT,
    *access_log.JSON_FORMATS,
    ray.EVENTS,
    databases.JSON,
)
"""Formats of single products, whose events are known whatever fields of theirs are called like Sigma's."""
GENERAL: Final[tuple[ObjectFormat, ...]] = (ocsf.FORMAT, ecs.FORMAT, *products.FORMATS)
"""Formats for many products, and those that are told by few fields: an event that names its log source is taken at its
word."""

TOO_DEEP: Final = "too deep: it cannot be read"
_GOES_ON: Final = re.compile(r"\s|Traceback \(|[\w.]*(?:Error|Exception|Warning)\b|Caused by: |\.\.\. \d+ more|\^")
"""How the second and later lines of an event begin: of a traceback, for example."""
_EPOCH_MS: Final = 1_000
_NAMES: Final = 8
"""Fields of a row that a reason names, and below the characters of a name."""
_NAME: Final = 32
_SAID: Final = frozenset(f"logsource.{name}" for name in LogSource._fields)


class NativeReading:
    """Reads one file.

    Args:
        origin: The log source of events that are in no known format and do not name theirs.
        asked: Categories that rules ask for.
    """

    def __init__(self, origin: LogSource | None = None, asked: frozenset[str] = frozenset()) -> None:
        self._origin, self._asked = origin, asked
        self._readers: list[LineReader] = [
            AuditReader(),
            syslog.reader(),
            access_log.access_reader(),
            access_log.error_reader(),
            aws_requests.s3_reader(),
            aws_requests.alb_reader(),
            FlowReader(),
            zeek.ZeekReader(),
            jupyter.reader(),
            mlflow.reader(),
            ray.reader(),
            torchserve.reader(),
            *proxies.readers(),
            *firewalls.readers(),
            *repositories.readers(),
            falco.reader(),
            W3CReader(),
            databases.DatabaseReader(),
        ]
        self._time: int | None = None
        """Of the last event."""
        self._text_seen = False
        self._known = self._unknown = False
        """Whether lines were of a known format, and whether records were of none but told who or from where."""
        self.continued = 0
        """Lines that only go on with an event above them."""
        self.doubted = 0
        """Lines that say two things under one name, of which neither counts."""

    def read(self, value: Value, line: int) -> Iterator[Record | str]:
        """Return the events of a line or an object with their times, and for what holds none the reason."""
        if not isinstance(value, bytes):
            return map(self._timed, self._records(value, line, _OUTSIDE))
        try:
            rows = rows_of(value)
        except ValueError as bad:
            # A line of Jupyter, Apache or gunicorn begins with a bracket, too.
            if value[:1] == b"[" and "bad JSON: expected" not in str(bad):
                return map(self._timed, self._records(value.decode("utf-8", "replace"), line, _OUTSIDE))
            return iter((str(bad),))
        bare = self._of_bare(rows[0], line) if len(rows) == 1 else None
        if bare is not None and not _is_of_anybody(bare):
            return map(self._timed, bare)
        told = doubled.without_doubled(value, rows)
        if told is None:
            return map(self._timed, bare or (record for row in rows for record in self._records(row, line, _OUTSIDE)))
        both = zip(rows, told, strict=True)
        return map(self._timed, (record for row, agreed in both for record in self._agreed(row, agreed, line)))

    def _agreed(self, row: dict[str, Any], agreed: dict[str, Any] | None, line: int) -> Sequence[Record | str]:
        """Read an object without what it says twice, unless a library wrote it: one value is in what somebody sent."""
        found = [*self._records(row, line, _OUTSIDE)]
        if agreed is None or not _is_of_anybody(found):
            return found
        self.doubted += 1
        return [*self._records(agreed, line, _OUTSIDE)]

    def _of_bare(self, row: dict[str, Any], line: int) -> Sequence[Record | str] | None:
        """Return the event that an object is by itself, as nearly all are; None where others are within it."""
        try:
            if envelopes.of_row(row) is not None:
                return None
            record = self._of_object(row, line, None)
            # A table of syslog holds messages that are records themselves, as a file of it does.
            return self._carried(record, line, _OUTSIDE) if record.origin == envelopes.SYSLOG else (record,)
        except (ValueError, OverflowError) as bad:
            return (str(bad),)
        except RecursionError:
            less = shallow(row)
            return (TOO_DEEP,) if less is None else self._of_bare(less, line)

    def rest(self) -> Iterator[Record | str]:
        """Yield the events that were waiting for a further line."""
        for reader in self._readers:
            yield from map(self._timed, reader.rest())

    def _timed(self, record: Record | str) -> Record | str:
        if isinstance(record, str):
            return record
        if record.time is None:
            return (
                record._replace(time=self._time) if self._time else "no time: neither this line nor one before has one"
            )
        self._time = record.time
        return record

    def _records(self, value: Any, line: int, around: "_Around") -> Iterator[Record | str]:
        # One event of an envelope that cannot be read must not take the others along.
        try:
            if isinstance(value, str):
                yield from self._of_text(value, line, around)
                return
            inner = envelopes.of_row(value)
            if inner is None:
                record = self._of_object({**around.place, **value} if around.place else value, line, around.seen)
                # A table of syslog holds messages that are records themselves, as a file of it does.
                yield from self._carried(record, line, around) if record.origin == envelopes.SYSLOG else (record,)
                return
            for one in inner:
                yield from self._inner(one, line, around)
        except (ValueError, OverflowError) as bad:
            yield str(bad)
        except RecursionError:
            # Nobody may hide an event, or end the scan, by what he nests in it.
            less = shallow(value)
            yield from (TOO_DEEP,) if less is None else self._records(less, line, around)

    def _inner(self, one: envelopes.Inner, line: int, around: "_Around") -> Iterator[Record | str]:
        found = self._records(one.value, line, around.within(one))
        if one.instead is None:
            return found
        events = [record for record in found if not isinstance(record, str)]
        return iter(events or [self._of_object({**around.place, **one.instead}, line, around.seen)])

    def _carried(self, record: Record, line: int, around: "_Around") -> list[Record]:
        """Return what the message of a line of syslog is, where that is a record itself; else the line."""
        inner = envelopes.of_message(record)
        if inner is not None and around.depth:
            found = self._records(inner.value, line, around.within(inner))
            if carried := [one for one in found if not isinstance(one, str)]:
                return carried
        if (told := self._of_pairs(record)) is not None:
            return [told]
        message = record.fields.get("message")
        if isinstance(message, str) and phrases.understand(message, record.fields):
            return [record._replace(origin=record.origin._replace(category=events.LOGIN.category))]
        return [record]

    def _of_pairs(self, record: Record) -> Record | None:
        """Read a line of syslog whose program says all in names and values; when and where, the line itself says."""
        named = framed.pairs_of(record.fields)
        if named is None:
            return None
        kept = {name: value for name, value in record.fields.items() if name != syslog.STRUCTURED}
        row = {**named, **kept}
        told = self._of_form(row, flatten(row)[0], record.line, record.time)
        return told and told._replace(time=record.time)

    def _of_text(self, text: str, line: int, around: "_Around") -> Iterator[Record | str]:
        seen, place = around.seen, around.place
        if text[:1] == "{":
            within = around.within(envelopes.Inner(text))
            rows = rows_of(text)
            inside = [one for row in rows for one in self._records(row, line, within)]
            if _is_of_anybody(inside) and (least := doubled.without_doubled(text.encode(), rows)):
                inside = [one for row in least for one in self._records(row, line, within)]
                self.doubted += 1
            yield from inside
            return
        if text[:6] == "<Event":
            # As Splunk keeps it within a record of its own.
            yield from self._records(event_of(text.encode()), line, around.within(envelopes.Inner(text)))
            return
        if text[:1] == "<" and (priority := _PRIORITY.match(text)):
            # Some set a blank behind it, or nothing else of a header.
            text = (priority[1] if priority[2] else "") + text[priority.end() :]
        if inner := envelopes.of_line(text):
            yield from self._records(inner.value, line, around.within(inner))
            return
        if len(text) > LINE:
            raise ValueError(f"too long: a line of text of more than {LINE:,} characters")
        found = self._of_line(text, line)
        if found is None and (named := forms.pairs(text)):
            self.doubted += named.doubted
            found = [self._of_object({**place, **named}, line, seen)]
        if found is None and not _GOES_ON.match(text):
            told = events.of_line(text, line, alone=not self._known)
            if told is not None:
                found = [told if isinstance(told, Record) else self._of_told(told, line)]
        if found is None:
            if self._text_seen and _GOES_ON.match(text):
                self.continued += 1
                return
            raise ValueError("no known format")
        self._text_seen = True
        extra = flatten(dict(place))[0] if place else {}
        if len(found) == 1 and found[0].origin == envelopes.SYSLOG:
            found = self._carried(found[0], line, around)
        for record in found:
            for name, value in extra.items():
                record.fields.setdefault(name, value)
            yield record if record.time is not None or seen is None else record._replace(time=seen)

    def _of_line(self, text: str, line: int) -> list[Record] | None:
        for at, reader in enumerate(self._readers):
            found = reader.read(text, line)
            if found is not None:
                if at:
                    # The next line is likely to be of the same format.
                    self._readers.insert(0, self._readers.pop(at))
                self._known = True
                return found
        return None

    def _of_object(self, row: dict[str, Any], line: int, seen: int | None) -> Record:
        fields, cut = bounded(windows_event.from_document(row) or cloudtrail.judged(envelopes.spread(row)))
        _put_together(fields)
        if fields.keys().isdisjoint(_SAID):
            for format_ in NATIVE:
                if format_.fits(fields):
                    return _native(format_, fields, line, seen, cut)
        said = said_source(fields, self._asked)
        if said is None:
            for format_ in GENERAL:
                if format_.fits(fields):
                    return _native(format_, fields, line, seen, cut)
        if said is None and self._origin is None and (told := self._of_form(row, fields, line, seen)) is not None:
            return told._replace(shortened=cut)
        stamp = _first(fields, TIMES)
        if stamp is None and seen is None:
            raise ValueError(f"no time: {_seen(row)}")
        time = _time(stamp) if stamp is not None else seen
        origin = said or self._origin
        if origin is None:
            raise ValueError(
                f"no log source: neither product, category nor service, nor an OCSF class_uid; {_seen(row)}"
            )
        return Record(fields, origin, time, line, OWN if said else GIVEN, cut)

    def _of_told(self, row: dict[str, Any], line: int) -> Record:
        """Read an object behind a time: nobody vouches for its fields, so that it is no record of another product."""
        fields, cut = flatten(row)
        record = self._of_form(row, fields, line, None)
        if record is None:
            raise ValueError("no known format")
        return record._replace(shortened=cut, time=stamps.any_time(row["time"]))

    def _of_form(self, row: dict[str, Any], fields: Fields, line: int, seen: int | None) -> Record | None:
        """Tell by its form alone what a record of an unknown product is of."""
        known = forms.recognise(fields, line)
        if known is not None:
            return known._replace(time=known.time or seen or moments.moment_in(fields))
        known = audits.recognise(fields, line)
        time = (known and known.time) or moments.moment_in(fields) or seen
        if time is None:
            if known is None:
                return None
            # Nobody writes an audit record without its time; of other forms the one before may have it.
            raise ValueError(f"no time: {_seen(row)}")
        if known is None:
            known = events.recognise(fields, line, time, known=self._unknown)
            self._unknown = self._unknown or known is not None
        return known and known._replace(time=time)


def _is_of_anybody(found: Sequence[Record | str]) -> bool:
    """Tell whether nobody knows the program that wrote a record, nor how it writes what others send it."""
    return any(isinstance(record, Record) and record.format in _ANYBODY for record in found)


_ANYBODY: Final = frozenset([events.NAME, audits.NAME, *forms.NAMES, OWN, GIVEN])
_PRIORITY: Final = re.compile(r"(<\d{1,3}>):? {0,2}(?!1 \S+ )(?:(?=([A-Z][a-z]{2} [ \d]\d |\d{4}-\d\d-\d\dT))|)")
"""What syslog begins with, and whether a time follows; what goes on with a version is of RFC 5424."""


class _Around(NamedTuple):
    """What the envelopes around a record say."""

    seen: int | None
    place: Mapping[str, Any]
    depth: int

    def within(self, one: envelopes.Inner) -> "_Around":
        """Go one envelope deeper.

        Raises:
            ValueError: If that is too deep.
        """
        if not self.depth:
            raise ValueError(f"too deep: more than {DEPTH} envelopes inside each other")
        place = {**self.place, **one.place} if one.place else self.place
        return _Around(self.seen if one.seen is None else one.seen, place, self.depth - 1)


_OUTSIDE: Final = _Around(None, MappingProxyType({}), DEPTH)
"""Around what is within nothing."""


def _native(format_: ObjectFormat, fields: Fields, line: int, seen: int | None, cut: int) -> Record:
    stamp = _first(fields, format_.times)
    if stamp is None:
        stamp = _first(fields, TIMES)
    if stamp is None and seen is None and (seen := moments.moment_in(fields)) is None:
        raise ValueError(f"no time: {format_.name} has it as {format_.times[0]}")
    time = stamps.any_time(stamp) if stamp is not None else seen
    return Record(fields, format_.complete(fields), time, line, format_.name, cut)


def _put_together(fields: Fields) -> None:
    """Make one time of a day and a time of day that stand apart."""
    day, clock = fields.get("date"), fields.get("time")
    if type(day) is str and type(clock) is str and _DAY.fullmatch(day) and _CLOCK.match(clock):
        fields["date"] = fields["time"] = f"{day}T{clock}"


_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CLOCK: Final = re.compile(r"\d{2}:\d{2}:\d{2}", re.ASCII)


def _seen(row: dict[str, Any]) -> str:
    """Say which fields a row has, so that whoever gave it sees what was read."""
    names = [str(name)[:_NAME] for name in islice(row, _NAMES)]
    more = f" and {len(row) - _NAMES} more" if len(row) > _NAMES else ""
    return f"its fields are {', '.join(names)}{more}" if names else "it has no fields"


def _first(fields: Fields, names: tuple[str, ...]) -> Scalar | None:
    for name in names:
        if name in fields:
            return fields[name]
    return None


def _time(stamp: Any) -> int:
    """Read RFC 3339 or whole milliseconds since the epoch; digits within text, as lines have them, by their size."""
    if isinstance(stamp, int):
        return stamp * _EPOCH_MS
    if isinstance(stamp, str) and stamp.isascii() and stamp.isdecimal():
        return stamps.any_time(stamp)
    try:
        read = datetime.fromisoformat(stamp)
    except (TypeError, ValueError):
        read = None
    if read is None or read.tzinfo is None:
        raise ValueError("time cannot be read: expected RFC 3339 with a time zone, or milliseconds since 1970")
    return stamps.micros(read)
