"""Access and error logs of nginx and Apache.

The common and combined formats are those of Apache's `mod_log_config` (nginx's `combined` is the same), with or without
the virtual host before them; error lines are as nginx's `ngx_log.c` and Apache's `ErrorLogFormat` write them. JSON
access logs are those of nginx with its usual variable names, and of Envoy, which Istio and KServe use.
"""

import re
from typing import Final

from caponier.telemetry.framing import stamps
from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.record import (
    FieldMap,
    ObjectFormat,
    Parsed,
    Stateless,
    fill,
    made,
    split_url,
    whole,
)
from caponier.telemetry.security_logs.sources import LogSource

WEB: Final = LogSource(None, "webserver", None)
_QUOTED: Final = r'"((?:[^"\\]|\\.)*+)"'
_ASKED: Final = r'"((?:[^"\\]|\\.)*+|[A-Za-z]{1,20} \S+ HTTP/[\d.]{1,5})"'
"""A request, also of a server that escapes no quotes: its parser lets no blank into a target."""
_COMBINED: Final = re.compile(
    # A dash is no address but an identity that nobody looked up: then what stands before it is no host. Otherwise a
    # caller who claims a name of two words moves its own address out of sight.
    rf"(?:(\S+?)(?::\d+)? (?!- ))?(\S+) (\S+) (.{{1,1024}}?) \[([^\[\]]{{10,40}})\] {_ASKED} (\d{{3}}) (\d+|-)"
    rf'(?: {_QUOTED} {_QUOTED}(?=$|[ ,])| "([^"]*)" "(.*)"$)?(.*)'
)
_REQUEST: Final = re.compile(r"([A-Za-z]{1,20}) (\S+)(?: HTTP/[\d.]+)?")
_ODD_REQUEST: Final = re.compile(r"([A-Z]{3,20}) ([/*].*?|https?://.*?)(?: HTTP/[\d.]+)?", re.DOTALL)
"""One whose target holds blanks, which servers refuse and write down."""
_NGINX_ERROR: Final = re.compile(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(\w+)\] \d+#\d+: (?:\*\d+ )?(.*)", re.DOTALL)
_NGINX_FACT: Final = re.compile(r', (client|request|host): (?:"([^"]*)"|([^,]+))')
_APACHE_ERROR: Final = re.compile(
    r"\[[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{1,2}) (\d\d:\d\d:\d\d)(?:\.(\d+))? (\d{4})\] \[(\S*?)\](?: \[pid [^\]]*\])?"
    r"(?: \[client ([^\]]+?)(?::\d+)?\])? (.*)",
    re.DOTALL,
)


def request(line: str) -> Fields:
    """Return method and target of a request line; one that is none is kept as the target."""
    found = _REQUEST.fullmatch(line) or _ODD_REQUEST.fullmatch(line)
    if found is None:
        return made({"cs-uri": line, "cs-uri-stem": line})
    return {"cs-method": found[1].upper(), **split_url(found[2])}


def _parse(text: str) -> Parsed:
    found = _COMBINED.fullmatch(text)
    if found is None:
        return None
    host, address, _, user, stamp, line, status, size, referer, agent, *bare, _ = found.groups()
    # Some escape quotes and no backslash: then the last quote ends what one sent.
    referer, agent = (referer, agent) if agent is not None else bare
    try:
        time = stamps.access_log(stamp)
    except ValueError:
        return None
    fields = {
        **made({"c-ip": address, "cs-username": user, "cs-host": host, "sc-bytes": whole(size)}),
        **made({"cs-referer": referer, "cs-user-agent": agent}),
        **request(line),
        "sc-status": int(status),
    }
    if user not in ("-", ""):
        fields["user"] = user
    return fields, WEB, time


