"""From scores to triggers: the maximum over a horizon, its rank among benign subjects, and the alert budget.

The promise is about subjects over a horizon of different queries, because the events of one subject depend on each
other: a camera or a poller makes a hundred near pairs by itself. Benign maxima come from subjects that were not used to
fit the detector (cross-fitting), so that with n of them the rank of a new subject's maximum is one of n + 1 equally
likely ones: p = (1 + number of benign maxima at or above it) / (n + 1). Nothing below 1 / (n + 1) can be promised that
way; beyond it an exponential tail is fitted to the largest maxima (Pickands 1975, with a shape of zero) and labelled an
estimate.

Subjects of the benign log that look like attackers are set aside: their maximum counts as infinite. So they do not set
the threshold, but each of them still takes its place in the ranks: with t set aside nothing below (t + 1) / (n + 1) can
be promised.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.records.finding import Basis

HORIZON: Final = 200
"""Different queries of one subject over which the maximum is taken."""
LONG: Final = 2
"""Times what a detector remembers from which on a horizon is long: most of it is scored from full memory."""
FEWEST: Final = 50
"""Benign subjects with a whole horizon below which there is nothing to rank against."""
MAX_BOUND: Final = 0.02
"""However generous the alert budget: at most this share of benign horizons may raise an alert, all detectors
together."""
ASIDE: Final = 0.05
"""At most this share of benign subjects is set aside; if more of them look like attackers, benign traffic does."""
TAIL: Final = 0.9
"""Quantile above which the tail is fitted."""
PESSIMISM: Final = 1.645
"""Standard errors by which the tail is taken to be heavier than it looks (a one-sided 95 % limit)."""


@dataclass(frozen=True)
class Maxima:
    """One maximum for each benign subject."""

    full: NDArray[np.float64]
    """(n,) of subjects that filled a horizon: what a promise is counted in; infinite for those set aside."""
    partial: NDArray[np.float64]
    """(m,) of subjects that did not: they can only speak against an alarm."""
    peak: float = 0.0
    """The largest over all horizons, of those who were not set aside: `full` holds one horizon of each subject."""

    def above(self, value: float) -> int:
        """Count the benign maxima at or above a value."""
        return int((self.full >= value).sum() + (self.partial >= value).sum())

    def p_value(self, value: float) -> float:
        """Return the share of benign horizons that may reach a value, as far as ranks can tell."""
        return min(1.0, (1 + self.above(value)) / (len(self.full) + 1))

    @property
    def aside(self) -> int:
        """Number of subjects that were set aside."""
        return int(np.isinf(self.full).sum() + np.isinf(self.partial).sum())

    @property
    def largest(self) -> float:
        """The largest maximum of those that were not set aside, whichever horizon it is from."""
        values = np.concatenate([self.full, self.partial])
        return float(values[np.isfinite(values)].max(initial=self.peak))


@dataclass(frozen=True)
class Threshold:
    """A score above `value` is an alert."""

    value: float
    basis: Basis
    bound: float
    """Share of benign horizons that may raise an alert of this detector."""
    maxima: Maxima | None
    """None at a cold start."""

    def confidence(self, score: float, cap: float) -> float:
        """Map basis and rank to a confidence from 0 to 1, at most `cap`.

        A promise gives 1 - 10 p; an estimate the same, but at most 0.9; a cold start 0.5.
        """
        sure = 0.5 if self.maxima is None else 1 - 10 * self.maxima.p_value(score)
        if self.basis is Basis.ESTIMATE:
            sure = min(sure, 0.9)
        return round(max(0.0, min(sure, cap)), 2)


def threshold(maxima: Maxima, bound: float, floor: float) -> Threshold | None:
    """Find the score that benign subjects pass in at most the share `bound` of their horizons.

    Args:
        maxima: Benign maxima, cross-fitted.
        bound: From 0 to 1.
        floor: The least threshold.

    Returns:
        A promise where n maxima allow it, an estimate beyond, None with too few of them.
    """
    n = len(maxima.full)
    if n < FEWEST:
        return None
    bound = min(bound, MAX_BOUND)
    allowed = int(np.floor(bound * (n + 1) + 1e-9)) - 1
    if allowed >= 0:
        ranked = np.sort(np.concatenate([maxima.full, maxima.partial]))[::-1]
        if np.isfinite(ranked[allowed]):
            return Threshold(max(float(ranked[allowed]), floor), Basis.PROMISE, bound, maxima)
    tail = _tail(maxima.full[np.isfinite(maxima.full)], bound)
    return Threshold(max(tail, maxima.largest, floor), Basis.ESTIMATE, bound, maxima)


def _tail(full: NDArray[np.float64], bound: float) -> float:
    """Extrapolate to the value that a share `bound` of maxima exceeds."""
    if not full.size:
        return 0.0
    start = float(np.quantile(full, TAIL))
    excess = full[full > start] - start
    if not excess.size:
        return start
    scale = float(excess.mean()) * (1 + PESSIMISM / np.sqrt(excess.size))
    # Where fewer than the bound lie beyond its start, the start will do: many scores are small whole numbers.
    return float(start + scale * max(0.0, np.log(excess.size / full.size / bound)))


@dataclass(frozen=True)
class BackTest:
    """How often held-out benign subjects passed a threshold that was set without them."""

    bound: float
    seen: int
    of: int

    @property
    def expected(self) -> float:
        """How many were expected to pass."""
        return self.bound * self.of

    @property
    def failed(self) -> bool:
        """Whether many more passed than were expected: by three standard deviations."""
        return self.seen > self.expected + 3 * float(np.sqrt(self.expected))


def back_test(full: NDArray[np.float64], folds: NDArray[np.int64], floor: float) -> BackTest:
    """Set an estimated threshold on four fifths of the benign subjects, count the alerts on the rest, five times over.

    Args:
        full: (n,) maxima.
        folds: (n,) fold of each, from 0.
        floor: The least threshold.
    """
    known = np.isfinite(full)
    full, folds = full[known], folds[known]
    # Held-out subjects are few, so the bound is one at which some of them are expected to pass.
    bound = max(0.01, 2 / max(len(full), 20))
    seen = 0
    for fold in np.unique(folds):
        rest = full[folds != fold]
        if rest.size:
            seen += int((full[folds == fold] > max(_tail(rest, bound), floor)).sum())
    return BackTest(bound, seen, len(full))


def triggers(
    scores: NDArray[np.int64],
    ordinal: NDArray[np.int64],
    subject: NDArray[np.int64],
    fired: NDArray[np.int64],
    value: float,
    horizon: int,
    *,
    lasting: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the first score above the threshold in each horizon of each subject.

    Args:
        scores: (n,) of different queries.
        ordinal: (n,) how many different queries the subject has made, including this one.
        subject: (n,) index of the subject.
        fired: (s,) the last horizon, from 1, in which the subject raised an alert; 0 for none.
        value: The threshold.
        horizon: Different queries in a horizon.
        lasting: Whether an alert that goes on from one horizon into the next is still the same one; a flood of ten
            thousand events is one alert and not fifty.

    Returns:
        The rows that trigger, and the new (s,) `fired`.
    """
    rows = np.flatnonzero(scores > value)
    if not rows.size:
        return rows, fired
    turn = (ordinal[rows] - 1) // horizon + 1
    new = turn > fired[subject[rows]]
    rows, turn = rows[new], turn[new]
    _, first = np.unique(np.stack([subject[rows], turn]), axis=1, return_index=True)
    rows, turn = rows[np.sort(first)], turn[np.sort(first)]
    after = fired.copy()
    np.maximum.at(after, subject[rows], turn)
    if lasting and rows.size:
        who = subject[rows]
        before = np.where(np.diff(who, prepend=-1) == 0, np.roll(turn, 1), fired[who])
        rows = rows[(before == 0) | (turn > before + 1)]
    return rows, after


