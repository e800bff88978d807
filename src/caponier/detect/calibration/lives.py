"""Benign callers as lives that are cut off: what each would have reached, had it gone on as others did.

The chain ladder of actuaries (Mack 1993): the mean growth from one age to the next, over those who went on, completes
the lives of those who did not. So every benign caller is a reference at every age.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.calibration.ages import AGES

TRUST: Final = 10.0
"""Callers that weigh as much as the recent slope of growth."""
RECENT: Final = 8
"""Steps that the recent slope is taken over."""

_WIDTHS: Final = np.log(AGES[1:] / AGES[:-1])


@dataclass(frozen=True)
class Lives:
    """Running maxima of one detector's scores, x = log(1 + maximum), of n benign callers.

    Args:
        x: (n, g) at each step of age; beyond a caller's last one it does not matter.
        last: (n,) the last step that each caller was seen in.
    """

    x: NDArray[np.float64]
    last: NDArray[np.int64]

    def completed(self, steps: int) -> NDArray[np.float64]:
        """Return the running maxima at each step as if everybody had gone on, (n, steps), steps >= 1.

        Among those who had nothing yet when they were cut off, as many are taken to have got something later as of
        those who went on; what they got is what others got then.
        """
        n, seen = self.x.shape
        full = np.zeros((n, steps))
        whole = min(seen, steps)
        full[:, :whole] = self.x[:, :whole]
        growth, onset = self._growth(steps), self._onset(steps)
        order = np.argsort(self.last, kind="stable")
        late = _Latecomers(self, growth)
        for step in range(1, steps):
            ended = self.last < step
            before = full[ended, step - 1]
            full[ended, step] = np.where(before > 0, before + growth[step - 1], 0.0)
            late.at(full, order, ended, step, onset[step - 1])
        return full

    def _growth(self, steps: int) -> NDArray[np.float64]:
        """Return the mean growth of x from each step to the next, (steps - 1,), of those who had something."""
        growth, slopes = np.zeros(max(steps - 1, 0)), [0.0]
        for step in range(steps - 1):
            here = self._going_on(step)
            rise = self.x[here, step + 1] - self.x[here, step] if here.any() else np.zeros(0)
            recent = float(np.mean(slopes[-RECENT:]))
            width = _WIDTHS[step]
            growth[step] = (float(rise.sum()) + TRUST * recent * width) / (len(rise) + TRUST)
            slopes.append(growth[step] / width)
        return growth

    def _going_on(self, step: int) -> NDArray[np.bool_]:
        if step + 1 >= self.x.shape[1]:
            return np.zeros(len(self.last), bool)
        return (self.last > step) & (self.x[:, step] > 0)

    def _onset(self, steps: int) -> NDArray[np.float64]:
        """Return which share of those without anything gets something from each step to the next, (steps - 1,)."""
        onset, recent = np.zeros(max(steps - 1, 0)), 0.0
        for step in range(min(steps, self.x.shape[1]) - 1):
            nothing = (self.last > step) & (self.x[:, step] <= 0)
            first = nothing & (self.x[:, step + 1] > 0)
            onset[step] = (first.sum() + TRUST * recent) / (nothing.sum() + TRUST)
            recent = float(onset[max(0, step - RECENT) : step + 1].mean())
        onset[max(self.x.shape[1] - 1, 0) :] = recent
        return onset


class _Latecomers:
    """Gives something to those who were cut off with nothing, as many as the share of those who went on says."""

    def __init__(self, lives: Lives, growth: NDArray[np.float64]) -> None:
        self._lives, self._growth = lives, growth
        self._owed = 0.0

    def at(
        self, full: NDArray[np.float64], order: NDArray[np.int64], ended: NDArray[np.bool_], step: int, share: float
    ) -> None:
        """Complete a column: `full` (n, steps) up to `step`, of the callers `ended` before it."""
        nothing = order[ended[order] & (full[order, step] <= 0)]
        self._owed += share * len(nothing)
        due = int(self._owed)
        if not due or not len(nothing):
            return
        firsts = self._firsts(step)
        if not len(firsts):
            return
        self._owed -= due
        # Spread over the callers, and over what others got first, so that neither end is preferred.
        chosen = nothing[np.linspace(0, len(nothing) - 1, due).astype(np.int64)]
        full[chosen, step] = np.quantile(firsts, (np.arange(len(chosen)) + 0.5) / len(chosen))

    def _firsts(self, step: int) -> NDArray[np.float64]:
        """Return what callers had when they first had something, at about this step; of all steps where few did."""
        x, last = self._lives.x, self._lives.last
        begins = np.argmax(x > 0, axis=1)
        some = (x[np.arange(len(x)), begins] > 0) & (begins <= last)
        near = some & (np.abs(begins - step) <= RECENT)
        chosen = near if near.sum() >= TRUST else some
        return x[chosen, begins[chosen]]
