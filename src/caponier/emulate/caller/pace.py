"""How requests of one user follow each other in time."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BACK_TO_BACK_S = 0.05


@dataclass(frozen=True)
class Pace:
    """Gaps between requests.

    Args:
        mean_s: Mean gap in seconds.
        spread: Standard deviation of the gap's logarithm: 0 is a clock, 1 a human being.
        burst: Requests sent back to back before the next gap.
    """

    mean_s: float
    spread: float = 1.0
    burst: int = 1

    def gaps(self, n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """Return the seconds before each of `n` requests, shape (n,)."""
        drawn = self.mean_s * rng.lognormal(-(self.spread**2) / 2, self.spread, n)
        return np.where(np.arange(n) % self.burst == 0, drawn, BACK_TO_BACK_S)
