"""Moments as logs write them, to microseconds since the epoch in UTC.

A time without a zone is taken as UTC, and one without a year as the latest year in which it is not in the future: no
format that leaves them out says more.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
LONGEST: Final = 64
"""Letters of a time; of longer texts nothing is looked at, which may be as long as a line."""
_MICROSECOND: Final = timedelta(microseconds=1)
_ZONED: Final = len("09:00:00 +0100")
_ZONE_APART: Final = re.compile(r"\s+(Z|UTC|[+-]\d\d:?\d\d)$")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d{1,9}))?")
_AMERICAN: Final = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4}),? (\d{1,2}):(\d\d):(\d\d)(?:\.(\d+))?(?: ([AP]M))?(?: ?(Z|UTC|[+-]\d\d:\d\d))?"
)
_DOT_NET: Final = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_SPELT: Final = re.compile(
    r"(?:[A-Z][a-z]{2},? )?([A-Z][a-z]{2,8}) {1,2}(\d{1,2}),?(?: (\d{4}),?)? (\d{1,2}:\d\d:\d\d(?:\.\d{1,9})?)"
    r"(?: (\d{4}))?(?: ?(Z|UTC|GMT|[+-]\d\d:?\d\d))?"
)
"""`Mar 02 2026 08:00:01 UTC`, as CEF has it, and `Mon Mar  2 08:00:01 2026`, as C's `ctime` does."""
_MAILED: Final = re.compile(
    r"(?:[A-Z][a-z]{2}, )?(\d{1,2})[ -]([A-Z][a-z]{2})[ -](\d{4}),? (\d\d:\d\d:\d\d(?:[.,]\d{1,9})?)"
    r"(?: (Z|UTC|GMT|[+-]\d\d:?\d\d))?"
)
"""`Mon, 02 Mar 2026 08:00:01 -0000`, as in RFC 5322 and in headers of HTTP, and `02-Mar-2026 08:00:01`."""
_RUN: Final = re.compile(r"(20\d\d)[-/.]?(\d\d)[-/.]?(\d\d)[-T _]?(\d\d)[.:]?(\d\d)[.:]?(\d\d)(?:[.,](\d{1,9}))?(Z)?")
"""`20260302080001.500`, `2026-03-02-08.00.01.123456` and `2026/03/02 08:00:01`: parts that anything stands between."""
_SECONDS: Final = re.compile(r"\d{10,13}(?:\.\d+)?|\d{16,19}")
"""A number of seconds or of its parts since 1970."""
UNREADABLE: Final = "time cannot be read"


def micros(stamp: datetime) -> int:
    """Return a moment as microseconds; one without a zone is UTC."""
    aware = stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)
    return (aware - EPOCH) // _MICROSECOND


def iso(text: str) -> int:
    """Read RFC 3339, or what is like it: without a zone, with a comma, or with the zone set apart.

    Raises:
        ValueError: If it is no such time.
    """
    if text[10:11] == "T" and (text[-1:] == "Z" or len(text) <= LONGEST):
        # How most write it, at a third of the cost.
        try:
            return micros(datetime.fromisoformat(text))
        except ValueError:
            pass
    if len(text) > LONGEST:
        raise ValueError(UNREADABLE)
    plain = _ZONE_APART.sub(lambda found: "+00:00" if found[1] in ("Z", "UTC") else found[1], text.strip())
    try:
        return micros(datetime.fromisoformat(plain))
    except ValueError:
        raise ValueError(UNREADABLE) from None


