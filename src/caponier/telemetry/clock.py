"""Which rows of a source come too late to be put in order.

A file is there as a whole, and so is standard input once it has ended: whoever reads it sorts it, in whatever order its
rows stand. Only of a stream that somebody says is live may rows be late: nobody can wait for what is still to come.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from caponier.telemetry.streams import STDIN

LATENESS: Final = math.inf
"""Seconds by which a row may be older than the clock of its source and be sorted in: nothing is late by itself."""

_NEVER: Final = np.iinfo(np.int64).min
_LONGEST: Final = 2.0**62
"""Microseconds; whatever is more than this, even infinity, is as good."""


@dataclass
class Clock:
    """The event time of one source, moved on by its rows.

    The clock follows the *second* latest of neighbouring times, so that one row with a wrong date in the future does
    not make every row after it late. It depends on the rows alone, never on how they were cut into chunks.
    """

    lateness: float = LATENESS
    """Seconds; infinity where nothing is late."""
    _now: int = field(default=_NEVER, init=False)
    _last: int = field(default=_NEVER, init=False)

    @classmethod
    def of(cls, path: Path, lateness: float) -> Self:
        """Return the clock of a source: in a file nothing is late."""
        return cls(lateness if path == STDIN else math.inf)

    def late(self, times: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which rows are late, and move the clock on.

        Args:
            times: (n,) microseconds since the epoch, in the order in which the rows stand in their source.

        Returns:
            (n,) booleans.
        """
        if not times.size:
            return np.zeros(0, bool)
        before = np.concatenate([[self._last], times[:-1]])
        agreed = np.maximum.accumulate(np.maximum(np.minimum(before, times), self._now))
        # A row is held against the clock as it stood before the row itself.
        clock = np.concatenate([[self._now], agreed[:-1]])
        self._now, self._last = int(agreed[-1]), int(times[-1])
        allowed = np.int64(min(self.lateness * 1e6, _LONGEST))
        started = clock != _NEVER
        result: NDArray[np.bool_] = started & (times < clock - allowed * started)
        return result
