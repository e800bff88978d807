"""Whether traffic is still like that of a baseline: without that no rank among benign callers means anything.

Callers are compared, not events, because the events of one caller depend on each other: for each trait of a profile a
two-sample test of Kolmogorov and Smirnov (1939), all traits together at a level of `LEVEL` (Bonferroni). A difference
that is sure but small is no drift (`LEAST`). Answers are also compared by how many callers ever get them. Pace is not
compared: it changes with the hour of the day.
"""

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from caponier.detect.traffic_profile.profile import TrafficProfile, Values

LEVEL: Final = 0.005
"""Share of stable logs that are called drifted, at most, if callers are independent."""
LEAST: Final = 0.15
"""How far the mean must have moved, held against how far single queries lie apart: one day's pictures are not those of
the next, and yet of the same kind."""
ERRORS: Final = 3.0
"""Standard errors by which the mean is taken to have moved less than it seems."""
UNITS: Final = 2**20
"""Traits are added up in whole units of one in so many, so that the order does not matter."""
FEWEST: Final = 20
"""Callers with a whole window below which nothing is said."""
ANSWER: Final = "answer "
LEAST_ANSWER: Final = 0.5
"""The same of how often an answer comes: callers of one class lie far apart, and the mean is a few callers' affair."""
FEWER: Final = 0.5
"""An answer that at most so many callers ever get, of those of the other time, comes less often: most callers get most
answers now and then, whatever they ask for."""
BINS: Final = 64
NOT_COMPARED: Final = ("pace", "quick", "together")


@dataclass(frozen=True)
class TraitChange:
    """A trait that callers no longer show as they did."""

    trait: str
    """A name of `Profile.columns`."""
    before: float
    """Of the mean caller."""
    after: float
    moved: float
    """By how many standard deviations of single queries."""
    p_value: float
    """Of this trait alone."""


@dataclass(frozen=True)
class Drift:
    """What a comparison gave."""

    callers: int
    """Of the new traffic, that made a whole window."""
    known: int
    """Of the profile."""
    changes: tuple[TraitChange, ...]
    """The most changed trait first."""

    @property
    def stale(self) -> bool | None:
        """Whether the traffic is another one; None where there are too few callers to tell."""
        return None if min(self.callers, self.known) < FEWEST else bool(self.changes)


@dataclass(frozen=True, eq=False)
class TraitHistogram:
    """How many callers showed a trait up to each of some values: no larger for a longer log."""

    edges: Values
    """(t, b) values of each compared trait, rising."""
    counts: NDArray[np.int64]
    """(t, b + 1) callers up to each of them and not up to the one before, and beyond the last."""
    totals: NDArray[np.int64]
    """(t,) of all callers together, in `UNITS`."""

    @classmethod
    def over(cls, profile: TrafficProfile) -> Self:
        """Return an empty tally over the values that the profile's callers show."""
        rows = profile.rows[:, _compared(profile)]
        shares = np.linspace(0, 1, BINS)
        edges = [
            np.quantile(known, shares, method="lower") if (known := column[np.isfinite(column)]).size else 0 * shares
            for column in rows.T
        ]
        edges_ = np.array(edges, np.float32).reshape(-1, BINS)
        # Of an answer it is counted besides who never gets it.
        edges_[_answers(profile), 0] = 0
        return cls(edges_, np.zeros((len(edges_), BINS + 1), np.int64), np.zeros(len(edges_), np.int64))

    def with_rows(self, profile: TrafficProfile, rows: Values) -> Self:
        """Return the tally with the traits (n, t) of further callers."""
        found = rows[:, _compared(profile)]
        counts = self.counts.copy()
        for place, (edges, column) in enumerate(zip(self.edges, found.T, strict=True)):
            known = column[np.isfinite(column)]
            counts[place] += np.bincount(np.searchsorted(edges, known), minlength=BINS + 1)
        totals = self.totals + np.rint(np.nan_to_num(found).astype(np.float64) * UNITS).astype(np.int64).sum(axis=0)
        return type(self)(self.edges, counts, totals)

    def plus(self, other: Self) -> Self:
        """Return both together; they must be over the same profile."""
        return type(self)(self.edges, self.counts + other.counts, self.totals + other.totals)

    @property
    def means(self) -> NDArray[np.float64]:
        """(t,) of those callers of whom a trait is known."""
        means: NDArray[np.float64] = self.totals / UNITS / self.counts.sum(axis=1).clip(1)
        return means

    @property
    def callers(self) -> int:
        """Callers counted."""
        return int(self.counts.sum(axis=1).max(initial=0))


