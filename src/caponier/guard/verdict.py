"""What the guard does with a request: nothing, an ordinary-looking limit, or less detail in the model's own answer."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Measure(StrEnum):
    """What is done."""

    PASS = "pass"  # noqa: S105 - no password
    REFUSE = "refuse"
    """Answer as an ordinary rate limit would: the attacker learns nothing else."""
    HOLD = "hold"
    """Keep it waiting until somebody has looked at the caller, and give up after a while."""
    ROUND = "round"
    """Round the scores of the model's own answer."""


@dataclass(frozen=True, slots=True)
class GuardVerdict:
    """A measure, and how much of it."""

    measure: Measure
    decimals: int = 0
    """Decimals that rounding keeps."""


PASS: Final = GuardVerdict(Measure.PASS)
HOLD: Final = GuardVerdict(Measure.HOLD)
REFUSE: Final = GuardVerdict(Measure.REFUSE)
