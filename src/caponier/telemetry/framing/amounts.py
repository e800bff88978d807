"""Amounts as people and programs write them: thousands apart, a currency, per cent, and spans of time with their unit.

What counts as a number in a sample, and what is read of a row, is one thing: a column that was taken for numbers is
never read as missing for the way in which they are written.
"""

import re
from typing import Final

THOUSANDS: Final = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
APART: Final = " \u00a0\u2009\u202f'\u2019"
"""What stands between thousands besides: blanks of all widths, as in France, and the apostrophe of the Swiss."""
_APART: Final = re.compile(rf"([-+]?[1-9]\d{{0,2}}(?:([{APART}])\d{{3}}(?:\2\d{{3}})*))((?:[.,]\d+)?)")
DECIMAL_COMMA: Final = re.compile(r"-?(\d{1,3}(\.\d{3})*|\d+),\d+([eE][+-]?\d+)?")
ONLY_COMMA: Final = re.compile(
    r"[-+]?(?:\d+|\d{1,3}(?:\.\d{3})+),(?:\d{1,2}|\d{4,})%?|[-+]?0,\d+%?|[-+]?\d{1,3}(?:\.\d{3})+,\d+%?"
)
"""Amounts of which a comma can only be the decimal sign: not `1,250`."""
ONLY_POINT: Final = re.compile(
    r"[-+]?(?:\d+|\d{1,3}(?:,\d{3})+)\.(?:\d{1,2}|\d{4,})%?|[-+]?0\.\d+%?|[-+]?\d{1,3}(?:,\d{3})+\.\d+%?"
)
"""The same with a point."""
AROUND: Final = re.compile(r"^[^\d+-]+|[^\d%]+$")
"""What stands around the digits of an amount: a currency, or a unit."""
_CURRENCY: Final = (
    r"(?:[$€£¥₹₽₺₩]|R\$|USD|EUR|CHF|GBP|SEK|NOK|DKK|PLN|CZK|HUF|RON|TRY|BRL|INR|CAD|AUD|JPY|CNY"
    r"|kr\.?|zł|Kč|Ft|lei|Fr\.)"
)
_MONEY: Final = re.compile(rf"^-?{_CURRENCY}[ \u00a0\u202f]?(?=[\d.-])|(?<=\d)[ \u00a0\u202f]?{_CURRENCY}$")
"""The sign of a currency before or behind an amount."""
_LONGEST: Final = 32
_WORDS: Final = {"true": 1.0, "false": 0.0}
MILLISECONDS: Final = {
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), 1.0),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1_000.0),
    **dict.fromkeys(("us", "micros", "microsecond", "microseconds"), 1e-3),
    **dict.fromkeys(("ns", "nanos", "nanosecond", "nanoseconds"), 1e-6),
}
"""In one of each unit, as it stands in the name of a field or behind an amount."""
_MINUTE: Final = 60_000.0
_UNITS: Final = {
    **MILLISECONDS,
    **dict.fromkeys(("µs", "μs"), 1e-3),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), _MINUTE),
    **dict.fromkeys(("h", "hour", "hours"), 60 * _MINUTE),
}
"""Behind an amount also those that mean something else in a name: `latency_min` is the least one."""
_SPAN: Final = re.compile(rf"([\d.,]{{1,24}}(?:[eE][+-]?\d{{1,3}})?) ?({'|'.join(_UNITS)})")
_PARTS: Final = re.compile(r"(?:pt)?(?:(\d{1,3})h)?(?:(\d{1,3})m)?(\d{1,2}(?:\.\d{1,9})?)s")
"""As Go and Java print a span: `1h2m3.5s`, `PT1M2S`."""
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d\d):(\d\d(?:\.\d{1,9})?)")
"""`00:00:00.0123`, as .NET and Python print a span."""


def number_of(text: str, decimal: str = ".") -> float | None:
    """Return the number that a text is; None where it is none. `true` and `false` are one and zero.

    Args:
        text: As it stands in the log.
        decimal: The decimal sign.
    """
    if decimal == "." and text[-1:].isdecimal() and "_" not in text:
        # Nearly all are written as Python reads them.
        try:
            return float(text)
        except ValueError:
            pass
    plain = text.strip()
    share = 100 if plain[-1:] == "%" else 1
    plain = joined(plain[:-1].rstrip() if share > 1 else without_money(plain))
    if decimal == ",":
        plain = plain.replace(".", "").replace(",", ".")
    elif THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", "")
    try:
        # Python reads 1_000 as a number, and nobody writes one so.
        return float(plain) / share if "_" not in plain else None
    except ValueError:
        return _WORDS.get(plain.lower())


def joined(text: str) -> str:
    """Return an amount without what stands between its thousands, `1 234 567,89` as `1234567,89`; others as they are.

    A comma and a point there may as well be the decimal sign: they stay.
    """
    if len(text) > _LONGEST or text.isdecimal() or (found := _APART.fullmatch(text)) is None:
        return text
    return found[1].replace(found[2], "") + found[3]


def as_number(value: object, decimal: str = ".") -> float:
    """Return a number, or that of a text; NaN where there is none."""
    if isinstance(value, str):
        number = number_of(value, decimal)
        return float("nan") if number is None else number
    return float(value) if isinstance(value, int | float) else float("nan")


def decimal_in(text: str) -> str:
    """Return the decimal sign of an amount, where no other of its column is known: the last sign that is in it."""
    return "," if text.rfind(",") > text.rfind(".") else "."


def sample_number(value: object) -> float:
    """Return a number, or that of a text with either decimal sign; NaN where there is none."""
    return as_number(value, decimal_in(value)) if isinstance(value, str) else as_number(value)


def without_money(text: str) -> str:
    """Return an amount without the sign of its currency: `-$1,250.00` is minus as much."""
    if len(text) > _LONGEST or (text[-1:].isdigit() and text.lstrip("-")[:1].isdigit()):
        return text
    plain = _MONEY.sub("", text, count=1)
    return f"-{plain}" if text[:1] == "-" and plain[:1].isdigit() else plain


def milliseconds_of(text: str, decimal: str = ".") -> float | None:
    """Return how long a span is that names its unit, `12.5ms`, `0.3 s`, `1m2s` or `00:00:00.25`; None if it names none.

    Args:
        text: As it stands in the log.
        decimal: The decimal sign.
    """
    plain = text.strip()
    if len(plain) > _LONGEST:
        return None
    if found := _SPAN.fullmatch(plain):
        number = number_of(found[1], decimal)
        return None if number is None else number * _UNITS[found[2]]
    parts = _PARTS.fullmatch(plain.lower()) or _CLOCK.fullmatch(plain)
    return None if parts is None else (int(parts[1] or 0) * 60 + int(parts[2] or 0)) * _MINUTE + float(parts[3]) * 1_000
