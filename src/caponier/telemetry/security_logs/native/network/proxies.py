"""Requests and connections as proxies and small servers write them.

Envoy's default line and Istio's ("Access logging" of both), HAProxy's ("Log formats" of its management guide), Squid's
native one, gin's logger, on which Ollama runs, and AWS's classic and network load balancers.
"""

import re
from datetime import UTC, datetime
from typing import Final

from caponier.telemetry.framing import stamps
from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.access_log import WEB, request
from caponier.telemetry.security_logs.native.record import Parsed, Stateless, made, split_url, whole
from caponier.telemetry.security_logs.sources import LogSource

_ENVOY: Final = re.compile(
    r'\[(\d{4}-\d\d-\d\dT[^\]\s]{8,30})\] "([A-Z]{1,20} \S+ HTTP/[\d.]{1,5}|(?:[^"\\]|\\.)*+)" (\d{3}) (\S+)'
    r'((?: \S+ \S+ "[^"]*")?(?: (?:\d+|-)){3,4}) (.*)'
)
_HAPROXY: Final = re.compile(
    r"(\S+):(\d+) \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\.\d{1,6})\] (\S+) (\S+)/(\S+) [\d/+-]+ "
    r'(?:(\d{3}|-1) )?\+?(\d+) (.{4,400}?)(?: "((?:[^"\\]|\\.)*+)"?)?'
)
_SQUID: Final = re.compile(
    r"(\d{9,11}\.\d{3}) +-?\d+ (\S+) ([A-Z_]+)/(\d{3}) (\d+) ([A-Z_]+) (\S+) (\S+) [A-Z_]+/(\S+) \S+(?: .*)?"
)
_GIN: Final = re.compile(
    r"\[GIN\] (\d{4}/\d\d/\d\d) - (\d\d:\d\d:\d\d) \| *(\d{3}) *\|[^|]*\| *(\S+) *\| *([A-Z]+) +"
    r"\"((?:[^\"\\]|\\.)*+)\".*",
    re.DOTALL,
)
_COLOUR: Final = re.compile(r"\x1b\[[\d;]*m")
_CLASSIC: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\S+Z) (\S+) (\S+):(\d+) (\S+) -?[\d.]+ -?[\d.]+ -?[\d.]+ (\d{3}|-) (\d{3}|-) \d+ (\d+) "
    r'"([^"]*)" "([^"]*)" \S+ \S+'
)
_NETWORK: Final = re.compile(r"tls \d\.\d (\d{4}-\d\d-\d\dT\S+) (net/\S+) \S+ (\S+):(\d+) (\S+):(\d+) .*")
_VLLM: Final = re.compile(
    r"(?:\([^)]{1,60}\) )?(DEBUG|INFO|WARNING|ERROR|CRITICAL) (\d\d)-(\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? "
    r"(\[?\S+:\d+\]) (.*)",
    re.DOTALL,
)
_MONTHS: Final = {number: name for name, number in stamps.MONTHS.items()}


def _envoy(text: str) -> Parsed:
    found = _ENVOY.fullmatch(text)
    if found is None:
        return None
    stamp, line, status, flags, counts, rest = found.groups()
    begin, end = rest.find('"'), rest.rfind('"')
    quoted = rest[begin + 1 : end].split('" "')
    if len(quoted) < 5:
        return None
    forwarded, *agents, asked, authority, upstream = quoted
    agent = '" "'.join(agents)
    # Behind the quoted ones Istio has the addresses of the connection itself: the fourth is where it came from.
    tail = rest[end + 1 :].split()
    # Envoy escapes no quotes: whoever sends some in a header moves the fields, and then no header tells the address.
    address = forwarded.rsplit(",", 1)[-1].strip() if len(quoted) == 5 else "-"
    if address in ("", "-") and len(tail) > 3:
        address = tail[3].rsplit(":", 1)[0].strip("[]")
    fields = {
        **made({"c-ip": address, "cs-host": authority.rsplit(":", 1)[0] if authority.count(":") == 1 else authority}),
        **made({"cs-user-agent": agent, "request_id": asked, "dst_ip": upstream.rsplit(":", 1)[0].strip("[]")}),
        **made({"response_flags": flags, "details": counts.strip()}),
        **request(line),
        "sc-status": int(status),
    }
    return fields, WEB, stamps.iso(stamp)


