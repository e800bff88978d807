"""Records out of what carried them: container run-times, log shippers and log stores put records into records.

Of lines, what stands before the object is left away: the prefix of CRI, Docker Compose, syslog, an export of
CloudWatch, Fluent Bit's files or a logger of Python. Of objects, those that hold another one as text (`log`, `message`,
`MESSAGE`, `_raw`, …) or in a known place (`_source`, `logEvents`, `resourceLogs`) give way to it. A record that names
no time has that of its carrier, under `time`.

Container run-times cut long lines into pieces; these are put together again.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from caponier.telemetry.chunk import Row
from caponier.telemetry.framing import kafka_console, stamps, terminal_colours, w3c_fields
from caponier.telemetry.framing.json_objects import rows_of
from caponier.telemetry.framing.object_pairs import object_pairs
from caponier.telemetry.framing.odd_json import odd_rows
from caponier.telemetry.framing.written_values import loaded
from caponier.telemetry.readers import inner_fields
from caponier.telemetry.readers.field_names import ALIASES, LIKE, OWN, normal
from caponier.telemetry.readers.held_rows import ISO, held_rows, is_moment
from caponier.telemetry.readers.otlp import records_of, spans_of
from caponier.telemetry.readers.traces import traced
from caponier.telemetry.readers.typed_values import has_typed, untyped
from caponier.telemetry.rejections import OtherLineError
from caponier.telemetry.streams import BOM, LINE_LIMIT

TEXTS: Final = (
    *("log", "message", "msg", "line", "Line", "MESSAGE", "@message", "Message", "_raw", "textPayload", "LogMessage"),
)
"""Under these a carrier has the line that somebody wrote."""
EXPORTED: Final = "Line"
"""Under this Grafana exports lines to CSV: somebody has asked for just these."""
OBJECTS: Final = ("_source",)
LISTS: Final = ("logEvents", "events")
OTLP: Final = {"resourceLogs": records_of, "resourceSpans": spans_of}
WORDED: Final = ("Line", "MESSAGE", "@message", "_raw", "textPayload")
"""Of TEXTS those of carriers that add nothing of their own to the line that a process wrote: as in such a line, words
may stand before its record."""
CONTEXTS: Final = ("contextMap", "mdc")
"""Beside its text a logger of Java has in these what the service said of the call."""
CLOUDWATCH: Final = frozenset(("id", "timestamp", "message", "eventId", "ingestionTime", "logStreamName"))
"""An event of CloudWatch has these alone: its text is a line that a process wrote."""
KAFKA: Final = frozenset(("topic", "partition", "offset"))
TIMES: Final = (
    *("time", "timestamp", "@timestamp", "date", "Date", "Time", "_time", "__REALTIME_TIMESTAMP", "TimeGenerated"),
    *("ts", "asctime", "Timestamp", "instant", "@t", "_messagetimems", "_messagetime"),
)
"""Under these a carrier has when it took a line."""
DEEPEST: Final = 8
"""Steps into carriers in one another, two each: a container's log, in a shipper's record, in a store's answer."""
LONGEST_PREFIX: Final = 1_024
MOST_TRIES: Final = 4
"""Brackets of a line at which an object may begin: reading a long line from each of hundreds would take its time."""
LEARNED: Final = 1_000
"""Lines that are looked at before a log is read."""
USUAL: Final = 0.05
"""Share of the records in these that begin alike."""
ENOUGH: Final = 20
"""Records after which it is known that they stand bare."""
PIECE: Final = 64
"""Bytes that a piece costs besides its own."""
NAMED: Final = 64
"""Letters of the names of streams that are told."""
STRANGE: Final = "bad JSON: an object in a line that begins otherwise than the log's records do"
NOT_JSON: Final = "no JSON object in the line, and no key=value"
_HOLDING: Final = frozenset((*OBJECTS, *LISTS, *OTLP, "result", "data", "streams"))
_CARRYING: Final = _HOLDING | frozenset(TEXTS) | {"topic"}
_TIME_NAMES: Final = frozenset(ALIASES["time"])
_LIKE_TIMES: Final = re.compile(r"(?:event|log|logged|request|prediction|inference|call|scor(?:ed|ing))_.+|t")
_CRI: Final = re.compile(rb"(\d{4}-\d\d-\d\dT\S{1,40}) (stdout|stderr) ([FP])(?::\S*)? (.*)", re.DOTALL)
_EPOCH: Final = re.compile(r"\[(\d{10}(?:\.\d{1,9})?), *$|^\[?(1\d{9}(?:[.,]\d{1,9}|\d{3}|\d{6}|\d{9})?)(?=[\]:,;|\s])")
"""Seconds, or parts of them, since 1970: right before a record, or with which a line begins."""
_APACHE: Final = re.compile(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}")
_KLOG: Final = re.compile(r"^[IWEF](?P<month>\d\d)(?P<day>\d\d) (?P<clock>\d\d:\d\d:\d\d\.\d{6}) ")
"""How Kubernetes and glog begin a line: level, month and day, time of day."""
_SYSLOG: Final = re.compile(r"\b(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) (?P<clock>\d\d:\d\d:\d\d(?:\.\d{1,6})?)\b")
_DAY_MONTH: Final = re.compile(r"^(?P<day>\d\d)\.(?P<month>\d\d)\. ?(?P<clock>\d\d:\d\d:\d\d(?:[.,]\d{1,6})?)\b")
"""`04.03. 08:15:06`, as Germans leave the year out."""
_MONTHS: Final = {f"{number:02d}": name for name, number in stamps.MONTHS.items()}
_PAIR: Final = re.compile(
    r'\s*([A-Za-z_@][\w.\-@/]{0,99})=(?:"((?:[^"\\]|\\.)*+)"|(\[[\d\s.,eE+\-]*+\]|[^\s"]*+))(?=\s|$)'
)
"""A list of numbers may have spaces, as Python prints one; any other value ends at the first."""
_WORD: Final = re.compile(r"[\w.:+,\-]+")
_VARYING: Final = re.compile(
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
    r"|(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|trace|debug|info|notice|warn|warning|error):?"
)
_SERVERS: Final = re.compile(
    rb"[\[(]?(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL)\b|[\[(<]?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:",
    re.IGNORECASE,
)
"""How the lines begin that servers write of themselves: with a level or a time."""
_FIRST_PAIR: Final = re.compile(
    r"(?:^(?:DEBUG|INFO|WARNING|ERROR|CRITICAL):[\w.\-]{1,100}:|^|\s)(?=[A-Za-z_@][\w.\-@/]{0,99}=\S)"
)
"""Python's logger writes its level and its name before a line, with colons and no blank."""
_LEAST_PAIRS: Final = 3
_TRACE: Final = re.compile(r" \((?:trace|span|sampled|service\.name)=[^()\s]{0,300}\)\s*$")
"""What BentoML appends to a line."""
_CUT: Final = re.compile(r"^&?\w{1,64}\([^)]*$|^[{(\[][^})\]]*,$")
_MAY_HAVE_OBJECTS: Final = re.compile(rb"[=:](?<![\"'][=:])(?:(?<==)'?[{\[]|(?<=:) \{| ?[A-Z]\w{0,63}[({])")
"""Written so that its first character is looked for alone: it is tried on every line. A name in quotes is JSON's."""
_STRUCTURED: Final = re.compile(r"<\d{1,3}>1 \S{1,64} \S{1,255} \S{1,48} \S{1,128} \S{1,32} (?=\[)")
_PARAM: Final = re.compile(r'([^\s="\]]{1,64})="((?:[^"\\\]]|\\.)*+)"')
_ELEMENT: Final = re.compile(r'\[[^\s="\]]{1,64}((?: [^\s="\]]{1,64}="(?:[^"\\\]]|\\.)*+")*+)\]')
_BYTES: Final = re.compile(r"(?:\\x[0-9A-Fa-f]{2})+")
"""As nginx writes quotes, and what is no letter of ASCII."""
_ESCAPED: Final = re.compile(r"\\(.)")


