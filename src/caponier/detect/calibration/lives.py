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
from caponier.detect.calibration.quantiles import median, quantile, quantiles

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
        n, seen = len(self.last), min(self.x.shape[1], steps)
        if not self.x[:, :seen].any():
            return np.zeros((n, steps))
        # Step by step in rows, and whoever was cut off first stands first: at each step the first ones have ended.
        order = np.argsort(self.last, kind="stable")
        full = np.zeros((steps, n))
        full[:seen] = self.x[order, :seen].T
        rises = np.diff(full[:seen], axis=0)
        growth, onset, late = _Growth(steps), self._onset(steps), _Latecomers(self)
        for step, ended in enumerate(np.searchsorted(self.last[order], np.arange(1, steps)).tolist(), 1):
            before, now = full[step - 1], full[step, :ended]
            risen = rises[step - 1, ended:] if step < seen else np.zeros(0)
            rise = growth.after(before, risen, float(_WIDTHS[step - 1]))
            now[:] = np.where(before[:ended] > 0, before[:ended] + rise, 0.0)
            late.at(now, step, onset[step - 1])
        completed = np.empty((n, steps))
        completed[order] = full.T
        return completed

    def _onset(self, steps: int) -> NDArray[np.float64]:
        """Return which share of those without anything gets something from each step to the next, (steps - 1,)."""
        onset, recent, seen = np.zeros(max(steps - 1, 0)), 0.0, self.x.shape[1]
        on = np.arange(min(steps, seen) - 1)
        nothing = (self.last[:, None] > on) & (self.x[:, on] <= 0)
        first = nothing & (self.x[:, on + 1] > 0)
        for step, (some, of) in enumerate(zip(first.sum(axis=0), nothing.sum(axis=0), strict=True)):
            onset[step] = (some + TRUST * recent) / (of + TRUST)
            recent = float(onset[max(0, step - RECENT) : step + 1].mean())
        onset[max(seen - 1, 0) :] = recent
        return onset


class _Growth:
    """The median growth from each step to the next, of low, middle and high callers by themselves."""

    def __init__(self, steps: int) -> None:
        self._slopes, self._known = np.zeros((steps, len(HEIGHTS) + 1)), 1

    def after(self, before: NDArray[np.float64], risen: NDArray[np.float64], width: float) -> NDArray[np.float64]:
        """Return the growth (e,) of those callers who ended, from where they stood before.

        Args:
            before: (n,) where everybody stood a step before, those who ended first.
            risen: (n - e,) by how much those rose who went on.
            width: Of the step, in log-age.
        """
        ended = len(before) - len(risen)
        rising = np.sort(before[before > 0])
        low, high = (quantile(rising, share) for share in HEIGHTS) if len(rising) else (0.0, 0.0)
        first = max(0, self._known - RECENT)
        growth = self._slopes[first : self._known].sum(axis=0) / (self._known - first) * width
        for at, own in enumerate(_by_height(risen, before[ended:], low, high)):
            usual = median(own) if len(own) else 0.0
            growth[at] = (len(own) * usual + TRUST * growth[at]) / (len(own) + TRUST)
        self._slopes[self._known] = growth / width
        self._known += 1
        stood = before[:ended]
        found: NDArray[np.float64] = np.where(stood >= high, growth[2], np.where(stood >= low, growth[1], growth[0]))
        return found


def _by_height(
    risen: NDArray[np.float64], before: NDArray[np.float64], low: float, high: float
) -> tuple[NDArray[np.float64], ...]:
    """Return by how much those (m,) rose who had something, of low, middle and high ones by themselves."""
    some, middle, top = before > 0, before >= low, before >= high
    return risen[some & ~middle], risen[some & middle & ~top], risen[some & top]


class _Latecomers:
    """Gives something to those who were cut off with nothing, as many as the share of those who went on says."""

    def __init__(self, lives: Lives) -> None:
        begins = np.argmax(lives.x > 0, axis=1)
        first = lives.x[np.arange(len(begins)), begins]
        some = (first > 0) & (begins <= lives.last)
        self._begins, self._first, self._owed = begins[some], first[some], 0.0

    def at(self, now: NDArray[np.float64], step: int, share: float) -> None:
        """Complete what those (e,) have at a step who were cut off before it, in the order of when they were."""
        nothing = np.flatnonzero(now <= 0)
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
        now[chosen] = quantiles(firsts, (np.arange(due) + 0.5) / due)

    def _firsts(self, step: int) -> NDArray[np.float64]:
        """Return what callers had when they first had something, at about this step; of all steps where few did."""
        near = np.abs(self._begins - step) <= RECENT
        found: NDArray[np.float64] = self._first[near] if near.sum() >= TRUST else self._first
        return found