def any_time(value: Any) -> int:
    """Read a time whose form tells itself: text, or a number of seconds, milliseconds, micro- or nanoseconds.

    Numbers are told apart by their size, which leaves no doubt between 1990 and 2100.

    Raises:
        ValueError: If it is no such time.
        OverflowError: If it is far beyond every calendar.
    """
    if type(value) is str and value[10:11] == "T" and len(value) <= LONGEST:
        return iso(value)
    if isinstance(value, bool) or value is None:
        raise ValueError(UNREADABLE)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, dict | list):
        # Nor is its text asked for: Python fails at one that is nested a thousand deep.
        raise ValueError(UNREADABLE)
    text = str(value).strip()
    if len(text) > LONGEST:
        raise ValueError(UNREADABLE)
    if text[10:11] == "T":
        return iso(text)
    if (run := _RUN.fullmatch(text)) and not _SECONDS.fullmatch(text):
        year, month, day, hour, minute, second, part, _ = run.groups()
        return iso(f"{year}-{month}-{day}T{hour}:{minute}:{second}.{part or '0'}+00:00")
    if text.replace(".", "", 1).isdigit() and text.isascii():
        return _number(float(text) if "." in text else int(text))
    if american := _AMERICAN.fullmatch(text):
        return _american(*american.groups())
    if spelt := _SPELT.fullmatch(text):
        return _spelt(*spelt.groups())
    if mailed := _MAILED.fullmatch(text):
        day, month, year, clock, zone = mailed.groups()
        return _spelt(month, day, year, clock, None, zone)
    if dot_net := _DOT_NET.fullmatch(text):
        return int(dot_net[1]) * 1_000
    return iso(text)


def _number(value: float) -> int:
    size = abs(value)
    for above, factor in ((1e17, 1e-3), (1e14, 1), (1e11, 1e3)):
        if size >= above:
            return int(value * factor) if isinstance(factor, float) and factor < 1 else int(value) * int(factor)
    return round(value * 1e6)


def _american(
    month: str,
    day: str,
    year: str,
    hour: str,
    minute: str,
    second: str,
    part: str | None,
    half: str | None,
    zone: str | None,
) -> int:
    """Read `1/31/2026, 9:00:00.123 PM`, as the portal of Azure exports it."""
    hours = int(hour) % 12 + (12 if half == "PM" else 0) if half else int(hour)
    clock = f"{hours:02}:{minute}:{second}.{part or '0'}"
    return iso(f"{year}-{int(month):02}-{int(day):02}T{clock}{zone if zone and zone[0] in '+-' else '+00:00'}")


def _spelt(month: str, day: str, year: str | None, clock: str, later: str | None, zone: str | None) -> int:
    number = MONTHS.get(month[:3].lower())
    if number is None or (year or later) is None:
        raise ValueError(UNREADABLE)
    ahead = "+00:00" if zone in (None, "Z", "UTC", "GMT") else str(zone)
    return iso(f"{year or later}-{number:02}-{int(day):02}T{clock:0>8}{ahead}")


def access_log(text: str) -> int:
    """Read `05/Jan/2026:09:00:00 +0100`.

    Raises:
        ValueError: If it is no such time.
    """
    try:
        day, month, rest = text.split("/", 2)
        year, clock = rest.split(":", 1)
        if clock[8:9] == " " and len(clock) == _ZONED:
            clock = clock[:8] + clock[9:]
        return iso(f"{year}-{MONTHS[month.lower()]:02}-{int(day):02}T{clock}")
    except (ValueError, KeyError):
        raise ValueError(UNREADABLE) from None


def without_year(month: str, day: str, clock: str, now: datetime) -> int:
    """Read `Jan  5 09:00:00`: in the latest year in which it is not more than a day after now.

    Raises:
        ValueError: If there is no such day.
    """
    found = _CLOCK.fullmatch(clock)
    number = MONTHS.get(month[:3].lower())
    if found is None or number is None:
        raise ValueError(UNREADABLE)
    fraction = int(((found[4] or "") + "000000")[:6])
    latest = now + timedelta(days=1)
    for year in range(latest.year, now.year - 8, -1):
        try:
            stamp = datetime(year, number, int(day), int(found[1]), int(found[2]), int(found[3]), fraction, UTC)
        except ValueError:
            # The 29th of February stands in a leap year.
            continue
        if stamp <= latest:
            return micros(stamp)
    raise ValueError(UNREADABLE)