class CarriedRecords:
    """Takes the records of one log out of what carries them, line by line."""

    def __init__(self) -> None:
        self.any = False
        """Whether something was carried."""
        self.odd: set[str] = set()
        """What was odd about the JSON of lines since somebody took note of it."""
        self.may_break_off = False
        """Whether a line that breaks off is kept as far as it goes."""
        self._begins: Counter[str] | None = None
        """How often the lines of a sample begin in which way, while they are looked at."""
        self._is_python = False
        """Whether objects stand there as Python prints them, and none as JSON."""
        self._usual: frozenset[str] | None = None
        """How lines with a record begin; None where that is not known."""
        self._printed = 0
        self._holds = b""
        """What each line with a record has in it, where it is known that the log has records."""
        self._is_mixed = False
        """Whether a server wrote other lines between them."""
        self._fields: list[str] = []
        """Of the lines, where the log has named them."""
        self._pieces: dict[str, list[bytes]] = {}
        self._sizes: Counter[str] = Counter()
        """Bytes of the pieces that wait, by stream."""

    def learn(self, head: bytes) -> None:
        """Learn from the first bytes of a log how the lines begin that carry a record.

        A service logs what it was sent, too: what begins in another way than the records do may be a caller's own word.
        """
        begins = self._begins = Counter()
        self._printed = read = objects = 0
        for line in head.split(b"\n", LEARNED)[:LEARNED]:
            try:
                has = bool(self.rows(line.strip()))
                read += has
                objects += has and b"{" in line
            except ValueError:
                continue
        if read:
            self._holds = b"{" if 2 * objects > read else b"="
        # Lines are counted, and not what they begin with: a container's line and the one in it have one each. Some
        # hold more than is read as Python's, as a caller may wish.
        self._is_python = 2 * self._printed > read
        self._begins, self._pieces, self._sizes, self.any = None, {}, Counter(), False
        self.odd.clear()
        if len(begins) > 1 or "" not in begins or begins.total() >= ENOUGH:
            many = USUAL * begins.total()
            usual = {one for one, count in begins.items() if count >= many}
            # One document holds all of the records: it stands bare, whatever stands before each of them.
            self._usual = frozenset(usual | {""} if read == 1 and "" in begins else usual) or None

    def rows(self, line: bytes) -> list[Row]:
        """Return the records of a line; none where it is a piece of a longer one.

        Raises:
            ValueError: If it holds none, with the reason.
        """
        if line[:1] == BOM[:1]:
            # Files that were put behind each other have a mark in the middle, too.
            line = line.removeprefix(BOM)
        line = terminal_colours.plain(line)
        if line[:1] == b"#" and (self._fields or line.startswith(w3c_fields.FIELDS)):
            self._fields = w3c_fields.names_of(line) if line.startswith(w3c_fields.FIELDS) else self._fields
            return []
        if self._fields:
            return [w3c_fields.row_of(line, self._fields)]
        if line[:1] in (b"{", b"["):
            try:
                held = self._objects(line, is_inner=False)
            except ValueError:
                # `[2026-01-05 12:00:00] INFO {…}` begins like a list and is none.
                if line[:1] == b"{" or (b"{" not in line[1:LONGEST_PREFIX] and not _SERVERS.match(line)):
                    raise
                return list(self._text(line, None, 0))
            self._check_begin("")
            return self._out_of(held)
        if (message := kafka_console.console_message(line)) is not None:
            return self._out_of([message])
        if cri := _CRI.fullmatch(line):
            self.any = True
            whole = self._whole(cri[2].decode(), cri[4], ends=cri[3] == b"F")
            return [] if whole is None else list(self._text(whole, cri[1].decode(), 0))
        return list(self._text(line, None, 0))

    def of_table(self, row: Row) -> list[Row]:
        """Return the records of a table's row: of what a log store exports, a column holds what was logged."""
        if not _CARRYING.isdisjoint(row):
            try:
                return self._out_of([row])
            except ValueError:
                # A text that begins like an object, in a table of its own.
                return [row]
        return [row]

    def _out_of(self, rows: list[Row]) -> list[Row]:
        if any(map(has_typed, rows)):
            self.any = True
            rows = [untyped(row) if has_typed(row) else row for row in rows]
        if not all(map(inner_fields.NAMES.isdisjoint, rows)):
            rows = [inner_fields.lifted(row) or row for row in rows]
        if all(_CARRYING.isdisjoint(row) and _is_record(row) for row in rows):
            return rows
        return [inner for row in rows for inner in self._row(row, 0)]

    def _row(self, row: Row, depth: int) -> Iterator[Row]:
        if depth < DEEPEST and not _is_record(row) and (held := held_rows(row)) is not None:
            self.any = True
            for item in held:
                yield from self._row(item, depth + 1)
            return
        if depth >= DEEPEST or _CARRYING.isdisjoint(row):
            yield row
            return
        for name, found in OTLP.items():
            if isinstance(row.get(name), list):
                for record in found(row[name]):
                    yield from self._row(record, depth + 1)
                self.any = True
                return
        if row.keys() >= KAFKA and (message := self._message(row)) is not None:
            self.any = True
            yield from self._row(message, depth + 1)
            return
        # Else a caller whose question is logged as `data` could write records of somebody else's into it.
        own = not OWN.isdisjoint(normal(name) for name in row if name not in _HOLDING)
        if not own and (streams := _streams(row)) is not None:
            self.any = True
            for text, time in streams:
                yield from self._text(text.strip().encode("utf-8", "surrogatepass"), time, depth + 1)
            return
        for name in () if own else LISTS:
            items = row.get(name)
            if isinstance(items, list) and items and all(map(_is_line, items)):
                self.any = True
                for item in items:
                    yield from self._row(item, depth + 1)
                return
        inner = next((row[name] for name in OBJECTS if isinstance(row.get(name), dict)), None)
        if inner is None and isinstance(result := row.get("result"), dict) and "_raw" in result:
            inner = result
        if inner is not None:
            self.any = True
            yield from self._row(inner, depth + 1)
            return
        yield from self._texts(row, depth)

    def _message(self, row: Row) -> Row | None:
        """Return the record that a message of Kafka holds, with the message's time, key and headers."""
        held = row.get("value", row.get("payload"))
        inner = self._object(held) if isinstance(held, str) else held
        if inner is None and isinstance(held, str) and held.lstrip()[:1] == "{":
            raise ValueError("bad JSON: the object in a message of Kafka is broken")
        if not isinstance(inner, dict):
            return None
        headers = _headers(row.get("headers"))
        about = {name[3:]: one for name, one in headers.items() if name.startswith(("ce_", "ce-"))}
        if "specversion" in about:
            # A CloudEvent in binary mode: its attributes stand in the headers.
            return {**about, "data": inner}
        if "specversion" in inner:
            return inner
        # What the broker and the sender say counts, whatever the message says of it.
        told = {"headers": headers, "request_id": row.get("key")}
        inner = {**inner, **{name: one for name, one in told.items() if one}}
        return _timed(inner, row.get("ts", row.get("timestamp")))

    def _texts(self, row: Row, depth: int) -> Iterator[Row]:
        """Yield the record that an object holds as text, or else the object."""
        # What journald knows itself of a process, such as its user, begins so.
        aside = "_" if "__REALTIME_TIMESTAMP" in row else "\0"
        if not OWN.isdisjoint(normal(name) for name in row if not name.startswith(aside)):
            yield row
            return
        for name in TEXTS:
            text = row.get(name)
            if not isinstance(text, str):
                continue
            if name == "log" and row.keys() <= _DOCKER and row.keys() >= {"stream", "time"}:
                self.any = True
                whole = self._whole(str(row["stream"]), text.encode("utf-8", "surrogatepass"), text.endswith("\n"))
                if whole is not None:
                    yield from self._text(whole.strip(), row["time"], depth + 1)
                return
            begins = text.lstrip()[:1]
            if begins == "{" and text.rstrip()[-1:] == "}" and (inner := self._object(text)) is not None:
                if len(row) > 1 and _time_of(row) is None and not _names_time(inner):
                    # Nobody would carry a record without a time: the row around it is the record.
                    yield row
                    return
                self.any = True
                inner |= {key: row[key] for key in CONTEXTS if isinstance(row.get(key), dict)}
                yield from self._row(_timed(inner, _time_of(row)), depth + 1)
                return
            is_worded = name in WORDED or (name == "message" and row.keys() <= CLOUDWATCH)
            is_line = is_worded and "{" in text and _pairs(text)[1] is None
            if is_line and (found := self._worded(text, _time_of(row), depth)) is not None:
                self.any = True
                yield from found
                return
            _, pairs = _pairs(text)
            if pairs is not None and (name == EXPORTED or not OWN.isdisjoint(map(normal, pairs))):
                self.any = True
                yield _timed(pairs, _time_of(row))
                return
        yield row

    def _worded(self, text: str, time: Any, depth: int) -> list[Row] | None:
        """Return the record behind the words of a line; None where there is none.

        Raises:
            ValueError: If the line begins otherwise than those with records do.
        """
        try:
            return list(self._text(text.strip().encode("utf-8", "surrogatepass"), time, depth + 1))
        except ValueError as bad:
            if str(bad) == STRANGE:
                raise
            return None

    def _text(self, line: bytes, time: Any, depth: int) -> Iterator[Row]:
        """Yield the record at the end of a text, or whose pairs stand all over it."""
        if line[:1] != b"{" and _MAY_HAVE_OBJECTS.search(line) is not None:
            text = line.decode("utf-8", "replace")
            told = object_pairs(text) if _pairs(text)[1] is None else None
            if told is not None:
                prefix = _decoded(line)[: told[0]]
                self._check_begin(_begin_of(prefix))
                self.any = True
                yield _timed(told[1], time or _time_in(prefix))
                return
        place, tries = line.find(b"{", 0, LONGEST_PREFIX), 0
        while place >= 0 and tries < MOST_TRIES:
            tries += 1
            end = line.rfind(b"}") + 1
            # Fluent Bit's files close a list behind the object, and PHP's logger has what it adds itself there.
            if (line[end:].strip() in _BEHIND or _WORDS_BEHIND.fullmatch(line[end:])) and (
                inner := self._object(line[place:end])
            ) is not None:
                self.any = self.any or place > 0
                prefix = _decoded(line[:place])
                self._check_begin(_begin_of(prefix))
                yield from self._row(_timed(inner, time or _time_in(prefix)), depth + 1)
                return
            place = line.find(b"{", place + 1, LONGEST_PREFIX) if place < LONGEST_PREFIX else -1
            if line[:1] == b"{":
                break
        prefix, pairs = _pairs(line.decode("utf-8", "replace"))
        if pairs is None:
            self._is_mixed = self._is_mixed or (b"{" not in line and _SERVERS.match(line) is not None)
            if self._is_mixed and self._holds and self._holds not in line:
                raise OtherLineError
            raise ValueError(f"bad JSON: {NOT_JSON}")
        self._check_begin(_begin_of(prefix))
        yield _timed(pairs, time or _time_in(prefix))

    def _check_begin(self, begin: str) -> None:
        if self._begins is not None:
            self._begins[begin] += 1
        elif self._usual is not None and begin not in self._usual:
            raise ValueError(STRANGE)

    def _objects(self, line: bytes, *, is_inner: bool = True) -> list[Row]:
        """Read JSON, or an object as Python prints it, where a log holds such ones."""
        try:
            return rows_of(line)
        except ValueError:
            if line[:2] == b"{'" and (self._is_python or self._begins is not None):
                row = loaded(line)
                if not isinstance(row, dict):
                    raise
                self._printed += 1
                return [row]
            try:
                rows, what = odd_rows(line, may_break_off=self.may_break_off and not is_inner)
            except ValueError:
                # Said in the words of the parser, which names the place.
                pass
            else:
                self.odd.update(what)
                return rows
            raise

    def _object(self, text: str | bytes) -> Row | None:
        try:
            (row,) = self._objects(text.encode("utf-8", "replace") if isinstance(text, str) else text)
        except ValueError:
            return None
        return row

    def _whole(self, stream: str, piece: bytes, ends: bool) -> bytes | None:
        """Return a line once its last piece is there."""
        held = self._pieces.setdefault(stream, [])
        held.append(piece)
        # Each piece costs a place in the list, however short it is.
        self._sizes[stream] += len(piece) + PIECE
        if not ends and self._sizes[stream] <= LINE_LIMIT and len(self._pieces) <= len(_DOCKER):
            return None
        del self._pieces[stream], self._sizes[stream]
        return b"".join(held)

    def left(self) -> str | None:
        """Say what is left at the end of a log: the first pieces of lines whose last one never came; None if nothing.

        A container run-time that is stopped, and one that begins a new file, leave them.
        """
        if not self._pieces:
            return None
        streams = " and ".join(sorted(self._pieces)[:2])
        return f"bad JSON: the log ends before the last piece of a line of {streams[:NAMED]}"


