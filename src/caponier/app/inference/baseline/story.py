"""A baseline explains itself: who taught it, where its thresholds lie, and what more would buy."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from caponier.app.inference.baseline.build import Near
from caponier.app.inference.plan import by_rank, estimate
from caponier.app.inference.promise import DEFAULT_BUDGET, bound_of
from caponier.detect.calibration.baseline import Baseline, DetectorBaseline, ModelBaseline
from caponier.detect.calibration.judging import FEWEST, MAX_BOUND, Threshold
from caponier.detect.detector import EventDetector, Subject
from caponier.detect.registry import select
from caponier.detect.traffic_profile.habits import Habit, habits
from caponier.engines.local import Plan
from caponier.records.alert_budget import AlertBudget
from caponier.records.finding import Basis

Nearest = Mapping[tuple[str, str], Sequence[Near]]
"""As a build reports them: by model and detector."""
CALLERS: Final = "principals"
BASES: Final = {
    Basis.PROMISE: "a promise",
    Basis.ESTIMATE: "an estimate",
    Basis.COLD_START: "a cold start",
}


@dataclass(frozen=True)
class Standing:
    """Where one detector's threshold lies, above whom and by what right."""

    detector: str
    statistic: str
    whom: str
    """What its subjects are called."""
    learned: DetectorBaseline
    line: Threshold | None
    """None if it does not run: too few subjects filled a horizon, and it knows no threshold for a cold start."""
    needed: int
    """Subjects with a whole horizon that make the budget's bound a promise."""
    per_week: float | None
    """The least budget that its subjects could promise; None where that is more than any budget buys."""
    fewest: int
    """Subjects with a whole horizon below which no budget makes a promise."""
    nearest: tuple[Near, ...]
    """The benign subjects with the largest maxima; a file holds no names, so only a build knows them."""

    @property
    def promised(self) -> bool:
        """Whether its threshold is a promise."""
        return self.line is not None and self.line.basis is Basis.PROMISE

    @property
    def words(self) -> str:
        """All that in a line."""
        parts = [self._threshold, self._benign]
        test = self.learned.back_test
        if test.of:
            parts.append(f"back-test: {test.seen} of {test.of} passed where {test.expected:.1f} were expected")
        if self.learned.maxima.aside and not self.promised:
            parts.append(f"with {self.learned.maxima.aside} set aside a promise needs {self.needed:,} {self.whom}")
        return "; ".join(parts)

    @property
    def _threshold(self) -> str:
        full = len(self.learned.maxima.full)
        few = f"only {full} {self.whom} filled a horizon, and {FEWEST} are needed"
        if full >= FEWEST:
            few = f"too few {self.whom} asked for longer than it looks back"
        if self.line is None:
            return f"does not run: {few}"
        basis = BASES[self.line.basis] + (f": {few}" if self.line.basis is Basis.COLD_START else "")
        return f"alerts above {self.line.value:,.4g} {self.statistic} ({basis})"

    @property
    def _benign(self) -> str:
        reach = f"benign {self.whom} reach {self.learned.maxima.largest:,.4g}"
        names = [
            f"{near.name} {near.value:,.4g}" + (f" ({_who(near.habit)})" if near.habit else "") for near in self.nearest
        ]
        return f"{reach}, the nearest: {', '.join(names)}" if names else reach

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        line = self.line
        return {
            "threshold": line.value if line else None,
            "basis": line.basis.value if line else None,
            "promise_needs": self.needed,
            "promise_at_per_week": self.per_week,
        }


