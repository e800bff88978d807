"""How rare a detector's score is among benign callers of the same age, as -log of its tail probability.

Inside the data that is the rank. Beyond the highest benign caller an exponential tail in log(1 + score) goes on, fitted
to the top tenth and shrunk towards a scale that held on other data; where hardly anybody scored at all there is no tail
to fit, and a margin over the highest stands in for it.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from caponier.detect.calibration.ages import AHEAD
from caponier.detect.calibration.lives import Lives
from caponier.detect.calibration.quantiles import median

TOP: Final = 0.1
"""Share of callers that a tail is fitted to, and how few and how many it may be."""
FEW, MANY = 5, 40
POSITIVE: Final = 11
"""Callers with a score below which no tail is fitted."""
SCALE: Final = 0.35
"""Scale of a tail before anything is known, in x = log(1 + score)."""
WEIGHT: Final = 100.0
"""Callers that it weighs as much as."""
MARGIN: Final = 0.25
"""Over the highest, in x, before a score counts for more than the highest where no tail can be fitted."""
FEW_APART: Final = 0.01
"""At most this share of callers, or one, stands apart: attackers in the benign log, or one who is like nobody else."""
APART: Final = float(np.log(4))
"""In x, from the next caller on. Whoever stands apart is not what others are held against; that benign callers do so
now and then is for the joint tail to know."""
ENOUGH: Final = 30
"""Callers of whom one may stand apart; of fewer nobody knows."""
KEPT: Final = 256
"""Highest benign scores that are kept as they are; of the others, every so many-th."""
THINNED: Final = 64


@dataclass(frozen=True)
class TailRanks:
    """Benign callers' scores at each step of age, and how they go on above.

    Args:
        n: Callers.
        scores: (g, k) at each step, falling: the highest ones, and then every so many-th of the others.
        counts: (k,) how many callers stand at or above each of them.
        scales: (g,) of the tail beyond the highest.
        margins: (g,) in x over the highest before the tail begins.
        apart: (g,) how many of the highest stand apart, and are passed over.
    """

    n: int
    scores: NDArray[np.float32]
    counts: NDArray[np.int64]
    scales: NDArray[np.float32]
    margins: NDArray[np.float32]
    apart: NDArray[np.int64]

    @classmethod
    def of(cls, lives: Lives, steps: int, *, odd_ones: bool = True) -> Self:
        """Rank benign lives, for scores at ages up to a number of steps; with no `odd_ones` nobody stands apart."""
        n = len(lives.last)
        full = lives.completed(int(AHEAD[steps - 1]) + 1)
        columns = -np.sort(-full[:, AHEAD[:steps]], axis=0)
        kept = _kept(n)
        apart = _apart(columns) if odd_ones else np.zeros(steps, np.int64)
        tails = (_tail(columns[out:, step]) for step, out in enumerate(apart.tolist()))
        scales, margins = zip(*tails, strict=True)
        return cls(
            n,
            np.ascontiguousarray(columns[kept].T, np.float32),
            kept + 1,
            np.array(scales, np.float32),
            np.array(margins, np.float32),
            apart,
        )

    @property
    def steps(self) -> int:
        """Steps of age that are known; later ones count as the last."""
        return len(self.scores)

    def above(self, scores: NDArray[Any], steps: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count the benign callers at or above scores (m,) at the ages of steps (m,)."""
        if not self.n:
            return np.zeros(len(scores), np.int64)
        x, at = _x(scores), np.minimum(steps, self.steps - 1)
        counts = np.append(0, self.counts)
        number = np.zeros(len(x), np.int64)
        # A row's scores fall, so what is at or above lies before the first that is below.
        for step in np.unique(at):
            here = at == step
            number[here] = counts[np.searchsorted(-self.scores[step], -x[here], side="right")]
        return number

    def rarity(self, scores: NDArray[Any], steps: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return -log of the share of benign callers that reach scores (m,) at the ages of steps (m,)."""
        if not self.n:
            return np.zeros(len(scores))
        at = np.minimum(steps, self.steps - 1)
        ranked = -np.log((1 + np.maximum(self.above(scores, steps), self.apart[at])) / (self.n + 1))
        beyond = _x(scores).astype(np.float64) - self._highest[at] - self.margins[at]
        rarity: NDArray[np.float64] = ranked + np.maximum(beyond, 0.0) / self.scales[at]
        return np.where(scores > 0, rarity, 0.0)

    def score_at(self, rarity: float, steps: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the least scores (m,) that are at least so rare at the ages of steps (m,)."""
        at = np.minimum(steps, self.steps - 1)
        over = (rarity - np.log((self.n + 1) / (1 + self.apart[at]))) * self.scales[at] + self.margins[at]
        beyond = np.expm1(self._highest[at] + np.maximum(over, 1e-6))
        allowed = int(np.floor(np.exp(-rarity) * (self.n + 1) + 1e-9)) - 1
        within = int(np.searchsorted(self.counts, max(allowed, 0), side="right"))
        first = self.scores[at, min(within, self.scores.shape[1] - 1)]
        inside = np.floor(np.expm1(first.astype(np.float64)) + 1e-3) + 1
        least: NDArray[np.float64] = np.where(allowed < self.apart[at], beyond, inside)
        return least

    @property
    def _highest(self) -> NDArray[np.float64]:
        """Return the highest benign x at each step (g,); where there is no tail, at least that of a score of 1."""
        first = self.scores[np.arange(self.steps), self.apart].astype(np.float64)
        return np.where(self.margins > 0, np.maximum(first, np.log(2)), first)


def _x(scores: NDArray[Any]) -> NDArray[np.float32]:
    x: NDArray[np.float32] = np.log1p(np.maximum(scores, 0).astype(np.float64)).astype(np.float32)
    return x


def _kept(n: int) -> NDArray[np.int64]:
    """Return which of n falling scores are kept (k,)."""
    rest = np.linspace(KEPT, n - 1, THINNED).astype(np.int64) if n > KEPT else np.zeros(0, np.int64)
    return np.unique(np.concatenate([np.arange(min(n, KEPT)), rest]))


def _apart(falling: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many of the highest of n falling x (n, g) stand apart from the rest, at each step."""
    most = max(int(FEW_APART * len(falling)), int(len(falling) >= ENOUGH))
    gaps = falling[:most] - falling[1 : most + 1] >= APART
    lowest = np.arange(1, most + 1)[:, None]
    apart: NDArray[np.int64] = (gaps * lowest).max(axis=0, initial=0)
    return apart


def _tail(falling: NDArray[np.float64]) -> tuple[float, float]:
    """Return the scale beyond the highest of n falling x, and the margin before it begins."""
    positive = int((falling > 0).sum())
    if positive < POSITIVE:
        return SCALE, MARGIN
    most = min(max(round(TOP * len(falling)), FEW), MANY)
    top = min(most, positive - 1)
    excess = falling[:top] - falling[top]
    # One caller far beyond all others is no tail.
    excess = np.minimum(excess, 3 * max(median(excess), 1e-3)) if top else excess
    return (float(excess.sum()) + WEIGHT * SCALE) / (top + WEIGHT), 0.0