_BEHIND: Final = (b"", b"]", b"[]")
_WORDS_BEHIND: Final = re.compile(rb"\s(?=[a-z])[^{}\[\]\"'=<>]{1,64}")
"""What a template of a logger says after an object, such as ` for alice`; it is not read."""


_DOCKER: Final = frozenset(("log", "stream", "time", "attrs"))


def _streams(row: Row) -> list[tuple[str, Any]] | None:
    """Return the lines of Loki's answers and of what is pushed to it, with their times; None for anything else."""
    data = row.get("data")
    streams = data.get("result") if isinstance(data, dict) else row.get("streams")
    if not isinstance(streams, list) or not streams:
        return None
    found: list[tuple[str, Any]] = []
    for stream in streams:
        if not isinstance(stream, dict) or "stream" not in stream or not isinstance(stream.get("values"), list):
            return None
        for entry in stream["values"]:
            if not isinstance(entry, list) or len(entry) < 2 or not all(isinstance(part, str) for part in entry[:2]):
                return None
            found.append((entry[1], entry[0]))
    return found


def _is_line(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("message"), str)


def _decoded(prefix: bytes) -> str:
    try:
        return prefix.decode()
    except UnicodeDecodeError as bad:
        raise ValueError(f"bad JSON: {bad}") from bad