@dataclass(frozen=True)
class Story:
    """What a section of a baseline tells."""

    section: ModelBaseline
    groups: tuple[tuple[Habit, int], ...]
    """How many callers have which habit, the largest group first."""
    standings: tuple[Standing, ...]

    @property
    def lines(self) -> Iterator[str]:
        """All of it, a line each."""
        section = self.section
        yield (
            f"{section.model}: learned from {section.principals:,} principals and {section.events:,} events; "
            f"{section.horizons_per_week:,.0f} horizons of {section.horizon} different queries begin in a week"
        )
        if self.groups:
            counted = ", ".join(f"{count:,} {habit}" for habit, count in self.groups)
            size = section.portrait.size if section.portrait else 0
            yield f"{section.model}: of those who asked {size} different things or more, {counted}"
        yield from self._more
        for standing in self.standings:
            yield f"{section.model}: {standing.detector} {standing.words}"

    @property
    def _more(self) -> Iterator[str]:
        """Say what budget would make promises of estimates."""
        if self.section.warm:
            old, own = self.section.warm.version, self.section.warm.own
            yield (
                f"{self.section.model}: started warm, from version {old} and {own} principals of version "
                f"{self.section.version}; thresholds are estimates until {FEWEST} principals of it fill a horizon"
            )
            return
        unsure = [one for one in self.standings if one.whom == CALLERS and not one.promised]
        budgets = [one.per_week for one in unsure if one.per_week]
        if unsure and len(budgets) == len(unsure):
            yield f"{self.section.model}: a budget of {max(budgets):,.1f} per week would make promises of the estimates"
        elif unsure:
            fewest = max(one.fewest for one in unsure)
            yield (
                f"{self.section.model}: below {fewest:,} principals no budget makes promises of the estimates, since "
                f"never more than {MAX_BOUND:.0%} of horizons may raise an alert"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of what a section does not hold in so many words."""
        return {"habits": {habit.name.lower(): count for habit, count in self.groups}}


def stories(baseline: Baseline, budget: AlertBudget = DEFAULT_BUDGET, nearest: Nearest | None = None) -> list[Story]:
    """Tell what each section of a baseline holds.

    Args:
        baseline: Of one model or several, which share the budget.
        budget: The false alerts that a user is ready to look at.
        nearest: Who came nearest, where a build says so.
    """
    return [_story(section, budget, baseline.horizons_per_week, nearest or {}) for section in baseline.models]


def _story(section: ModelBaseline, budget: AlertBudget, weekly: float, nearest: Nearest) -> Story:
    known = {detector.name: detector for detector in select()}
    learned = {name: one for name, one in section.detectors.items() if name in known}
    # As in a scan, the budget is spent by those alone that are judged by rank.
    sharing = max(1, sum(by_rank(known[name], one, MAX_BOUND) is not None for name, one in learned.items()))
    share = _Share(bound_of(budget, weekly), weekly, sharing, section.warm is not None)
    standings = [
        _standing(known[name], one, share, nearest.get((section.model, name), ())) for name, one in learned.items()
    ]
    groups = Counter(habits(section.portrait)).most_common() if section.portrait else []
    return Story(section, tuple(groups), tuple(standings))


@dataclass(frozen=True)
class _Share:
    """A detector's share of the budget."""

    total: float
    """Share of benign horizons that may raise an alert, all detectors together."""
    weekly: float
    """Horizons that begin in a week."""
    among: int
    """Detectors that share the budget."""
    warm: bool
    """Whether nothing can be promised, for most of it is known from another version."""


def _standing(detector: EventDetector, learned: DetectorBaseline, given: _Share, nearest: Sequence[Near]) -> Standing:
    maxima, bound = learned.maxima, given.total / given.among
    line, priors = by_rank(detector, learned, bound), detector.priors()
    if line and given.warm:
        line = estimate(line)
    if line is None and priors is not None:
        line = Threshold(priors[1], Basis.COLD_START, bound, None)
    promised = given.among * (1 + maxima.aside) / (len(maxima.full) + 1)
    possible = len(maxima.full) >= FEWEST and promised <= MAX_BOUND
    return Standing(
        detector=detector.name,
        statistic=detector.statistic,
        whom="cells of like queries" if Plan.kind_of(detector) is Subject.BUCKET else CALLERS,
        learned=learned,
        line=line,
        needed=math.ceil((1 + maxima.aside) / bound) - 1,
        per_week=promised * given.weekly if possible else None,
        fewest=max(FEWEST, math.ceil(given.among * (1 + maxima.aside) / MAX_BOUND) - 1),
        nearest=tuple(nearest),
    )


def _who(habit: Habit) -> str:
    """Turn what several do into what one does."""
    verb, _, rest = habit.partition(" ")
    return f"{verb}s {rest}"
