"""What logs are wrapped in on their way: queues, log services and container run-times put records into records.

AWS: `Records` of files in S3, `Events` of `lookup-events`, `logEvents` of CloudWatch subscriptions and `events` of
`filter-log-events`, the `detail` of EventBridge, SNS notifications. Azure: `records` of an event hub, the `kube-audit`
log of AKS in `properties.log`, JSON within text in tables. Google: Pub/Sub messages. Microsoft Graph: `value`.
Elasticsearch: hits. Docker, Fluent Bit and CRI: lines of a container. Splunk: `_raw`. ECS: the original event, where it
was kept.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

from caponier.telemetry.framing import stamps
from caponier.telemetry.framing.json_elements import LISTS
from caponier.telemetry.readers import otlp
from caponier.telemetry.security_logs.native.record import Record
from caponier.telemetry.security_logs.sources import LogSource

Row = dict[str, Any]
_OWN_TIMES: Final = ("time", "timestamp", "@timestamp", "eventTime", "published", "createdDateTime", "activityDateTime")
_CRI: Final = re.compile(r"(\d{4}-\d\d-\d\dT\S+) (?:stdout|stderr) [FP] (.*)", re.DOTALL)
_COMPOSE: Final = re.compile(r"[\w.\-]{1,64} +\| (.+)", re.DOTALL)
_EXPORTED: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)\s+(\{.*\})", re.DOTALL)


class Inner(NamedTuple):
    """A record that was within another one."""

    value: dict[str, Any] | str
    seen: int | None = None
    """When the transport took it: microseconds since the epoch, for records without a time of their own."""
    place: Mapping[str, Any] = MappingProxyType({})
    """What the transport says of where it comes from; the record's own fields win."""
    instead: Mapping[str, Any] | None = None
    """What counts where the record is of no format that is known."""


def of_row(row: Row) -> Iterator[Inner] | None:
    """Return the records within an object; None if it is a record itself."""
    if _WRAPPING.isdisjoint(row):
        return None
    resources = row.get("resourceLogs")
    if isinstance(resources, list):
        return map(_telemetry, otlp.records_of(resources))
    for name in LISTS:
        if type(row.get(name)) is list and not _has_time(row):
            return (Inner(item) for item in row[name] if isinstance(item, dict | str))
    logs = row.get("logs")
    if isinstance(logs, list) and logs and not _has_time(row) and all(isinstance(one, dict) for one in logs):
        # An answer of an interface that pages.
        return (Inner(one) for one in logs)
    hits = row.get("hits")
    if isinstance(hits, dict) and isinstance(hits.get("hits"), list):
        return (Inner(item) for item in hits["hits"] if isinstance(item, dict))
    found = _single(row)
    return None if found is None else iter([found])


def _has_time(row: Row) -> bool:
    """Tell whether an object says when it happened, as an event does and an envelope does not."""
    known = row.get("id")
    return any(time in row for time in _OWN_TIMES) or (isinstance(known, dict) and "time" in known)


_WRAPPING: Final = frozenset(
    [
        *(*LISTS, "CloudTrailEvent", "detail", "message", "Type", "log", "LogMessage", "_source", "result", "_raw"),
        *("event", "category", "kubernetes", "resourceLogs", "full_log", "short_message"),
        *("@message", "log_s", "_AUDIT_TYPE_NAME", "logs"),
    ]
)
"""Names of which every envelope has one, and most records none."""


def _single(row: Row) -> Inner | None:
    for unwrap in (_aws, _container, _search, _azure, _queue, _agent, _journal, _original):
        if found := unwrap(row):
            return found
    return None


def _aws(row: Row) -> Inner | None:
    if isinstance(row.get("CloudTrailEvent"), str):
        return Inner(row["CloudTrailEvent"])
    detail = row.get("detail")
    if isinstance(detail, dict) and "detail-type" in row and "eventVersion" in detail:
        return Inner(detail)
    message = row.get("message")
    if isinstance(message, str) and isinstance(row.get("timestamp"), int) and row.keys() & _CLOUDWATCH:
        return Inner(message, row["timestamp"] * 1_000)
    queried = row.get("@message")
    if isinstance(queried, dict | str):
        # A query of CloudWatch's logs, whose columns are fields that begin with an @.
        return Inner(queried, _time(row.get("@timestamp")))
    if row.get("Type") == "Notification" and isinstance(row.get("Message"), str):
        return Inner(row["Message"], _time(row.get("Timestamp")))
    return None


_CLOUDWATCH: Final = frozenset(["eventId", "ingestionTime", "id", "logStreamName"])


def _container(row: Row) -> Inner | None:
    text = row.get("log", row.get("LogMessage") if "PodName" in row else None)
    if not isinstance(text, str) or not row.keys() & {"stream", "kubernetes", "PodName"}:
        return None
    place: Row = {name: row[name] for name in ("kubernetes", "PodName", "PodNamespace", "ContainerName") if name in row}
    stamp = row.get("time", row.get("@timestamp", row.get("date", row.get("TimeGenerated"))))
    return Inner(text.rstrip("\n"), _time(stamp), place)


def _search(row: Row) -> Inner | None:
    source = row.get("_source")
    if isinstance(source, dict):
        return Inner(source)
    result = row.get("result", row if "_raw" in row else None)
    if isinstance(result, dict) and isinstance(result.get("_raw"), str):
        return Inner(result["_raw"], _time(result.get("_time")), {"host": result["host"]} if "host" in result else {})
    event = row.get("event")
    if isinstance(event, dict | str) and row.keys() & {"sourcetype"}:
        return Inner(event, _time(row.get("time")), {"host": row["host"]} if "host" in row else {})
    return None