def compare(profile: TrafficProfile, seen: TraitHistogram) -> Drift:
    """Tell whether the callers of a tally are like those of the profile that it is over."""
    known = TraitHistogram.over(profile).with_rows(profile, profile.rows)
    names = [name for name, compared in zip(profile.columns, _compared(profile), strict=True) if compared]
    n, m = known.counts.sum(axis=1), seen.counts.sum(axis=1)
    enough = (n >= FEWEST) & (m >= FEWEST)
    before, after = (tally.counts.cumsum(axis=1)[:, :-1] for tally in (known, seen))
    distance = np.abs(before / n.clip(1)[:, None] - after / m.clip(1)[:, None]).max(axis=1, initial=0) * enough
    chance = _chance(distance, n, m)
    spread = np.maximum(np.nan_to_num(profile.spread[_compared(profile)].astype(np.float64)), 1 / UNITS)
    # As if the new callers lay as far apart as the known ones do.
    error = _deviation(profile) * np.sqrt(1 / n.clip(1) + 1 / m.clip(1))
    gap = np.abs(seen.means - known.means)
    moved, at_least = gap / spread, (gap - ERRORS * error) / spread
    told = _answers(profile)
    reach = 1 - before[:, 0] / n.clip(1), 1 - after[:, 0] / m.clip(1)
    rarer = told & enough & (np.minimum(*reach) <= FEWER * np.maximum(*reach))
    rarely = np.where(rarer, _chance_of_shares(*reach, n, m), 1.0)
    tests = max(1, int(enough.sum() + (told & enough).sum()))
    moves = enough & (chance * tests < LEVEL) & (at_least >= np.where(told, LEAST_ANSWER, LEAST))
    sure, chance = moves | (rarely * tests < LEVEL), np.minimum(chance, rarely)
    changes = [
        TraitChange(names[at], float(known.means[at]), float(seen.means[at]), float(moved[at]), float(chance[at]))
        for at in np.flatnonzero(sure).tolist()
    ]
    changes.sort(key=lambda change: (-change.moved, change.trait))
    return Drift(seen.callers, len(profile.rows), tuple(changes))


def _chance_of_shares(
    one: NDArray[np.float64], other: NDArray[np.float64], n: NDArray[np.int64], m: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return how often two shares of n and m callers of one kind lie so far apart (normal approximation)."""
    joint = (one * n + other * m) / (n + m).clip(1)
    error = np.sqrt(joint * (1 - joint) * (1 / n.clip(1) + 1 / m.clip(1)))
    errors = np.abs(one - other) / np.maximum(error, np.finfo(np.float64).tiny)
    return np.array([math.erfc(value / math.sqrt(2)) for value in errors.tolist()], np.float64)


def _compared(profile: TrafficProfile) -> NDArray[np.bool_]:
    return ~np.isin(profile.columns, NOT_COMPARED)


def _answers(profile: TrafficProfile) -> NDArray[np.bool_]:
    """Tell which of the compared traits are shares of answers, (t,)."""
    return np.array([name.startswith(ANSWER) for name in profile.columns], bool)[_compared(profile)]


def _deviation(profile: TrafficProfile) -> NDArray[np.float64]:
    """Return how far callers lie apart in each compared trait, (t,)."""
    rows = profile.rows[:, _compared(profile)].astype(np.float64)
    there = np.isfinite(rows)
    count = there.sum(axis=0).clip(1)
    mean = np.where(there, rows, 0).sum(axis=0) / count
    deviation: NDArray[np.float64] = np.sqrt((np.where(there, rows - mean, 0) ** 2).sum(axis=0) / count)
    return deviation


def _chance(distance: NDArray[np.float64], n: NDArray[np.int64], m: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how often samples of n and m of one kind lie so far apart (Stephens 1970)."""
    size = np.sqrt(n * m / (n + m).clip(1))
    reach = (size + 0.12 + 0.11 / size.clip(1)) * distance
    terms = np.arange(1, 101)[:, None]
    series = 2 * ((-1.0) ** (terms - 1) * np.exp(-2 * terms**2 * reach**2)).sum(axis=0)
    chance: NDArray[np.float64] = np.where(reach < 0.2, 1.0, series.clip(0, 1))
    return chance
