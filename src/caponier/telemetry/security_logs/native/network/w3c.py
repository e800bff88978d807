"""Logs in the W3C extended format: IIS, CloudFront, and the firewall of Windows.

As in the W3C's "Extended Log File Format" (working draft), Microsoft's "IIS log file formats", the CloudFront developer
guide's "Standard logs", and what `pfirewall.log` says of itself.
"""

import re
from typing import Final

from caponier.telemetry.framing import stamps
from caponier.telemetry.security_logs.fields import FIELDS, Fields
from caponier.telemetry.security_logs.native.record import Record, made, split_url, whole
from caponier.telemetry.security_logs.sources import LogSource

_DIRECTIVE: Final = re.compile(
    r"#(Version|Software|Date|Start-Date|End-Date|Remark|Time Format|Fields):[ \t]*(.*)", re.DOTALL
)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_CLOCK: Final = re.compile(r"\d\d:\d\d:\d\d(?:\.\d{1,9})?")
_NAMES: Final = {
    "cs(user-agent)": "cs-user-agent",
    "cs(referer)": "cs-referer",
    "cs(cookie)": "cs-cookie",
    "cs(host)": "cs-host",
    "x-host-header": "cs-host",
    "s-computername": "host",
    "src-ip": "src_ip",
    "dst-ip": "dst_ip",
    "src-port": "src_port",
    "dst-port": "dst_port",
}
_PLUS: Final = frozenset(["cs-user-agent", "cs-referer", "cs-cookie"])
"""In these IIS writes a blank as `+`, since a blank ends a field."""
_ACTIONS: Final = {"ALLOW": "accept", "DROP": "deny"}
IIS: Final = LogSource("windows", "webserver", "iis")
CLOUDFRONT: Final = LogSource("aws", "webserver", "cloudfront")
FIREWALL: Final = LogSource("windows", "firewall", "firewall")


class W3CReader:
    """Reads records by the names that the directive `#Fields` gave."""

    name = "W3C extended log (IIS, CloudFront, Windows firewall)"

    def __init__(self) -> None:
        self._columns: tuple[str, ...] = ()
        self._day: str | None = None
        """Of records that hold only the time of day."""

    def read(self, text: str, line: int) -> list[Record] | None:
        """Return the record of a line; a directive has none."""
        if text[:1] == "#":
            return [] if self._directive(text) else None
        if not self._columns:
            return None
        # A tab may stand in what somebody sent, too.
        ways = (text.split(sign) for sign in ("\t", " ", None))
        cells = next((cells for cells in ways if len(cells) == len(self._columns)), [])
        if len(cells) != len(self._columns):
            return None
        said = made(dict(zip(self._columns, cells, strict=True)))
        time = self._time(said)
        return None if time is None else [Record(*self._complete(said), time, line, self.name)]

    def rest(self) -> list[Record]:
        """Return nothing: no record is ever waiting."""
        return []

    def _directive(self, text: str) -> bool:
        found = _DIRECTIVE.fullmatch(text)
        if found is None:
            return False
        name, rest = found.groups()
        if name == "Fields":
            self._columns = tuple(_NAMES.get(word, word) for word in rest.lower().split(None, FIELDS))
        elif name in ("Date", "Start-Date") and (day := _DAY.match(rest)):
            self._day = day[0]
        return True

    def _time(self, said: Fields) -> int | None:
        day, clock = str(said.get("date", self._day)), str(said.get("time", ""))
        if not _DAY.fullmatch(day) or not _CLOCK.fullmatch(clock):
            return None
        return stamps.iso(f"{day}T{clock}Z")

    def _complete(self, said: Fields) -> tuple[Fields, LogSource]:
        for name in _PLUS & said.keys():
            said[name] = str(said[name]).replace("+", " ")
        for name in ("sc-status", "src_port", "dst_port"):
            if (number := whole(said.get(name))) is not None:
                said[name] = number
        if "cs-method" not in said:
            action = str(said.get("action", ""))
            said["action"] = _ACTIONS.get(action, action.lower())
            return said, FIREWALL
        for name, part in split_url(str(said.get("cs-uri-stem", ""))).items():
            said.setdefault(name, part)
        if "cs-username" in said:
            said["user"] = said["cs-username"]
        return said, CLOUDFRONT if "x-edge-location" in said else IIS