def _begin_of(prefix: str) -> str:
    """Return what stands before a record without times, levels, numbers and ids, which are others in each line."""
    return _WORD.sub(
        lambda word: "0" if _VARYING.fullmatch(word[0]) or any(map(str.isdigit, word[0])) else word[0],
        " ".join(prefix.split()),
    )


def _is_record(row: Row) -> bool:
    """Tell whether an object is a record itself, and no table, answer or span that holds some."""
    if "attributes" in row and traced(row) is not None:
        return False
    return any(normal(str(key)) in _TIME_NAMES and not isinstance(one, dict) for key, one in row.items()) or (
        held_rows(row) is None
    )


def _names_time(row: Row) -> bool:
    names = [normal(str(key)) for key in row]
    return any(name in _TIME_NAMES for name in names) or any(
        _LIKE_TIMES.fullmatch(name) and LIKE["time"].fullmatch(name) and is_moment(value)
        for name, value in zip(names, row.values(), strict=True)
    )


def _timed(row: Row, time: Any) -> Row:
    """Give a record the time of its carrier, if it names none."""
    if time is None or _names_time(row):
        return row
    return {"time": time, **row}


def _time_of(row: Row) -> Any:
    """Return when a carrier took a line."""
    return next((row[key] for key in TIMES if row.get(key)), None)


