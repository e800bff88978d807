"""One evidence a caller over all detectors, and how rare it is among benign callers.

Each detector says how rare a caller's score is. The strongest counts, and what the second has beyond chance counts a
little. How high benign callers come in that one figure is learned from callers that taught the detectors and their
ranks nothing, so no budget has to be split over detectors.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

UNIT: Final = 1_000
"""Rarities are whole numbers of thousandths: maxima and sums of those do not depend on how a stream was cut."""
BELIEVED: Final = 3 * UNIT
"""Rarity up to which a detector says nothing: one benign caller in twenty."""
SECOND: Final = 0.3
"""Weight of what the second detector has beyond it."""
TOP: Final = 0.1
"""Share of benign callers beyond which a tail takes the place of ranks."""
POWER: Final = 8.0
"""Of that tail, which is a heavy one (generalised Pareto, Pickands 1975, with a shape of 1 / POWER)."""
OUTLIERS: Final = 0.01
"""Share of benign callers, the highest, who count for no more than the next one: attackers among them, or one who is
like nobody else, must not make all detectors deaf."""
PRIOR: Final = 1.0 * UNIT
"""Mean excess before anything is known: that of a rarity that is calibrated."""
WEIGHT: Final = 20.0
"""Callers that it weighs as much as."""
DOUBT: Final = 1.0
"""Standard errors of the tail's scale that a share is put upwards by."""
NINETY: Final = 1.645
"""Standard errors of an interval that holds 90 % of the time."""


def whole(rarity: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return rarities as whole thousandths."""
    thousandths: NDArray[np.int64] = np.rint(rarity * UNIT).astype(np.int64)
    return thousandths


def evidence(rarities: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the evidence of rarities (n, d) of d >= 1 detectors, in thousandths (n,)."""
    if rarities.shape[1] < 2:
        return rarities.reshape(-1)
    two = np.partition(rarities, -2, axis=1)[:, -2:]
    strongest: NDArray[np.int64] = two[:, 1] + np.maximum(two[:, 0] - BELIEVED, 0) * 3 // 10
    return strongest


@dataclass(frozen=True, eq=False)
class JointTail:
    """How high benign callers come in evidence.

    Args:
        evidence: (r, n) in thousandths, falling, under each of r divisions into folds: of n benign callers, each of one
            that taught nothing to what it was judged by.
    """

    evidence: NDArray[np.int64]

    @classmethod
    def of(cls, evidence: NDArray[Any]) -> Self:
        """Take the evidence (r, n) of benign callers in any order."""
        return cls(-np.sort(-np.atleast_2d(np.asarray(evidence, np.int64)), axis=1))

    def __len__(self) -> int:
        """Return the number of benign callers."""
        return int(self.evidence.shape[1])

    def share(self, value: float) -> float:
        """Return the share of benign callers that come as high, put upwards for what few callers leave unknown."""
        return self._limited(value, DOUBT)

    def interval(self, value: float) -> tuple[float, float]:
        """Return the limits between which that share lies 90 % of the time."""
        return self._limited(value, -NINETY), self._limited(value, NINETY)

    def above(self, value: float) -> int:
        """Count the benign callers that came as high, in the mean of the divisions, rounded up."""
        return int(np.ceil((self.evidence >= value).sum() / max(1, len(self.evidence))))

    def level(self, alpha: float) -> int:
        """Return the least evidence that at most a share `alpha` of benign callers reaches."""
        low, high = BELIEVED + 1, 1_000 * UNIT
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.share(middle) <= alpha else (middle + 1, high)
        return low

    def _limited(self, value: float, errors: float) -> float:
        plain = float(np.mean([_plain(row, value) for row in self.evidence])) if len(self) else 1.0
        # The scale of the tail is known to one part in the root of the callers that it was learned from.
        depth = np.log(max(1.0, TOP / max(plain, 1e-300)))
        return float(min(1.0, plain * np.exp(errors * depth / np.sqrt(_top(len(self)) + WEIGHT))))


def _top(n: int) -> int:
    return max(1, round(TOP * n))


def _plain(falling: NDArray[np.int64], value: float) -> float:
    """Return the share by rank below the top tenth, by its tail within it."""
    n, top = len(falling), min(_top(len(falling)), len(falling) - 1)
    begin = float(falling[top])
    if value <= begin:
        return float(1 + np.searchsorted(-falling, -value, side="right")) / (n + 1)
    excess = falling[:top].astype(np.float64) - begin
    if top > 1:
        excess = np.minimum(excess, excess[min(max(1, round(OUTLIERS * n)), top - 1)])
    scale = (float(excess.sum()) + WEIGHT * PRIOR) / (top + WEIGHT)
    # Where most callers say nothing no tail fits: no fewer come as high than did, but for those outliers.
    ranked = max(0, int(np.searchsorted(-falling, -value, side="right")) - round(OUTLIERS * n)) / (n + 1)
    fitted = (1 + top) / (n + 1) * (1 + (value - begin) / (POWER * scale)) ** -POWER
    return float(max(fitted, ranked))
