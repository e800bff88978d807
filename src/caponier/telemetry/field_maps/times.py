"""Times in whatever form a log has them, as microseconds since 1970."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from caponier.errors import InputError
from caponier.telemetry.conversion import TIME
from caponier.telemetry.framing.stamps import LONGEST, without_year

EPOCHS: Final = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1, "epoch_ns": 0}
"""Microseconds in one; nanoseconds are divided."""
TENTHS: Final = {"ticks": 62_135_596_800_000_000, "filetime": 11_644_473_600_000_000}
"""Units of a tenth of a microsecond, and how many microseconds before 1970 .NET and Windows begin to count them."""
UNITS: Final = (*EPOCHS, *TENTHS)
COMPACT: Final = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S", 17: "%Y%m%d%H%M%S%f"}
"""By the number of their digits: forms of times that are written as one number, and are none since 1970."""
RFC3339: Final = "rfc3339"
_LIMITS: Final = (
    (1e11, "epoch_s"),
    (1e14, "epoch_ms"),
    (1e17, "epoch_us"),
    (1.2e17, "epoch_ns"),
    (1.6e17, "filetime"),
    (float("inf"), "epoch_ns"),
)
"""Where the numbers of one unit end for every time from 1990 on. Not so ticks: those of today would be nanoseconds of
1990, and only a name tells them apart."""
_ZONE_WORDS: Final = ("UTC", "GMT")
_ZONE_WORD: Final = re.compile(r"\s*(?:UTC|GMT)$")
"""How BigQuery and others name the zone."""
_LATEST: Final = 2**62
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FAILURES: Final = (pa.ArrowException, TypeError, ValueError, OverflowError)


def zone_of(name: str | None) -> tzinfo | None:
    """Return a zone by its name.

    Raises:
        InputError: If there is none of it.
    """
    try:
        return None if name is None else UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(f"there is no time zone {name!r}", hint="Such as UTC or Europe/Berlin") from None


def unit_of(number: float) -> str:
    """Return in which unit a number counts from 1970, for a time from 1990 on."""
    # What is no number is below no limit; whoever reads it finds that out.
    return next((unit for limit, unit in _LIMITS if abs(number) < limit), "epoch_ns")


def micros_in(number: Any, unit: str) -> Any:
    """Return the microseconds since 1970 of a number in a unit, or of an array of them; of whole ones, whole ones."""
    factor = EPOCHS.get(unit, 0)
    if factor:
        return number * factor
    parts = 10 if unit in TENTHS else 1_000
    is_whole = isinstance(number, int) or (isinstance(number, np.ndarray) and number.dtype.kind == "i")
    return (number // parts if is_whole else number / parts) - TENTHS.get(unit, 0)


def times_of(values: list[Any], form: str | None, zone: str | None) -> tuple[pa.Array, list[int]]:
    """Read times.

    Args:
        values: (n,) as they stand in the log; None where there are none.
        form: As in `MapColumn.format`; by default RFC 3339, ISO 8601, or a number whose size tells its unit.
        zone: Of those that name none.

    Returns:
        (n,) times of the schema's type, null where there is none; and the places of those that cannot be read.
    """
    try:
        read = _at_once(values, form, zone)
    except _FAILURES:
        read = None
    if read is not None:
        return read, []
    wrong: list[int] = []
    micros: list[int | None] = []
    where = zone_of(zone)
    for place, value in enumerate(values):
        try:
            micros.append(None if value is None or value == "" else _one(value, form, where))
        except _FAILURES:
            micros.append(None)
            wrong.append(place)
    return pa.array(micros, pa.int64()).cast(TIME), wrong


def _at_once(values: list[Any], form: str | None, zone: str | None) -> pa.Array | None:
    """Read all at once where they are of one form; None where they are not."""
    kinds = set(map(type, values))
    if kinds <= {int, float} and kinds and (form is None or form in UNITS):
        return _numbers(values, form)
    if kinds == {datetime}:
        return pa.array(values, TIME) if all(value.tzinfo for value in values) else None
    if kinds != {str}:
        return None
    texts = pa.array(values, pa.string())
    if form is None or form == RFC3339:
        if values[0][-3:] in _ZONE_WORDS:
            texts = pc.replace_substring_regex(texts, _ZONE_WORD.pattern, "Z")
        return texts.cast(pa.timestamp("ns", tz="UTC")).cast(TIME, safe=False)
    if form in UNITS or "%f" in form or "%z" in form or not has_year(form):
        return None
    naive = pc.strptime(texts, form, "us")
    return pc.assume_timezone(naive, zone or "UTC", ambiguous="earliest", nonexistent="latest").cast(TIME)


def _numbers(values: list[Any], form: str | None) -> pa.Array | None:
    numbers = np.array(values)
    if numbers.dtype.kind not in "if":
        return None
    size = np.abs(numbers)
    unit = form or unit_of(float(size.max()))
    if form is None and unit_of(float(size.min())) != unit:
        return None
    # What is too late to be a time is refused below.
    with np.errstate(over="ignore"):
        micros = np.rint(micros_in(numbers.astype(np.int64) if numbers.dtype.kind == "i" else numbers, unit))
    if not (np.abs(micros.astype(np.float64)) < _LATEST).all() or not (size.astype(np.float64) < 1e19).all():
        return None
    return pa.array(micros.astype(np.int64)).cast(TIME)


def _one(value: Any, form: str | None, zone: tzinfo | None) -> int:
    if isinstance(value, datetime):
        return _micros(value, zone)
    if isinstance(value, bool):
        raise TypeError("no time")
    if form is not None and form in COMPACT.values():
        return _micros(datetime.strptime(digits_of(value), form), zone)
    if isinstance(value, str) and form not in UNITS:
        text = value.strip()
        if form is not None and form != RFC3339:
            return _micros(datetime.strptime(text, form), zone) if has_year(form) else _of_latest_year(text, form, zone)
        if not text.lstrip("-").replace(".", "", 1).isdecimal():
            return _micros(iso_moment(text), zone)
    number = float(value) if isinstance(value, float) or not str(value).strip().lstrip("-").isdecimal() else int(value)
    micros = micros_in(number, form if form in UNITS else unit_of(number))
    if abs(micros) >= _LATEST:
        raise OverflowError("no time")
    made: int = round(micros)
    return made


def has_year(form: str) -> bool:
    """Tell whether a pattern says in which year."""
    return "%Y" in form or "%y" in form


def _of_latest_year(text: str, form: str, zone: tzinfo | None) -> int:
    """Read a time without a year: in the latest one in which it is not in the future, as `stamps` does."""
    now = datetime.now(UTC)
    # The 29th of February is a day of leap years alone.
    moment = datetime.strptime(f"2000 {text}", f"%Y {form}")
    clock = f"{moment:%H:%M:%S.%f}"
    micros = without_year(f"{moment:%b}", str(moment.day), clock, now)
    return _micros((_EPOCH + micros * _MICROSECOND).replace(tzinfo=None), zone)


def digits_of(value: Any) -> str:
    """Write a time that is one number, such as 20260105093000, without what a program puts behind it."""
    return str(value).strip().removesuffix(".0") if not isinstance(value, float) else f"{value:.0f}"


def iso_moment(text: str) -> datetime:
    """Read RFC 3339 or ISO 8601, also with a blank between date and time, and with the zone set apart or as a word.

    Raises:
        ValueError: If it is none.
    """
    if len(text) > LONGEST:
        raise ValueError("no time")
    plain = _ZONE_WORD.sub("Z", text.strip().upper()).replace(" ", "T", 1)
    return datetime.fromisoformat(plain.replace(" ", ""))


def _micros(moment: datetime, zone: tzinfo | None) -> int:
    if moment.tzinfo is None:
        if zone is None:
            raise ValueError("no zone")
        moment = moment.replace(tzinfo=zone)
    return (moment - _EPOCH) // _MICROSECOND
