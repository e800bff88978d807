"""Amounts as people and programs write them: thousands apart, a currency, per cent, and spans of time with their unit.

What counts as a number in a sample, and what is read of a row, is one thing: a column that was taken for numbers is
never read as missing for the way in which they are written.
"""

import re
from typing import Final

THOUSANDS: Final = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
DECIMAL_COMMA: Final = re.compile(r"-?(\d{1,3}(\.\d{3})*|\d+),\d+([eE][+-]?\d+)?")
ONLY_COMMA: Final = re.compile(
    r"[-+]?(?:\d+|\d{1,3}(?:\.\d{3})+),(?:\d{1,2}|\d{4,})%?|[-+]?0,\d+%?|[-+]?\d{1,3}(?:\.\d{3})+,\d+%?"
)
"""Amounts of which a comma can only be the decimal sign: not `1,250`."""
ONLY_POINT: Final = re.compile(
    r"[-+]?(?:\d+|\d{1,3}(?:,\d{3})+)\.(?:\d{1,2}|\d{4,})%?|[-+]?0\.\d+%?|[-+]?\d{1,3}(?:,\d{3})+\.\d+%?"
)
"""The same with a point."""
_MONEY: Final = re.compile(r"^-?(?:[$€£¥]|USD|EUR|CHF|GBP) ?(?=[\d.-])|(?<=\d) ?(?:[€$£¥]|USD|EUR|CHF|GBP)$")
"""The sign of a currency before or behind an amount."""
_LONGEST: Final = 32
_WORDS: Final = {"true": 1.0, "false": 0.0}
_SPAN: Final = re.compile(r"([\d.,]{1,24}(?:[eE][+-]?\d{1,3})?) ?(ns|us|µs|μs|ms|msecs?|millis|s|secs?|seconds|m|min)")
_PARTS: Final = re.compile(r"(?:(\d{1,3})m)?(\d{1,2}(?:\.\d{1,9})?)s")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d\d):(\d\d(?:\.\d{1,9})?)")
"""`00:00:00.0123`, as .NET and Python print a span."""
_MILLISECONDS: Final = {"n": 1e-6, "u": 1e-3, "µ": 1e-3, "μ": 1e-3, "s": 1_000.0}
_MINUTE: Final = 60_000.0


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
    plain = plain[:-1].rstrip() if share > 1 else without_money(plain)
    if decimal == ",":
        plain = plain.replace(".", "").replace(",", ".")
    elif THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", "")
    try:
        # Python reads 1_000 as a number, and nobody writes one so.
        return float(plain) / share if "_" not in plain else None
    except ValueError:
        return _WORDS.get(plain.lower())


def as_number(value: object, decimal: str = ".") -> float:
    """Return a number, or that of a text; NaN where there is none."""
    if isinstance(value, str):
        number = number_of(value, decimal)
        return float("nan") if number is None else number
    return float(value) if isinstance(value, int | float) else float("nan")


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
        unit = found[2]
        scale = _MINUTE if unit in ("m", "min") else 1.0 if unit[0] == "m" else _MILLISECONDS[unit[0]]
        return None if number is None else number * scale
    if parts := _PARTS.fullmatch(plain):
        return int(parts[1] or 0) * _MINUTE + float(parts[2]) * 1_000
    if clock := _CLOCK.fullmatch(plain):
        return int(clock[1]) * 60 * _MINUTE + int(clock[2]) * _MINUTE + float(clock[3]) * 1_000
    return None