@dataclass
class HorizonMaxima:
    """Gathers each subject's maximum over each of its horizons, whatever the batches."""

    horizon: int = HORIZON
    memory: int = 0
    """How far back a score looks, in what the horizon is counted in; 0 where it keeps sums alone."""
    _ids: dict[str, int] = field(default_factory=dict)
    """Number of each subject, in the order in which they came."""
    _parts: list[NDArray[np.int64]] = field(default_factory=list)
    """Of each batch, (4, h): the subject of each horizon in it, which one, its maximum, and the queries so far."""

    def add(
        self, names: list[str], scores: NDArray[np.int64], ordinal: NDArray[np.int64], subject: NDArray[Any]
    ) -> None:
        """Take the scores of different queries; arguments as in `triggers`, with the subjects' names."""
        if not len(scores):
            return
        turn = (ordinal - 1) // self.horizon
        begins = np.flatnonzero(np.diff(subject, prepend=-1) | np.diff(turn, prepend=-1))
        ends = np.append(begins[1:], len(scores)) - 1
        here, place = np.unique(subject[begins], return_inverse=True)
        ids = np.array([self._ids.setdefault(names[at], len(self._ids)) for at in here.tolist()])
        best = np.maximum.reduceat(scores, begins)
        self._parts.append(np.stack([ids[place], turn[begins], best, ordinal[ends]]))

    @property
    def horizons(self) -> int:
        """Number of horizons seen, begun ones included."""
        return len(self._joined()[0])

    def by_subject(self) -> dict[str, tuple[float, bool]]:
        """Return, for each subject, the maximum over one horizon and whether it was a whole one.

        Of several whole horizons the middle one is taken: one a subject, since a subject's horizons depend on each
        other, and not the largest, since a promise is given for each horizon.

        While a detector still remembers less than it can its scores are low, and say nothing about later ones. So where
        horizons are short, those that begin meanwhile do not count; and of a subject who asked for no longer the
        maximum over all of its queries is taken.
        """
        subject, best, seen = self._joined()
        whole, cold = self._whole(subject, seen), self._cold
        if not whole.size:
            return {}
        # All horizons before a subject's last one were seen, too: they stand side by side.
        begins = np.searchsorted(subject, np.arange(len(whole)))
        told = best[begins + np.where(whole > cold, cold + (whole - cold) // 2, 0)]
        if cold:
            told = np.where(whole > cold, told, np.maximum.reduceat(best, begins))
        return dict(zip(self._ids, zip(told.astype(float).tolist(), (whole > 0).tolist(), strict=True), strict=True))

    def peaks(self) -> dict[str, float]:
        """Return each subject's maximum over all of its horizons, begun ones included."""
        subject, best, _ = self._joined()
        begins = np.searchsorted(subject, np.arange(len(self._ids)))
        highest = np.maximum.reduceat(best, begins) if begins.size else begins
        return dict(zip(self._ids, highest.astype(float).tolist(), strict=True))

    @property
    def remembered(self) -> int:
        """Number of subjects of whom a whole horizon was scored from full memory, or from as good as that."""
        cold = self._cold if self.horizon <= self.memory else 0
        subject, _, seen = self._joined()
        return int((self._whole(subject, seen) > cold).sum())

    @property
    def _cold(self) -> int:
        """Number of horizons that begin before a detector remembers all that it can; 0 where they are long."""
        return 0 if self.horizon >= LONG * self.memory else -(-self.memory // self.horizon)

    def _whole(self, subject: NDArray[np.int64], seen: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many whole horizons each subject filled; one who came back after a long silence began anew."""
        queries = np.zeros(len(self._ids), np.int64)
        np.maximum.at(queries, subject, seen)
        return queries // self.horizon

    def _joined(self) -> NDArray[Any]:
        """Return subject, maximum and queries of each horizon once, (3, h), by subject; no maximum is negative."""
        subject, turn, best, seen = np.concatenate([np.zeros((4, 0), np.int64), *self._parts], axis=1)
        order = np.lexsort([turn, subject])
        subject, turn, best, seen = subject[order], turn[order], np.maximum(best[order], 0), seen[order]
        first = np.flatnonzero(np.diff(subject, prepend=-1) | np.diff(turn, prepend=-1))
        if not first.size:
            return np.zeros((3, 0), np.int64)
        reduced = [np.maximum.reduceat(column, first) for column in (best, seen)]
        return np.stack([subject[first], *reduced])
