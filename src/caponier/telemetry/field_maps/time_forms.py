"""Which form the times of a log have, told from a sample."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from caponier.telemetry.checks import EARLIEST
from caponier.telemetry.field_maps.times import (
    COMPACT,
    EPOCHS,
    RFC3339,
    digits_of,
    has_year,
    iso_moment,
    micros_in,
    unit_of,
)
from caponier.telemetry.framing.stamps import LONGEST

PATTERNS: Final = (
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S.%f",
    "%d.%m.%Y",
    "%d.%m.%y %H:%M:%S",
    "%d.%m.%y %H:%M",
    "%d/%m/%y %H:%M:%S",
    "%m/%d/%y %H:%M:%S",
    "%d/%m/%y %H:%M",
    "%m/%d/%y %H:%M",
    "%m/%d/%y %I:%M:%S %p",
    "%m/%d/%y %I:%M %p",
    # With the points of Italians, Danes and Finns between hours and minutes.
    "%d/%m/%Y %H.%M.%S",
    "%m/%d/%Y %H.%M.%S",
    "%d.%m.%Y %H.%M.%S",
    "%d-%m-%Y %H.%M.%S",
    "%d.%m.%Y %H.%M",
    "%d/%b/%Y:%H:%M:%S %z",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%d-%m-%Y",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%d-%m-%Y %H:%M:%S",
    "%d %b %Y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S",
    "%d-%b-%y %H:%M:%S",
    "%d-%b-%y %I.%M.%S.%f %p",
    "%d-%b-%y %I.%M.%S %p",
    "%b %d, %Y %H:%M:%S",
    "%b %d %Y %H:%M:%S",
    "%b %d, %Y @ %H:%M:%S.%f",
    "%a %b %d %H:%M:%S %Y",
    # As the portal of Azure and browsers write them.
    "%m/%d/%Y, %I:%M:%S.%f %p",
    "%m/%d/%Y, %I:%M:%S %p",
    "%m/%d/%Y, %H:%M:%S",
    "%d/%m/%Y, %H:%M:%S",
    "%d.%m.%Y, %H:%M:%S",
    "%d.%m.%Y %H:%M:%S,%f",
    "%m/%d/%Y %I:%M %p",
    "%Y.%m.%d %H:%M:%S",
    # As DB2 writes them.
    "%Y-%m-%d-%H.%M.%S.%f",
    "%Y-%m-%d-%H.%M.%S",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S GMT",
    # Without a year.
    "%b %d %H:%M:%S",
    "%b %d %H:%M:%S.%f",
    "%d %b %H:%M:%S",
    "%d.%m. %H:%M:%S",
    "%m-%d %H:%M:%S.%f",
    "%m-%d %H:%M:%S",
)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""Numbers since 1970 that are told: 2026-01-05 09:30 in compact form would be one in the year 2612."""
_SAMPLE: Final = 200
DENSER: Final = 8
"""Times as long a log lasts by one reading as by another before the shorter one is meant: days of one week lie months
apart by the other."""
LEAST_DAYS: Final = 3
_NEARLY: Final = 0.95
_FEW: Final = 0.02
"""Share of the times of a column that have a form of their own; fewer are broken rows."""


class Ambiguous(ValueError):  # noqa: N818 - no failure: two readings are as good as each other
    """Several forms fit."""

    def __init__(self, forms: list[str]) -> None:
        super().__init__(f"its times fit {' and '.join(forms)}; name the right one under format in the field map")
        self.form = forms[0]


def time_form(values: list[Any]) -> tuple[str | None, str | None]:
    """Return the form of times, None where each tells its own, and the zone that has to be assumed where none is named.

    Single values that do not fit are broken rows; they count as such when they are read.

    Raises:
        Ambiguous: If several forms fit.
        ValueError: If they are no times.
    """
    values = values[:: -(-len(values) // _SAMPLE) or 1]
    counts = Counter(form for value in values for form in _forms_of(value))
    most = max(counts.values(), default=0)
    if most == 0 or most < _NEARLY * len(values):
        return _each_its_own(values, counts)
    forms = [form for form, count in counts.items() if count == most]
    if len(forms) > 1:
        return _denser(values, forms)
    return forms[0]


def _each_its_own(values: list[Any], counts: Counter[tuple[str, str | None]]) -> tuple[str | None, str | None]:
    """Return that each time tells its own form, as where a service was changed: RFC 3339, and numbers since 1970.

    Raises:
        ValueError: If some are in neither form, or a form is that of single rows.
    """
    own = {form: count for form, count in counts.items() if form[0] in (RFC3339, *EPOCHS)}
    if not own or sum(own.values()) < _NEARLY * len(values) or min(own.values(), default=0) < _FEW * len(values):
        raise ValueError("no times")
    return None, "UTC" if any(zone for _, zone in own) else None


def _denser(values: list[Any], forms: list[tuple[str, str | None]]) -> tuple[str, str | None]:
    """Return the form by which the rows of a log lie beside each other, where by any other they lie months apart.

    Raises:
        Ambiguous: If no form does.
    """
    spans = sorted((_span(values, form), place) for place, (form, _) in enumerate(forms))
    (least, place), (next_least, _) = spans[:2]
    if least <= timedelta(0) or next_least < DENSER * least:
        raise Ambiguous([form for form, _ in forms])
    return forms[place]


def _span(values: list[Any], form: str) -> timedelta:
    moments = []
    for value in values:
        try:
            moments.append(datetime.strptime(str(value).strip(), form))
        except ValueError:
            continue
    # Of rows of a day or two both readings are as good, and of days alone: they may be those of something monthly.
    days = {one.date() for one in moments}
    return max(moments) - min(moments) if len(days) >= LEAST_DAYS and "%H" in form else timedelta(0)


def _forms_of(value: Any) -> list[tuple[str, str | None]]:
    """Return the forms that a value fits, each with the zone that it lacks."""
    if isinstance(value, bool | list | dict) or (isinstance(value, str) and len(value) > LONGEST):
        return []
    if isinstance(value, datetime):
        return [(RFC3339, None if value.tzinfo else "UTC")]
    if _is_number(value):
        number = float(value)
        unit = unit_of(number)
        if EARLIEST.timestamp() * 1e6 <= micros_in(number, unit) < _LATEST.timestamp() * 1e6:
            return [(unit, None)]
        compact = digits_of(value)
        pattern = COMPACT.get(len(compact), "")
        return (
            [(pattern, "UTC")] if _fits(pattern, compact) and EARLIEST.year <= int(compact[:4]) < _LATEST.year else []
        )
    text = str(value).strip()
    try:
        moment = iso_moment(text)
    except ValueError:
        return [(pattern, None if "%z" in pattern else "UTC") for pattern in PATTERNS if _fits(pattern, text)]
    is_late = moment.replace(tzinfo=moment.tzinfo or UTC) >= EARLIEST
    return [(RFC3339, None if moment.tzinfo else "UTC")] if is_late else []


def _fits(pattern: str, text: str) -> bool:
    if not pattern:
        return False
    try:
        datetime.strptime(text, pattern) if has_year(pattern) else datetime.strptime(f"2000 {text}", f"%Y {pattern}")
    except ValueError:
        return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and value.strip().replace(".", "", 1).isdecimal())
