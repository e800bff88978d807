"""The alert budget: of how many false alerts a user wants to be told at once, or from which rarity on."""

import math
import re
from dataclasses import dataclass
from typing import Final, Self

from caponier.errors import InputError

_WEEKS: Final = {"day": 1 / 7, "week": 1.0, "month": 365.25 / 12 / 7, "year": 365.25 / 7}

_RATE: Final = re.compile(r"(?P<count>[0-9.]+(?:e[+-]?[0-9]+)?)\s*(?:per|a)\s+(?P<unit>[a-z]+)", re.IGNORECASE)
_FRACTION: Final = re.compile(r"(?P<above>[0-9.]+)\s*/\s*(?P<below>[0-9.]+)")

_HINT: Final = 'Write a rate such as "2 per week", or a share of benign callers such as "1/300" or "0.0033".'


@dataclass(frozen=True, slots=True)
class AlertBudget:
    """Either false alerts expected in a week, or a share of benign callers: within it is what no more come as high as.

    Exactly one of the two is set. It cuts notifications, never findings.
    """

    per_week: float | None = None
    """False alerts a week, above 0."""
    bound: float | None = None
    """Share of benign callers, between 0 and 1, both excluded."""

    def __post_init__(self) -> None:
        if (self.per_week is None) == (self.bound is None):
            raise InputError("an alert budget is either a rate or a bound", hint=_HINT)
        if self.per_week is not None and not (math.isfinite(self.per_week) and self.per_week > 0):
            raise InputError(f"an alert budget of {self.per_week:g} per week is not above 0", hint=_HINT)
        if self.bound is not None and not 0 < self.bound < 1:
            raise InputError(f"a false-alarm bound of {self.bound:g} does not lie between 0 and 1", hint=_HINT)

    @classmethod
    def parse(cls, text: str | float) -> Self:
        """Read what the user wrote: `2 per week`, `1 per day`, `0.5 per month`, `1/300` or `0.0033`.

        Raises:
            InputError: If it is none of these, or not above 0, or a bound of 1 and more.
        """
        plain = str(text).strip()
        if rate := _RATE.fullmatch(plain):
            return cls(per_week=_number(rate["count"], plain) / _weeks(rate["unit"], plain))
        if fraction := _FRACTION.fullmatch(plain):
            return cls(bound=_quotient(fraction, plain))
        return cls(bound=_number(plain, plain))

    def __str__(self) -> str:
        return f"{self.per_week:g} per week" if self.per_week is not None else f"{self.bound:g}"


def _number(digits: str, text: str) -> float:
    try:
        return float(digits)
    except ValueError:
        raise InputError(f"{text!r} is not an alert budget", hint=_HINT) from None


def _weeks(unit: str, text: str) -> float:
    weeks = _WEEKS.get(unit.lower().removesuffix("s"))
    if weeks is None:
        raise InputError(f"{text!r} counts alerts per {unit!r}; known are {', '.join(_WEEKS)}", hint=_HINT)
    return weeks


def _quotient(fraction: re.Match[str], text: str) -> float:
    below = _number(fraction["below"], text)
    if below == 0:
        raise InputError(f"{text!r} divides by zero", hint=_HINT)
    return _number(fraction["above"], text) / below
