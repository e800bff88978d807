"""Words that findings share: small numbers spelt out, how long something took, and lists of what was seen.

A summary says what was seen and nothing else, plain words first and figures after; what was not seen is not counted.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_NUMBERS: Final = dict(
    enumerate(("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"))
)
_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_MICROS: Final = 1_000_000


def number(n: int) -> str:
    """Spell a number up to twelve; write larger ones in figures."""
    return _NUMBERS.get(n, f"{n:,}")


def how_many(n: int, noun: str, plural: str | None = None) -> str:
    """Write how many there are of something: `one input`, `31 inputs`."""
    return f"{number(n)} {noun if n == 1 else plural or noun + 's'}"


def times(n: int) -> str:
    """Write how often something happened."""
    return {1: "once", 2: "twice"}.get(n, f"{number(n)} times")


def within(time: NDArray[np.int64]) -> str:
    """Write how long it took from the first to the last of some moments: ` in four minutes`; empty below a second.

    Args:
        time: (n,) microseconds, in any order.
    """
    seconds = int(time.max() - time.min()) // _MICROS if time.size else 0
    # Up to twice a unit the next smaller one says it more exactly, but for the unit itself.
    for unit, length in _UNITS:
        if seconds >= 2 * length or seconds == length:
            return f" in {how_many(round(seconds / length), unit)}"
    return ""


def listed(parts: Sequence[str]) -> str:
    """Join parts of a sentence: `a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