def _error(text: str) -> Parsed:
    if found := _NGINX_ERROR.fullmatch(text):
        stamp, level, message = found.groups()
        facts = _facts(message)
        fields = made({"level": level, "message": message, "c-ip": facts.get("client"), "cs-host": facts.get("host")})
        if asked := facts.get("request"):
            fields |= request(asked)
        return fields, LogSource("nginx", None, "nginx"), stamps.iso(stamp.replace("/", "-"))
    if found := _APACHE_ERROR.fullmatch(text):
        month, day, clock, part, year, level, address, message = found.groups()
        number = stamps.MONTHS.get(month.lower())
        if number is None:
            return None
        fields = made({"level": level, "c-ip": address, "message": message})
        stamp = f"{year}-{number:02}-{int(day):02}T{clock}.{part or '0'}"
        return fields, LogSource("apache", None, "apache"), stamps.iso(stamp)
    return None


def _facts(message: str) -> dict[str, str]:
    """Return what nginx says behind a message: it escapes nothing, and its own facts are the last before the referrer.

    Where the referrer may hold facts, and a path or a name in quotes before them may hold a referrer, only what both
    readings have in common counts.
    """
    own, _, sent = message.partition(', referrer: "')
    found = _NGINX_FACT.findall(own)
    told = {name: quoted or bare for name, quoted, bare in found}
    if ", client: " in sent and '"' in own.partition(", client: ")[0]:
        found += _NGINX_FACT.findall(sent)
        told = {
            name: value for name, value in told.items() if {q or b for one, q, b in found if one == name} == {value}
        }
    return told


def access_reader() -> Stateless:
    """Return a reader of access logs."""
    return Stateless("access log (nginx, Apache)", _parse)


def error_reader() -> Stateless:
    """Return a reader of error logs."""
    return Stateless("error log (nginx, Apache)", _error)


_NGINX: Final[FieldMap] = {
    "c-ip": ("remote_addr", "client_ip", "http_x_forwarded_for"),
    "cs-method": ("request_method", "method"),
    "cs-host": ("http_host", "host", "server_name"),
    "cs-user-agent": ("http_user_agent", "user_agent"),
    "cs-referer": "http_referer",
    "cs-username": "remote_user",
    "sc-status": "status",
}
_ENVOY: Final[FieldMap] = {
    "c-ip": ("x_forwarded_for", "downstream_remote_address"),
    "cs-method": "method",
    "cs-host": "authority",
    "cs-user-agent": "user_agent",
    "sc-status": "response_code",
}


def _is_nginx(fields: Fields) -> bool:
    return "remote_addr" in fields and "status" in fields and ("request" in fields or "request_uri" in fields)


def _nginx(fields: Fields) -> LogSource:
    line = fields.get("request")
    found = request(str(line)) if line is not None else split_url(str(fields["request_uri"]))
    fields.update({name: value for name, value in found.items() if name not in fields})
    fill(fields, _NGINX)
    _numeric(fields)
    return WEB


def _is_envoy(fields: Fields) -> bool:
    return "response_code" in fields and "authority" in fields and "path" in fields and "start_time" in fields


def _envoy(fields: Fields) -> LogSource:
    fill(fields, _ENVOY)
    # Of several addresses the last is the one that the proxy saw; behind it stands the port of its own connection.
    address = str(fields.get("c-ip", "")).rsplit(",", 1)[-1].strip()
    if address:
        fields["c-ip"] = address.rsplit(":", 1)[0] if address.count(":") == 1 else address
    fields.update({name: value for name, value in split_url(str(fields.pop("path"))).items() if name not in fields})
    _numeric(fields)
    return WEB


def _numeric(fields: Fields) -> None:
    if (status := whole(fields.get("sc-status"))) is not None:
        fields["sc-status"] = status


JSON_FORMATS: Final = (
    ObjectFormat(
        "nginx access log (JSON)",
        _is_nginx,
        _nginx,
        ("time_iso8601", "@timestamp", "time_local", "msec", "timestamp", "time"),
    ),
    ObjectFormat("Envoy access log (JSON)", _is_envoy, _envoy, ("start_time",)),
)