def _word(value: Any) -> str:
    """Return a value as text, and none for what holds others: Python fails at one that is nested a thousand deep."""
    return str(value) if isinstance(value, str | int) else ""


def _azure(row: Row) -> Inner | None:
    inside = row.get("properties")
    if _word(row.get("category")).lower().startswith("kube-audit") and isinstance(inside, dict):
        log = inside.get("log")
        return Inner(log, _time(row.get("time"))) if isinstance(log, str) else None
    log = row.get("log_s")
    if isinstance(log, dict | str) and _word(row.get("Category")).lower().startswith("kube-audit"):
        # The same as the table AzureDiagnostics keeps it.
        return Inner(log, _time(row.get("TimeGenerated")))
    return None


def _queue(row: Row) -> Inner | None:
    message = row.get("message")
    data = message.get("data") if isinstance(message, dict) else None
    if not isinstance(data, str) or not isinstance(message, dict):
        return None
    try:
        text = base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Inner(text, _time(message.get("publishTime")))


def _agent(row: Row) -> Inner | None:
    """Return the line that an alert of Wazuh or a message of Graylog was made of."""
    line, agent = row.get("full_log"), row.get("agent")
    if isinstance(line, str) and isinstance(agent, dict) and isinstance(row.get("rule"), dict):
        return Inner(line, _time(row.get("timestamp")), {"host": agent["name"]} if "name" in agent else {}, row)
    short = row.get("short_message")
    if isinstance(short, str) and "version" in row and "host" in row:
        program = row.get("_application_name", row.get("_SYSLOG_IDENTIFIER", row.get("_facility")))
        text = f"<13>1 - {row['host']} {program} - - - {short}" if isinstance(program, str) and program else short
        return Inner(text, _time(row.get("timestamp")), {"host": row["host"]}, row)
    return None


def _telemetry(row: Row) -> Inner:
    text = row.get("message")
    if isinstance(text, str):
        return Inner(text, _time(row.get("time")), MappingProxyType({}), row)
    return Inner(row)


SYSLOG: Final = LogSource("linux", None, "syslog")
"""What a line of syslog is whose message nothing here understands."""
_CARRIED: Final = re.compile(
    r"[{<]|(?:node=\S{1,255} )?type=[A-Z_]{1,40} (?:msg=)?audit\(|CEF:|LEEF:"
    r"|\S{1,64} (?:\S{1,64} .{1,128} )?\[\d\d/[A-Z][a-z]{2}/\d{4}:|\d+,\d{4}/\d\d/\d\d |date=\d{4}-"
)
"""How a message begins that is a record itself: JSON, XML, an access log …"""


def of_message(record: Record) -> Inner | None:
    """Return the record that the message of a line of syslog may be."""
    fields = record.fields
    text, program = str(fields.get("message", fields.get("syslogmessage", ""))), fields.get("program")
    if program in ("CEF", "LEEF"):
        text = f"{program}:{text}"
    if not _CARRIED.match(text):
        return None
    host = record.fields.get("host")
    return Inner(text, record.time, {} if host is None else {"host": host})


def _journal(row: Row) -> Inner | None:
    """Return a line of Linux audit as auditd would have written it: the journal keeps its beginning in fields."""
    kind, number, message = (row.get(name) for name in ("_AUDIT_TYPE_NAME", "_AUDIT_ID", "MESSAGE"))
    if not (isinstance(kind, str) and isinstance(message, str) and _word(number).isdecimal()):
        return None
    stamp = _word(row.get("_SOURCE_REALTIME_TIMESTAMP", row.get("__REALTIME_TIMESTAMP")))
    if not (stamp.isdecimal() and stamp.isascii()):
        return None
    said = message.removeprefix(kind).lstrip()
    seconds, parts = divmod(int(stamp), 1_000_000)
    host = row.get("_HOSTNAME")
    # Several of them are one event, which waits for its last: so the host stands in the line.
    node = f"node={host} " if isinstance(host, str) and host and not set(host) & set(" \t") else ""
    return Inner(f"{node}type={kind} msg=audit({seconds}.{parts // 1_000:03d}:{number}): {said}", _time(stamp))


def _original(row: Row) -> Inner | None:
    """Return the event that ECS was made of: rules are written for the product's own fields."""
    kubernetes = row.get("kubernetes")
    audit = kubernetes.get("audit") if isinstance(kubernetes, dict) else None
    if isinstance(audit, dict) and "verb" in audit:
        return Inner({"apiVersion": "audit.k8s.io/v1", **audit}, _time(row.get("@timestamp")))
    event = row.get("event")
    original = event.get("original") if isinstance(event, dict) else None
    if isinstance(original, str) and original[:1] == "{" and "winlog" not in row:
        return Inner(original, _time(row.get("@timestamp")))
    return None


def of_line(text: str) -> Inner | None:
    """Return what stands behind the time that a container run-time or an export of CloudWatch puts before a line."""
    if text[4:5] == "-" and (found := _EXPORTED.fullmatch(text) or _CRI.fullmatch(text)):
        return Inner(found[2], _time(found[1]))
    if " | " in text and (found := _COMPOSE.fullmatch(text)):
        return Inner(found[1])
    return None


def spread(row: Row) -> Row:
    """Read the JSON within text of a table's row, as Log Analytics keeps what has no columns."""
    if "TimeGenerated" not in row:
        return row
    return {
        name: _object(value) if isinstance(value, str) and not name.lower().endswith("agent") else value
        for name, value in row.items()
    }


def _object(text: str) -> Any:
    if text[:1] not in ("{", "[") or text[-1:] not in ("}", "]"):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _time(value: Any) -> int | None:
    try:
        return None if value is None else stamps.any_time(value)
    except (ValueError, OverflowError):
        return None
