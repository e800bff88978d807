"""Benign callers as lives that are cut off: what each would have reached, had it gone on as others did.

The chain ladder of actuaries (Mack 1993): the usual growth from one age to the next, over those who went on, completes
the lives of those who did not. Usual is the median: most of those who went away had what they came for, and a burst of
a few who stayed is not what they missed. Whoever stands high already grows otherwise than who has just begun, so growth
is learned by height. So every benign caller is a reference at every age.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.calibration.ages import AGES
from caponier.detect.calibration.quantiles import median, quantiles

TRUST: Final = 10.0
"""Callers that weigh as much as the recent slope of growth."""
RECENT: Final = 8
"""Steps that the recent slope is taken over."""
HEIGHTS: Final = (0.5, 0.9)
"""Quantiles of those who have something at all, between which growth is learned together."""

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

    def only(self, chosen: NDArray[np.bool_]) -> "Lives":
        """Return the lives of some callers, told by (n,)."""
        return Lives(self.x[chosen], self.last[chosen])

    def completed(self, steps: int) -> NDArray[np.float64]:
        """Return the running maxima at each step as if everybody had gone on, (n, steps), steps >= 1.

        Among those who had nothing yet when they were cut off, as many are taken to have got something later as of
        those who went on; what they got is what others got then.
        """
        seen = min(self.x.shape[1], steps)
        full = np.zeros((len(self.last), steps))
        full[:, :seen] = self.x[:, :seen]
        if not full.any():
            return full
        growth, onset, late = _Growth(steps), self._onset(steps), _Latecomers(self)
        order = np.argsort(self.last, kind="stable")
        for step in range(1, steps):
            ended = self.last < step
            before = full[:, step - 1]
            rise = growth.after(before, self._risen(step), ended, float(_WIDTHS[step - 1]))
            full[ended, step] = np.where(before[ended] > 0, before[ended] + rise, 0.0)
            late.at(full, order, ended, step, onset[step - 1])
        return full

    def _risen(self, step: int) -> NDArray[np.float64]:
        """Return by how much each caller rose to a step, (n,); NaN for those who were not seen in it."""
        risen = np.full(len(self.last), np.nan)
        if step < self.x.shape[1]:
            on = self.last >= step
            risen[on] = self.x[on, step] - self.x[on, step - 1]
        return risen

    def _onset(self, steps: int) -> NDArray[np.float64]:
        """Return which share of those without anything gets something from each step to the next, (steps - 1,)."""
        onset, recent, seen = np.zeros(max(steps - 1, 0)), 0.0, self.x.shape[1]
        for step in range(min(steps, seen) - 1):
            nothing = (self.last > step) & (self.x[:, step] <= 0)
            first = nothing & (self.x[:, step + 1] > 0)
            onset[step] = (first.sum() + TRUST * recent) / (nothing.sum() + TRUST)
            recent = float(onset[max(0, step - RECENT) : step + 1].mean())
        onset[max(seen - 1, 0) :] = recent
        return onset


class _Growth:
    """The median growth from each step to the next, of low, middle and high callers by themselves."""

    def __init__(self, steps: int) -> None:
        self._slopes, self._known = np.zeros((steps, len(HEIGHTS) + 1)), 1

    def after(
        self, before: NDArray[np.float64], risen: NDArray[np.float64], ended: NDArray[np.bool_], width: float
    ) -> NDArray[np.float64]:
        """Return the growth (e,) of those callers who `ended` (n,), from where they stood `before` (n,).

        Args:
            before: Where everybody stood a step before.
            risen: (n,) by how much those rose who went on.
            ended: Who did not.
            width: Of the step, in log-age.
        """
        some = before > 0
        cuts = quantiles(before[some], HEIGHTS) if some.any() else np.zeros(len(HEIGHTS))
        height = np.searchsorted(cuts, before, side="right")
        first = max(0, self._known - RECENT)
        growth = self._slopes[first : self._known].sum(axis=0) / (self._known - first) * width
        went_on = some & ~ended
        for at in range(len(growth)):
            own = risen[went_on & (height == at)]
            usual = median(own) if len(own) else 0.0
            growth[at] = (len(own) * usual + TRUST * growth[at]) / (len(own) + TRUST)
        self._slopes[self._known] = growth / width
        self._known += 1
        found: NDArray[np.float64] = growth[height[ended]]
        return found


class _Latecomers:
    """Gives something to those who were cut off with nothing, as many as the share of those who went on says."""

    def __init__(self, lives: Lives) -> None:
        begins = np.argmax(lives.x > 0, axis=1)
        first = lives.x[np.arange(len(begins)), begins]
        some = (first > 0) & (begins <= lives.last)
        self._begins, self._first, self._owed = begins[some], first[some], 0.0

    def at(
        self, full: NDArray[np.float64], order: NDArray[np.int64], ended: NDArray[np.bool_], step: int, share: float
    ) -> None:
        """Complete a column: `full` (n, steps) up to `step`, of the callers `ended` before it."""
        nothing = order[ended[order] & (full[order, step] <= 0)]
        self._owed += share * len(nothing)
        due = min(int(self._owed), len(nothing))
        if not due:
            return
        firsts = self._firsts(step)
        if not len(firsts):
            return
        self._owed -= due
        # Spread over the callers, and over what others got first, so that neither end is preferred.
        chosen = nothing[np.linspace(0, len(nothing) - 1, due).astype(np.int64)]
        full[chosen, step] = quantiles(firsts, (np.arange(due) + 0.5) / due)

    def _firsts(self, step: int) -> NDArray[np.float64]:
        """Return what callers had when they first had something, at about this step; of all steps where few did."""
        near = np.abs(self._begins - step) <= RECENT
        found: NDArray[np.float64] = self._first[near] if near.sum() >= TRUST else self._first
        return found
