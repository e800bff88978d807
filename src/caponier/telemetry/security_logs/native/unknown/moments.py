"""When an event happened that has its time under any name, or in front of a line of text."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from caponier.telemetry.checks import EARLIEST
from caponier.telemetry.framing import stamps
from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.network.forms import moment_of
from caponier.telemetry.security_logs.shapes import ByShape

_DONE: Final = re.compile(
    r"(?:.*[._\-@ $])?(?:(?:event|start|begin|log|gmt|utc|creat|detect|action|occur)\w{0,16})?"
    r"(?:time|date|timestamp|datetime|dttm|ts|rt|when|t)(?:_?(?:utc|gmt|iso|ms|us|ns|local|sec|seconds|unix))?"
    r"|(?:.*[._\-])?(?:created|occurr?ed|detected|generated|performed|logged|started|happened)(?:_?(?:at|on|utc))?"
)
"""Names for when something was done, in lower case."""
_TOLD: Final = re.compile(r".*(?:time|date|_at|\bts|received|modified|updated|ended|seen)(?:_?(?:utc|ms|ns))?")
"""Names for when somebody got to know of it, which is later."""
_COMING: Final = re.compile(r".*(?:expir|until|valid|birth|retention|timeout|duration|elapsed|uptime|zone|runtime)")
"""Names for another time, or for a length of time."""
_DEEP: Final = 6
_EARLIEST: Final = stamps.micros(EARLIEST)
_AHEAD: Final = timedelta(days=365)

_MONTH: Final = "[A-Z][a-z]{2}"
_CLOCK: Final = r"\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?"
_ZONE: Final = r"(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)(?![\w:]))?"
_LEADING: Final = re.compile(
    rf"(?P<iso>\d{{4}}([-/.])\d\d\2\d\d[T ,_]{{1,2}}{_CLOCK}{_ZONE})"
    rf"|(?P<access>\d\d/[A-Z][a-z]{{2}}/\d{{4}}:\d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{{4}})?)"
    rf"|(?P<spelt>(?:{_MONTH} )?{_MONTH} {{1,2}}\d{{1,2}},?(?: \d{{4}},?)? {_CLOCK}(?: \d{{4}}\b)?{_ZONE})"
    rf"|(?P<mailed>\d{{1,2}}[ -][A-Z][a-z]{{2}}[ -]\d{{4}},? {_CLOCK}{_ZONE})"
    rf"|(?P<slashed>\d{{1,2}}/\d{{1,2}}/(?:\d{{4}}|\d\d),? {_CLOCK}(?: [AP]M)?)"
    r"|(?P<epoch>(?<![\w.:-])\d{10}\.\d{3,9})\b"
)
_BEFORE: Final = 48
"""Characters that may stand before the time: how bad it is, a number of the thread, a bracket."""
_YEARLESS: Final = re.compile(rf"(?:[A-Z][a-z]{{2}} )?([A-Z][a-z]{{2}}) {{1,2}}(\d{{1,2}}),? ({_CLOCK})")


def moment_in(fields: Fields) -> int | None:
    """Return when what a record tells of was done, in microseconds since the epoch; None where no field says it.

    Args:
        fields: Flat, names in lower case.
    """
    for name in _NAMES.of(fields):
        found = moment_of(fields[name])
        if found is not None and _plausible(found):
            return found
    return None


def leading(text: str) -> tuple[int, str, str] | None:
    """Return the time that a line of text begins with, what stands before it, and what behind.

    Args:
        text: One line.

    Returns:
        Microseconds since the epoch and the two texts; None where the line begins with no time.
    """
    found = _LEADING.search(text, 0, _BEFORE + stamps.LONGEST)
    if found is None or found.start() > _BEFORE:
        return None
    read = _READ[str(found.lastgroup)]
    try:
        time = read(found[0])
    except (ValueError, OverflowError):
        return None
    return (time, text[: found.start()], text[found.end() :]) if _plausible(time) else None


def _plausible(time: int) -> bool:
    """Tell whether it is a time at which a log can have been written: small numbers count something else."""
    return _EARLIEST <= time <= stamps.micros(datetime.now(UTC) + _AHEAD)


def _tell(fields: Fields) -> tuple[str, ...]:
    """Return the names that may hold the time: when it was done before when it was told, the outermost first."""
    found = []
    for name in fields:
        if name.count(".") >= _DEEP or _COMING.fullmatch(name):
            continue
        rank = 0 if _DONE.fullmatch(name) else 1 if _TOLD.fullmatch(name) else None
        if rank is not None:
            found.append((rank, name.count("."), name))
    return tuple(name for _, _, name in sorted(found, key=lambda place: place[:2]))


_NAMES: Final = ByShape(_tell)


def _iso(text: str) -> int:
    """Read a day and a time of day with whatever stands between their parts."""
    return stamps.iso(text[:10].replace("/", "-").replace(".", "-") + "T" + text[10:].lstrip("T ,_"))


def _spelt(text: str) -> int:
    if found := _YEARLESS.fullmatch(text):
        month, day, clock = found.groups()
        return stamps.without_year(month, day, clock, datetime.now(UTC))
    return stamps.any_time(text)


def _mailed(text: str) -> int:
    return stamps.any_time(text.replace("-", " ", 2).replace(",", "."))


def _slashed(text: str) -> int:
    day, clock = text.split(" ", 1)
    month, number, year = day.rstrip(",").split("/")
    return stamps.any_time(f"{month}/{number}/{year if len(year) > 2 else '20' + year} {clock}")


_READ: Final[dict[str, Callable[[str], int]]] = {
    "iso": _iso,
    "access": stamps.access_log,
    "spelt": _spelt,
    "mailed": _mailed,
    "slashed": _slashed,
    "epoch": stamps.any_time,
}
