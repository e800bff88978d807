"""AWS VPC flow logs, as in "Flow log records" of the Amazon VPC user guide.

The default format of version 2 and, where the file begins with their names, any other fields.
"""

import re
from typing import Final

from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.record import Record, made, whole
from caponier.telemetry.security_logs.sources import LogSource

SOURCE: Final = LogSource("aws", "firewall", "vpcflow")
DEFAULT: Final = (
    *("version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport"),
    *("protocol", "packets", "bytes", "start", "end", "action", "log-status"),
)
_DEFAULT_LINE: Final = re.compile(
    r"2 \S+ (?:eni-|-)\S* \S+ \S+ (?:\d+|-) (?:\d+|-) (?:\d+|-) (?:\d+|-) (?:\d+|-) \d{9,11} \d{9,11}"
    r" (?:ACCEPT|REJECT|-) (?:OK|NODATA|SKIPDATA)"
)
_NAME: Final = re.compile(r"\$?\{?[a-z][a-z0-9_\-]{0,39}\}?")
_END: Final = re.compile(r"-|[0-9A-Fa-f.:]{2,45}")
_FEWEST: Final = 3
_NAMES: Final = {"srcaddr": "src_ip", "dstaddr": "dst_ip", "srcport": "src_port", "dstport": "dst_port"}


class FlowReader:
    """Reads flow records; a line with the names of the fields says what the others hold."""

    name = "AWS VPC flow log"

    def __init__(self) -> None:
        self._columns: tuple[str, ...] | None = None

    def read(self, text: str, line: int) -> list[Record] | None:
        """Return the record of a line."""
        words = text.split()
        if "srcaddr" in words and "dstaddr" in words and all(map(_NAME.fullmatch, words)) and len(words) >= _FEWEST:
            self._columns = tuple(words)
            return []
        if self._columns is None:
            if not _DEFAULT_LINE.fullmatch(text.strip()):
                return None
            return [self._record(DEFAULT, words, line)]
        if len(words) != len(self._columns):
            return None
        ends = (word for name, word in zip(self._columns, words, strict=True) if name in ("srcaddr", "dstaddr"))
        return [self._record(self._columns, words, line)] if all(map(_END.fullmatch, ends)) else None

    def rest(self) -> list[Record]:
        """Return nothing: no record is ever waiting."""
        return []

    def _record(self, columns: tuple[str, ...], words: list[str], line: int) -> Record:
        said = made(dict(zip(columns, words, strict=True)))
        fields: Fields = {_NAMES.get(name, name): value for name, value in said.items()}
        for name in ("src_port", "dst_port"):
            if (port := whole(fields.get(name))) is not None:
                fields[name] = port
        if "action" in fields:
            fields["action"] = str(fields["action"]).lower()
        start = whole(fields.get("start")) or whole(fields.get("end"))
        return Record(fields, SOURCE, None if start is None else start * 1_000_000, line, self.name)