def _haproxy(text: str) -> Parsed:
    found = _HAPROXY.fullmatch(text)
    if found is None:
        return None
    address, port, stamp, front, back, server, status, sent, between, line = found.groups()
    try:
        day, clock = stamp.rsplit(".", 1)
        time = stamps.access_log(day) + int((clock + "000000")[:6])
    except ValueError:
        return None
    fields = made({"frontend": front, "backend": back, "server": server, "sc-bytes": whole(sent)})
    if line is None or status in (None, "-1"):
        if server != "<NOSRV>":
            fields["action"] = "accept"
        return {**fields, "src_ip": address, "src_port": int(port)}, LogSource("haproxy", "firewall", "tcp"), time
    asked = request(line)
    if "cs-host" not in asked and (host := _captured(between)):
        asked["cs-host"] = host
    return {**fields, "c-ip": address, **asked, "sc-status": int(status)}, WEB, time


def _captured(between: str) -> str | None:
    """Return the host among the headers that HAProxy was told to capture: the first value like one."""
    found = _CAPTURED.search(between)
    return next((one for one in found[1].split("|") if _HOST.fullmatch(one)), None) if found else None


_CAPTURED: Final = re.compile(r"\{([^}]{1,400})\}")
_HOST: Final = re.compile(r"(?=.{4,253}$)(?:[a-zA-Z0-9\-]{1,63}\.)+[a-zA-Z]{2,63}(?::\d{1,5})?")


def _squid(text: str) -> Parsed:
    found = _SQUID.fullmatch(text)
    if found is None:
        return None
    stamp, address, result, status, sent, method, target, user, _ = found.groups()
    fields = made({"src_ip": address, "c-ip": address, "user": user, "cs-username": user, "action": result.lower()})
    fields |= {"cs-method": method, "c-uri": target, "sc-status": int(status), "sc-bytes": int(sent)}
    return fields | split_url(target), LogSource("squid", "proxy", "squid"), stamps.any_time(stamp)


def _gin(text: str) -> Parsed:
    found = _GIN.fullmatch(_COLOUR.sub("", text) if "\x1b" in text else text)
    if found is None:
        return None
    day, clock, status, address, method, target = found.groups()
    fields = {**made({"c-ip": address}), **request(f"{method} {target}"), "sc-status": int(status)}
    return fields, LogSource("gin", "webserver", "server"), stamps.iso(f"{day.replace('/', '-')}T{clock}Z")


def _balancers(text: str) -> Parsed:
    if found := _CLASSIC.fullmatch(text):
        stamp, name, address, _, target, status, _, sent, line, agent = found.groups()
        if (code := whole(status)) is None:
            return _connection(address, target.rsplit(":", 1)[0], None, name), CONNECTIONS, stamps.iso(stamp)
        fields = {**made({"c-ip": address, "cs-user-agent": agent, "load_balancer": name}), **request(line.strip())}
        fields |= {"sc-status": code, "sc-bytes": int(sent), "dst_ip": target.rsplit(":", 1)[0]}
        fields["cs-host"] = str(fields.get("cs-host", "")).rsplit(":", 1)[0] or name
        return fields, LogSource("aws", "webserver", "elb"), stamps.iso(stamp)
    if found := _NETWORK.fullmatch(text):
        stamp, name, address, _, target, port = found.groups()
        return _connection(address, target, int(port), name), CONNECTIONS, stamps.iso(stamp)
    return None


CONNECTIONS: Final = LogSource("aws", "firewall", "elb")


def _connection(address: str, target: str, port: int | None, balancer: str) -> Fields:
    return made({"src_ip": address, "dst_ip": target, "dst_port": port, "action": "accept", "load_balancer": balancer})


def _vllm(text: str) -> Parsed:
    found = _VLLM.fullmatch(text)
    if found is None:
        return None
    level, month, day, clock, place, message = found.groups()
    try:
        time = stamps.without_year(_MONTHS[int(month)], day, clock, datetime.now(UTC))
    except (ValueError, KeyError):
        return None
    return made({"level": level, "logger": place, "message": message}), LogSource("vllm", None, "server"), time


def readers() -> list[Stateless]:
    """Return readers of such lines."""
    return [
        Stateless("Envoy access log", _envoy),
        Stateless("HAProxy log", _haproxy),
        Stateless("Squid access log", _squid),
        Stateless("gin server log (Ollama)", _gin),
        Stateless("load balancer access log (AWS, classic and network)", _balancers),
        Stateless("vLLM server log", _vllm),
    ]