def _headers(held: Any) -> Row:
    """Return the headers of a message: an object, a list of objects, or, as kcat has them, names and values in turn."""
    if isinstance(held, list) and all(isinstance(one, dict) for one in held):
        pairs = [
            (one.get("key"), one.get("value")) if "key" in one else next(iter(one.items()), ("", "")) for one in held
        ]
    elif isinstance(held, list):
        pairs = list(zip(held[::2], held[1::2], strict=False))
    else:
        pairs = list(held.items()) if isinstance(held, dict) else []
    return {str(name).lower(): one for name, one in pairs}


def _time_in(prefix: str) -> str | None:
    """Return the time that stands before a record, in a form that a time can be told by."""
    if found := ISO.search(prefix):
        return found[0].replace(",", ".").replace("/", "-")
    if found := _EPOCH.search(prefix):
        return (found[1] or found[2]).replace(",", ".")
    if found := _APACHE.search(prefix):
        return found[0]
    if found := _KLOG.match(prefix) or _DAY_MONTH.match(prefix) or _SYSLOG.search(prefix):
        try:
            month = _MONTHS.get(found["month"], found["month"])
            micros = stamps.without_year(month, found["day"], found["clock"], datetime.now(UTC))
        except ValueError:
            return None
        # Without its zone: neither does the line name one.
        return (stamps.EPOCH + timedelta(microseconds=micros)).replace(tzinfo=None).isoformat(" ")
    return None


