"""Connections as firewalls write them: netfilter, Cisco ASA, Palo Alto, Fortinet; and CEF and LEEF of whatever product.

As in the kernel's `xt_LOG`, Cisco's "Syslog messages" (106023, 302013, 302015), Palo Alto's "Traffic log
fields", Fortinet's "FortiOS log message reference", ArcSight's "Common Event Format" and QRadar's LEEF.
"""

import csv
import re
from datetime import UTC, datetime
from typing import Final

from caponier.telemetry.framing import stamps
from caponier.telemetry.security_logs.fields import FIELDS, Fields, TooLargeError
from caponier.telemetry.security_logs.native.network.forms import Doubted
from caponier.telemetry.security_logs.native.record import (
    FAILURE,
    SUCCESS,
    FieldMap,
    Parsed,
    Stateless,
    fill,
    made,
    whole,
)
from caponier.telemetry.security_logs.sources import LogSource

_KERNEL: Final = re.compile(r"(?:\[ *[\d.]+\] ?)?(.{0,64}?)\s?IN=(\S*) OUT=(\S*) .*?SRC=(\S+) DST=(\S+) (.*)")
_PORTS: Final = re.compile(r"PROTO=(\S+)(?: SPT=(\d+) DPT=(\d+))?")
_DENIED: Final = re.compile(r"(?i)block|drop|reject|deny|denied")
_PASSED: Final = re.compile(r"(?i)allow|accept|pass|permit")
_PALO: Final = re.compile(r"(?:.{0,80} )?\d+,(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d),[^,]*,TRAFFIC,(start|end|drop|deny),(.*)")
_PAIR: Final = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*+)"|(\S*))')
_HEADED: Final = re.compile(r"<\d{1,3}>")
_TAGGED: Final = re.compile(
    r"(?:<\d{1,3}>)?(?:1 \d{4}-\d\d-\d\dT\S{8,32} \S{1,255} |[\w.\-]{1,64}(?:\[\d{1,10}\])?: ?)?(?=CEF:\d|LEEF:\d)"
)
"""A header or the name of a program alone before CEF and LEEF, which are told by themselves."""
_CISCO: Final = re.compile(r"%(?:ASA|FTD|PIX)-(?:\w+-)?\d-(\d{6}): (.*)", re.DOTALL)
_ENDS: Final = r"[\w.\-]+:([0-9a-fA-F.:]+)/(\d+)"
_BUILT: Final = re.compile(rf"Built (inbound|outbound) \w+ connection \d+ for {_ENDS}.*? to {_ENDS}.*")
_TO: Final = re.compile(rf" to {_ENDS}")
_DENY: Final = re.compile(rf"Deny \w+ src {_ENDS}.*? dst {_ENDS}.*")
_EXTENSION: Final = re.compile(r"(?:^|\s)([\w.\-\[\]]{1,64})=")
_YEARLESS: Final = re.compile(r"([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?: UTC)?")
_SPLIT: Final = re.compile(r"((?:[^|\\]|\\.)*+)(?:\||\\?$)", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\([\\|=])")

_CEF_HEAD: Final = ("devicevendor", "deviceproduct", "deviceversion", "signatureid", "name", "severity")
_CEF_NAMES: Final[FieldMap] = {
    "user": ("suser", "duser", "usrname", "username"),
    "src_ip": ("src", "sourceaddress"),
    "dst_ip": ("dst", "destinationaddress"),
    "dst_port": ("dpt", "dstport"),
    "dst_host": "dhost",
    "host": ("dvchost", "devname", "identhostname"),
    "cs-method": "requestmethod",
    "cs-user-agent": "requestclientapplication",
}
_GOOD: Final = frozenset(["success", "succeeded", "allow", "allowed", "accept", "accepted", "permit", "permitted"])
_BAD: Final = frozenset(["failure", "failed", "deny", "denied", "drop", "dropped", "block", "blocked", "reject"])


def netfilter(message: str, fields: Fields) -> LogSource | None:
    """Read what the kernel logs of a packet, and fill its fields in; None if it is something else."""
    found = _KERNEL.fullmatch(message)
    ports = _PORTS.search(found[6]) if found else None
    if found is None or ports is None:
        return None
    prefix, came, _, source, target, _ = found.groups()
    fields |= made({"src_ip": source, "dst_ip": target, "proto": ports[1], "interface": came, "prefix": prefix})
    for name, port in (("src_port", ports[2]), ("dst_port", ports[3])):
        if port:
            fields[name] = int(port)
    # Only the prefix, the administrator's own word, says what became of a packet: a rule may log before it is decided.
    if _DENIED.search(prefix):
        fields["action"] = "deny"
    elif _PASSED.search(prefix):
        fields["action"] = "accept"
    return LogSource("linux", "firewall", "netfilter")


def cisco(message: str, fields: Fields) -> LogSource | None:
    """Read a message of Cisco's firewalls; None if it is of something else."""
    found = _CISCO.fullmatch(message)
    if found is None:
        return None
    number, text = found.groups()
    fields["message_id"] = number
    if (built := _BUILT.fullmatch(text)) and len({*_TO.findall(text)}) < 2:
        direction, near, _, far, port = built.groups()
        # `for` names the side of the lower security level, `to` the other one, whoever began.
        source, target = (near, far) if direction == "inbound" else (far, near)
        fields |= {"src_ip": source, "dst_ip": target, "action": "accept"}
        fields["dst_port"] = int(port if direction == "inbound" else built[3])
        return LogSource("cisco", "firewall", "asa")
    if denied := _DENY.fullmatch(text):
        fields |= {"src_ip": denied[1], "dst_ip": denied[3], "dst_port": int(denied[4]), "action": "deny"}
        return LogSource("cisco", "firewall", "asa")
    return LogSource("cisco", None, "asa")


def _palo(text: str) -> Parsed:
    found = _PALO.fullmatch(text)
    if found is None:
        return None
    stamp, subtype, rest = found.groups()
    try:
        cells = next(csv.reader([rest]), [])
    except csv.Error:
        return None
    if len(cells) < 26 or (port := whole(cells[20])) is None:
        return None
    fields = made({"src_ip": cells[2], "dst_ip": cells[3], "rule": cells[6], "user": cells[7], "app": cells[9]})
    fields |= {"dst_port": port, "subtype": subtype, "action": "accept" if cells[25] == "allow" else "deny"}
    return fields, LogSource("paloalto", "firewall", "traffic"), stamps.iso(stamp.replace("/", "-"))


def _fortinet(text: str) -> Parsed:
    plain = _HEADED.sub("", text, count=1)
    if not plain.startswith("date=") or " logid=" not in plain:
        return None
    said = dict[str, str]()
    for pair in _PAIR.finditer(plain):
        # The first counts: what stands further back may be what a stranger sent.
        said.setdefault(pair[1].lower(), pair[3] if pair[2] is None else pair[2])
    try:
        seen = said.get("eventtime")
        time = stamps.any_time(seen) if seen else stamps.iso(f"{said['date']}T{said['time']}Z")
    except (KeyError, ValueError):
        return None
    fields = made(_bounded(said))
    fill(fields, {"src_ip": ("srcip", "remip"), "dst_ip": "dstip", "dst_port": "dstport", "host": "devname"})
    if (port := whole(fields.get("dst_port"))) is not None:
        fields["dst_port"] = port
    kind, action = said.get("type", ""), said.get("action", "")
    if kind == "traffic":
        fields["action"] = "deny" if action in ("deny", "blocked", "ip-conn") else "accept"
        return fields, LogSource("fortinet", "firewall", "traffic"), time
    login = action in ("login", "ssl-login-fail", "tunnel-up")
    if login:
        fields["outcome"] = FAILURE if said.get("status") == "failed" or action.endswith("fail") else SUCCESS
    return fields, LogSource("fortinet", "authentication" if login else None, kind or None), time


def _cef(text: str) -> Parsed:
    headed = _TAGGED.match(text)
    if headed is None:
        return None
    plain = text[headed.end() :]
    if plain[:4] == "CEF:":
        parts = _parts(plain, 7)
        return _event(parts, _CEF_HEAD, _extension(parts[7])) if len(parts) == 8 else None
    if plain[:5] == "LEEF:":
        parts = _parts(plain, 6 if plain[5:6] == "2" else 5)
        if len(parts) < 6:
            return None
        between = _between(parts[5]) if len(parts) == 7 else "\t"
        said = dict[str, str]()
        for pair in parts[-1].split(between):
            name, _, value = pair.partition("=")
            said.setdefault(name.strip().lower(), value)
        said.pop("", None)
        return _event(parts, _CEF_HEAD[:4], said)
    return None


def _parts(text: str, most: int) -> list[str]:
    """Split a header at its bars; before one a backslash escapes it, unless that is escaped itself."""
    parts, at = list[str](), 0
    while len(parts) < most and (found := _SPLIT.match(text, at)) and found.end() < len(text):
        parts.append(found[1])
        at = found.end()
    return [*parts, text[at:]]


def _between(said: str) -> str:
    """Return the delimiter that LEEF 2.0 names: a letter, or its number in hexadecimal."""
    try:
        return chr(int(said.lower().removeprefix("0").removeprefix("x"), 16)) if len(said) > 1 else said or "\t"
    except (ValueError, OverflowError):
        return "\t"


def _extension(text: str) -> dict[str, str]:
    """Return names and values of a CEF extension; a value goes on to the next name, blanks and all."""
    names = list(_EXTENSION.finditer(text))
    ends = [one.start() for one in names[1:]] + [len(text)]
    told = Doubted()
    for one, end in zip(names, ends, strict=True):
        told.say(one[1].lower(), _ESCAPED.sub(r"\1", text[one.end() : end]).strip())
    said = told.agreed()
    # `cs1=… cs1Label=policy` is one field under a name of the product's.
    for name in [name for name in said if f"{name}label" in said]:
        said.setdefault(said[f"{name}label"].lower().replace(" ", ""), said[name])
    return said


def _bounded(said: dict[str, str]) -> dict[str, str]:
    """Return names and values, if there are no more than a row of JSON may have.

    Raises:
        TooLargeError: If there are.
    """
    if len(said) > FIELDS:
        raise TooLargeError(f"too many fields: more than {FIELDS:,}")
    return said


def _event(parts: list[str], names: tuple[str, ...], said: dict[str, str]) -> Parsed:
    head = {name: _ESCAPED.sub(r"\1", value) for name, value in zip(names, parts[1:], strict=False)}
    fields = made({**head, **_bounded(said)})
    fill(fields, _CEF_NAMES)
    for name in ("dst_port", "src_port"):
        if (port := whole(fields.get(name))) is not None:
            fields[name] = port
    acted = str(fields.get("act", fields.get("outcome", fields.get("action", "")))).lower()
    fields.pop("outcome", None)
    if acted in _GOOD | _BAD:
        fields["outcome"] = SUCCESS if acted in _GOOD else FAILURE
        fields["action"] = "accept" if acted in _GOOD else "deny"
    product = str(head.get("devicevendor", "")).strip().lower() or None
    category = "firewall" if "dst_ip" in fields and "dst_port" in fields else None
    return fields, LogSource(product, category, str(head.get("deviceproduct", "")).strip().lower() or None), _time(said)


def _time(said: dict[str, str]) -> int | None:
    for name in ("rt", "end", "start", "devtime"):
        if name in said:
            try:
                return _moment(said[name])
            except (ValueError, OverflowError):
                continue
    return None


def _moment(text: str) -> int:
    """Read a time of CEF, which may leave the year out."""
    if yearless := _YEARLESS.fullmatch(text):
        month, day, clock = yearless.groups()
        return stamps.without_year(month, day, clock, datetime.now(UTC))
    return stamps.any_time(text)


def readers() -> list[Stateless]:
    """Return readers of such lines."""
    return [
        Stateless("CEF or LEEF", _cef),
        Stateless("FortiGate log", _fortinet),
        Stateless("PAN-OS traffic log", _palo),
    ]
