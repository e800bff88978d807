"""Linux audit records as auditd writes them, raw or enriched.

With `log_format = ENRICHED` names in capitals follow an ASCII group separator. The fields are those of the Linux Audit
Project's "message dictionary".

Several records are one event when they carry the same `msg=audit(TIME:SERIAL)`. Each record stays an event of its own,
as Sigma's rules for auditd ask for one record, and gets what the system call's record says of who did it.
"""

import re
from collections import OrderedDict
from typing import Final

from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.record import FAILURE, SUCCESS, Record, made
from caponier.telemetry.security_logs.shapes import Present
from caponier.telemetry.security_logs.sources import LogSource

OPEN: Final = 64
"""Events whose records are waited for at a time; records of several processors interleave."""
MOST: Final = 512
"""Records of one event."""

_LINE: Final = re.compile(r"(?:node=(\S+) )?type=(\S+) msg=audit\((\d+)(?:\.(\d+))?:(\d+)\): ?(.*)", re.DOTALL)
# Only at the beginning of a word, or a long one would be looked at again from each of its letters.
_PAIR: Final = re.compile(r"(?<![A-Za-z0-9_\-\[\]])([A-Za-z0-9_\-\[\]]+)=(\"[^\"]*+\"|'[^']*+'|\S*+)")
_SAID: Final = re.compile(r"([^\"']*?)\bmsg='(.*)'\s*")
"""The message of a program, behind what the kernel says of it."""
_HEX: Final = re.compile(r"(?:[0-9A-F]{2}){2,}")
_ARGUMENT: Final = re.compile(r"a\d+(?:\[\d+\])?")
_CODED: Final = frozenset(["proctitle", "name", "cwd", "comm", "exe", "cmd", "acct", "path", "data"])
_SHARED: Final = ("syscall", "exe", "comm", "auid", "uid", "euid", "tty", "ses", "pid", "ppid", "success", "key", "cwd")
_LOGINS: Final = frozenset(["USER_LOGIN", "USER_AUTH"])
_QUOTES: Final = ('"', "'")
_UNSET: Final = frozenset(["4294967295", "-1", "unset", "?", "(none)"])
_WORDS: Final = Present([f"a{number}" for number in range(MOST)])
_WHO: Final = Present(_SHARED, lambda name: name.endswith("_name"))
_OTHER: Final = LogSource("linux", None, "auditd")

_Event = list[tuple[int, Fields, int]]
"""Time, fields and line of each of its records."""


class AuditReader:
    """Puts the records of an event together."""

    name = "Linux audit (auditd)"

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, _Event] = OrderedDict()

    def read(self, text: str, line: int) -> list[Record] | None:
        """Take a record; return the events that are complete."""
        found = _LINE.fullmatch(text)
        if found is None:
            return None
        node, kind, seconds, part, serial, rest = found.groups()
        time = int(seconds) * 1_000_000 + int(((part or "") + "000000")[:6])
        fields = _pairs(rest)
        fields["type"] = kind
        if node:
            fields["host"] = node
        key = f"{seconds}.{part}:{serial}"
        event = self._waiting.setdefault(key, [])
        event.append((time, fields, line))
        done: list[Record] = []
        if kind == "EOE" or len(event) >= MOST:
            done += _together(self._waiting.pop(key))
        while len(self._waiting) > OPEN:
            done += _together(self._waiting.popitem(last=False)[1])
        return done

    def rest(self) -> list[Record]:
        """Return the events that were still waiting."""
        waiting, self._waiting = self._waiting, OrderedDict()
        return [record for event in waiting.values() for record in _together(event)]


def _pairs(text: str) -> Fields:
    """Read `name=value`; what stands in the message of a program (`msg='…'`) is read, too."""
    raw, _, names = text.partition("\x1d")
    fields: Fields = {}
    if (said := _SAID.fullmatch(raw)) is not None:
        # A host may be called so that it shuts the quotes; what a program said goes on to the last one.
        fields = {inner.lower(): _plain(inner.lower(), value) for inner, value in reversed(_PAIR.findall(said[2]))}
        raw = said[1]
    for name, value in _PAIR.findall(raw):
        lowered = name.lower()
        if lowered not in fields:
            fields[lowered] = _plain(lowered, value)
    # The enriched names stand beside the numbers: UID="ada" beside uid=1000.
    for name, value in _PAIR.findall(names):
        if value.strip('"') not in _UNSET:
            fields[f"{name.lower()}_name"] = value.strip('"')
    return made(fields)


def _plain(name: str, value: str) -> str:
    if value[:1] in _QUOTES and value[-1:] == value[:1] and len(value) > 1:
        return value[1:-1]
    # What holds a blank, a quote or a control character is written as hexadecimal digits; numbers are not.
    coded = name in _CODED or (name[:1] == "a" and _ARGUMENT.fullmatch(name))
    if coded and (name in _CODED or not value.isdigit()) and _HEX.fullmatch(value):
        return bytes.fromhex(value).replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return value


def _together(event: _Event) -> list[Record]:
    shared: Fields = {}
    for _, fields, _ in event:
        if fields["type"] in ("SYSCALL", "CWD"):
            for names in _WHO.of(fields):
                shared |= {name: fields[name] for name in names}
    records = []
    for time, fields, line in event:
        if fields["type"] in ("EOE", "PROCTITLE") and len(event) > 1:
            continue
        for name, value in shared.items():
            if name not in fields:
                fields[name] = value
        records.append(Record(fields, _completed(fields), time, line, AuditReader.name))
    return records


def _completed(fields: Fields) -> LogSource:
    kind = str(fields["type"])
    user = next((fields[name] for name in ("acct", "auid_name", "uid_name") if name in fields), None)
    for name in ("auid", "uid", "id"):
        user = user if user is not None else fields.get(name) if str(fields.get(name)) not in _UNSET else None
    if user is not None:
        fields.setdefault("user", user)
    if "host" not in fields and str(fields.get("hostname", "?")) in _UNSET:
        fields.pop("hostname", None)
    if kind == "EXECVE":
        return _execution(fields)
    if kind == "PATH" and fields.get("nametype") in ("CREATE", "DELETE"):
        fields.update(made({"targetfilename": fields.get("name"), "image": fields.get("exe")}))
        category = "file_event" if fields["nametype"] == "CREATE" else "file_delete"
        return LogSource("linux", category, "auditd")
    if kind in _LOGINS:
        # The host that PAM names is the one that the user came from.
        address = fields.get("addr")
        if address is not None and str(address) not in _UNSET:
            fields["src_ip"] = address
        fields.pop("hostname", None)
        fields["outcome"] = SUCCESS if fields.get("res") in ("success", "1", 1) else FAILURE
        return LogSource("linux", "authentication", "auditd")
    return _OTHER


def _execution(fields: Fields) -> LogSource:
    words = [str(fields[name]) for name in _WORDS.of(fields)[0]]
    fields.update(made({"commandline": " ".join(words), "image": fields.get("exe") or (words[0] if words else None)}))
    if "cwd" in fields:
        fields["currentdirectory"] = fields["cwd"]
    return LogSource("linux", "process_creation", "auditd")
