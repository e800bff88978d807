"""Zeek logs: tab-separated with their header (`#fields`, `#path`), or JSON (`LogAscii::use_json=T`).

As in "Zeek Log Formats" and "Log Files" of the Zeek manual.
"""

from typing import Final

from caponier.telemetry.framing import stamps
from caponier.telemetry.security_logs.fields import Fields, Scalar
from caponier.telemetry.security_logs.native.record import (
    FAILURE,
    SUCCESS,
    FieldMap,
    ObjectFormat,
    Record,
    fill,
    split_url,
    whole,
)
from caponier.telemetry.security_logs.sources import LogSource

_SIGNS: Final = (
    ("conn_state", "conn"),
    ("method", "http"),
    ("qtype_name", "dns"),
    ("query", "dns"),
    ("auth_success", "ssh"),
    ("server_name", "ssl"),
    ("certificate.serial", "x509"),
    ("operation", "dce_rpc"),
    ("request_type", "kerberos"),
    ("note", "notice"),
    ("cookie", "rdp"),
    ("share_type", "smb_mapping"),
    ("fuid", "files"),
)
"""Fields that tell a log whose records do not name it."""

_FLOW: Final = {"src_ip": "id.orig_h", "src_port": "id.orig_p", "dst_ip": "id.resp_h", "dst_port": "id.resp_p"}
_HTTP: Final[FieldMap] = {
    "c-ip": "id.orig_h",
    "cs-host": "host",
    "cs-method": "method",
    "cs-user-agent": "user_agent",
    "cs-referer": "referrer",
    "sc-status": "status_code",
    "c-useragent": "user_agent",
    "c-uri": "uri",
}
_ESTABLISHED: Final = frozenset(["S1", "S2", "S3", "SF", "RSTO", "RSTR"])
_REFUSED: Final = frozenset(["S0", "REJ", "RSTOS0", "RSTRH", "SH", "SHR"])
_NUMBERS: Final = frozenset(["port", "count", "int"])
_REALS: Final = frozenset(["double", "time", "interval"])


def complete(fields: Fields) -> LogSource:
    """Fill in what rules ask of a record of Zeek."""
    path = str(fields.get("_path", ""))
    path = path or next((path for sign, path in _SIGNS if sign in fields), "")
    fill(fields, _FLOW)
    if path == "http":
        # The field `host` is the server's name here, and no host of ours.
        fill(fields, _HTTP)
        fields.update(split_url(str(fields.get("uri", ""))))
        return LogSource("zeek", "webserver", "http")
    if path == "conn":
        state = fields.get("conn_state")
        if state in _ESTABLISHED or state in _REFUSED:
            fields.setdefault("action", "accept" if state in _ESTABLISHED else "deny")
        return LogSource("zeek", "firewall", "conn")
    if path == "ssh" and "auth_success" in fields:
        good = str(fields["auth_success"]).lower() in ("true", "t")
        fields.setdefault("outcome", SUCCESS if good else FAILURE)
        fill(fields, {"dst_host": "id.resp_h", "src_country": "remote_location.country_code"})
        return LogSource("zeek", "authentication", "ssh")
    if path == "dns":
        return LogSource("zeek", "dns", "dns")
    return LogSource("zeek", None, path or None)


def _fits(fields: Fields) -> bool:
    return "ts" in fields and ("id.orig_h" in fields or "_path" in fields or ("uid" in fields and "fuid" in fields))


FORMAT: Final = ObjectFormat("Zeek (JSON)", _fits, complete, ("ts",))


class ZeekReader:
    """Reads a tab-separated log by the header that stands before it."""

    name = "Zeek"

    def __init__(self) -> None:
        self._names: list[str] = []
        self._types: list[str] = []
        self._path, self._set, self._empty, self._unset = "", ",", "(empty)", "-"

    def read(self, text: str, line: int) -> list[Record] | None:
        """Return the record of a line; a line of the header has none."""
        if text.startswith("#"):
            return [] if self._header(text) else None
        cells = text.split("\t")
        if not self._names or len(cells) != len(self._names):
            return None
        fields: Fields = {"_path": self._path}
        for name, kind, cell in zip(self._names, self._types, cells, strict=True):
            if cell not in (self._unset, self._empty, ""):
                fields[name.lower()] = self._value(kind, cell)
        return [Record(fields, complete(fields), self._time(fields), line, self.name)]

    def rest(self) -> list[Record]:
        """Return nothing: no record is ever waiting."""
        return []

    def _time(self, fields: Fields) -> int | None:
        return stamps.any_time(fields["ts"]) if "ts" in fields else None

    def _header(self, text: str) -> bool:
        name, _, rest = text[1:].partition("\t")
        if name == "fields":
            self._names = rest.split("\t")
            self._types = [""] * len(self._names)
        elif name == "types":
            types = rest.split("\t")
            self._types = types if len(types) == len(self._names) else self._types
        elif name == "path":
            self._path = rest
        elif name == "empty_field":
            self._empty = rest
        elif name == "unset_field":
            self._unset = rest
        elif name == "set_separator":
            self._set = rest or self._set
        elif name not in ("open", "close") and not name.startswith("separator "):
            return False
        return True

    def _value(self, kind: str, cell: str) -> Scalar:
        if kind in _NUMBERS and (number := whole(cell)) is not None:
            return number
        if kind in _REALS:
            try:
                return float(cell)
            except ValueError:
                return cell
        return cell.replace(self._set, ", ") if kind.startswith(("set[", "vector[")) else cell