def _letters(found: re.Match[str]) -> str:
    text = bytes.fromhex(found[0].replace("\\x", "")).decode("utf-8", "replace")
    # A backslash among them escapes nothing further.
    return text.replace("\\", "\\\\")


def _pairs(line: str) -> tuple[str, Row | None]:
    """Read logfmt, `level=info msg="a text" took=3`, and what stands before it; None where a line is something else."""
    if (told := _STRUCTURED.match(line[:LONGEST_PREFIX])) is not None:
        return _structured(line, told)
    line = _TRACE.sub("", line)
    first = _FIRST_PAIR.search(line[:LONGEST_PREFIX])
    if first is None:
        return "", None
    found: Row = {}
    place = first.end()
    while match := _PAIR.match(line, place):
        quoted = match[2]
        value = match[3] if quoted is None else _ESCAPED.sub(r"\1", _BYTES.sub(_letters, quoted))
        if value:
            found[match[1]] = value
        place = match.end()
    is_whole = len(found) >= _LEAST_PAIRS and not line[place:].strip()
    if any(one in line for one in "({[") and any(_CUT.search(value) for value in found.values()):
        # A part of what an object in brackets says is no value.
        return "", None
    return line[: first.start()].strip(), found if is_whole else None


def _structured(line: str, begun: re.Match[str]) -> tuple[str, Row | None]:
    """Read the pairs of a line of syslog (RFC 5424) that stand in brackets."""
    found: Row = {}
    place = begun.end()
    while (element := _ELEMENT.match(line, place)) is not None:
        for name, value in _PARAM.findall(element[1]):
            found.setdefault(name, re.sub(r"\\([\"\\\]])", r"\1", value))
        place = element.end()
    return line[: begun.end()].strip(), found if len(found) >= _LEAST_PAIRS else None
