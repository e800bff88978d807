"""A baseline explains itself: who taught it, what it can tell and what not, and what more would buy."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.app.inference.baseline.build import Near
from caponier.detect.calibration.ages import step_of
from caponier.detect.calibration.baseline import Baseline, DetectorBaseline, ModelBaseline
from caponier.detect.calibration.judging import FEWEST, LONGER
from caponier.detect.detector import Counts, EventDetector, Subject, in_parts, in_units
from caponier.detect.figure_words import score_words
from caponier.detect.registry import select
from caponier.detect.traffic_profile.behaviour_clusters import BehaviourCluster, habits
from caponier.engines.plan import DAY_US, CalibratedDetector, Plan
from caponier.formats.figures import figure

Nearest = Mapping[tuple[str, str], Sequence[Near]]
"""As a build reports them: by model and detector."""
CALLERS: Final = "callers"
BUILT_IN: Final = "runs with built-in thresholds:"
TYPICAL: Final = 100
"""Age at which a detector's threshold is told, in different queries or events: it grows with age."""
_SHORT: Final = "in less than a day (to give figures per week, it is counted as one day)"
"""A section keeps no span below a day: figures a week would else rest on hours."""
ENOUGH: Final = 1_000
"""Benign callers from which on more of them buy little."""


@dataclass(frozen=True)
class ThresholdStatus:
    """What one detector can tell on a model."""

    detector: str
    statistic: str
    whom: str
    """What its subjects are called."""
    counts: str
    """What their age is counted in."""
    learned: DetectorBaseline
    needed: float | None
    """The score that it takes alone, at an age of `TYPICAL`; None if it does not run."""
    cold: bool
    """Whether that is a limit for a cold start."""
    nearest: tuple[Near, ...]
    """The benign subjects with the largest scores; a file holds no names, so only a build knows them."""
    largest: float
    """How high benign subjects come."""
    part: float
    """What one of the detector's scores counts in units of the statistic, in which all these are told."""

    @property
    def words(self) -> str:
        """All that in a line."""
        return f"{self._needed}; {self._benign}"

    @property
    def why_not(self) -> str:
        """Why it does not run, or only for a cold start; empty if it does."""
        few = f"it needs {FEWEST} {self.whom} to compare with, but the log has {self.learned.ranks.n}"
        return self.learned.off or ("" if self.learned.ranks.n >= FEWEST else few)

    @property
    def state(self) -> str:
        """What comes of that, before the reason."""
        return "is off, because it" if self.learned.off else "does not run:" if self.needed is None else BUILT_IN

    @property
    def _needed(self) -> str:
        if self.needed is None:
            return f"{self.state} {self.why_not}"
        how = f"built-in: {self.why_not}" if self.cold else f"after {TYPICAL} {self.counts}"
        return f"raises a finding from {figure(self.needed)} on ({score_words(self.statistic)}, {how})"

    @property
    def _benign(self) -> str:
        reach = f"benign {self.whom} reach {figure(self.largest)}"
        names = [
            f"{near.name} {figure(near.value)}" + (f" ({_who(near.habit)})" if near.habit else "")
            for near in self.nearest
        ]
        return f"{reach}; the highest: {', '.join(names)}" if names else reach

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "threshold": self.needed,
            "age": TYPICAL,
            "basis": None if self.needed is None else "cold-start" if self.cold else "ranks",
            "benign": self.learned.ranks.n,
            "largest": self.largest,
            "off": self.learned.off,
        }


@dataclass(frozen=True)
class Story:
    """What a section of a baseline tells."""

    section: ModelBaseline
    groups: tuple[tuple[BehaviourCluster, int], ...]
    """How many callers have which habit, the largest group first."""
    statuses: tuple[ThresholdStatus, ...]

    @property
    def expected(self) -> float:
        """Benign callers that will be flagged in a week."""
        return self.section.alpha * self.section.callers_per_week

    @property
    def asked_for(self) -> int:
        """How many callers it takes to promise this share; with fewer it is an estimate."""
        # A share of 1/161 times 161 is a little less than 1 to a computer.
        return int(np.ceil(1 / self.section.alpha - 1e-9)) - 1

    @property
    def promise(self) -> str:
        """Which promise on false alarms it can keep."""
        section, n = self.section, self.section.principals
        if section.warm:
            return f"{section.warm.own} callers of version {section.version}; nothing is promised, only estimated"
        if n < FEWEST:
            return f"{n} callers; with fewer than {FEWEST} nothing can be promised, and scans use built-in thresholds"
        promised = (
            f"at most {100 * section.alpha:.3g}% of benign callers are flagged (about {self.expected:,.1f} a week) "
            f"in scans of logs up to {LONGER} times as long as this one"
        )
        needed = self.asked_for
        estimated = f"; this is an estimate: to promise it, learn from at least {needed:,} callers"
        return promised + ("" if n >= needed else estimated)

    @property
    def lines(self) -> Iterator[str]:
        """What a newcomer needs to know, a line each."""
        section, name = self.section, self.section.model
        taught = f"{section.principals:,} caller{'s' * (section.principals != 1)}"
        days = f"over {section.span / DAY_US:.1f} days" if section.span > DAY_US else _SHORT
        yield f"{name}: learned from {taught} and {section.events:,} events {days}"
        if self.groups:
            size = section.profile.size if section.profile else 0
            of = sum(count for _, count in self.groups)
            yield f"{name}: how the {of:,} callers with at least {size} different queries use it:"
            yield from (f"  {count:,} {habit}" for habit, count in self.groups)
        yield f"{name}: {self.promise}"
        seeing = [one.detector for one in self.statuses if one.needed is not None]
        yield f"{name}: detectors that run: {', '.join(seeing) or 'none'}"
        blind: dict[str, list[str]] = {}
        for one in self.statuses:
            if one.why_not:
                blind.setdefault(f"{one.state} {one.why_not}", []).append(one.detector)
        for why, names in blind.items():
            many = why.replace("does not run:", "do not run:", 1).replace("runs with", "run with", 1)
            many = many.replace("is off, because it", "are off, because each", 1).replace("it needs", "they need", 1)
            yield f"{name}: {', '.join(names)} {why if len(names) == 1 else many}"
        yield f"{name}: {self._tested}"
        yield from self._more

    @property
    def _tested(self) -> str:
        off = [one.detector for one in self.statuses if one.learned.off]
        if not self.section.tested:
            return "self-test not run; to see whether attacks stand out on this model, build with --self-test"
        if not off:
            return "self-test passed: each detector that ran could distinguish planted attackers from benign callers"
        many = "1 detector was" if len(off) == 1 else f"{len(off)} detectors were"
        return f"self-test: {many} switched off; the others could distinguish planted attackers from benign callers"

    @property
    def _more(self) -> Iterator[str]:
        """Say what more would buy."""
        section = self.section
        if section.warm:
            old, own = section.warm.version, section.warm.own
            yield (
                f"{section.model}: started warm, from version {old} and {own} callers of version {section.version}; "
                f"build again when {FEWEST} callers have used it"
            )
        elif section.principals < ENOUGH:
            yield (
                f"{section.model}: learn from more callers if you can, up to about {ENOUGH:,}: with few callers, "
                "only attackers who differ greatly from all of them are found"
            )

    @property
    def details(self) -> Iterator[str]:
        """What each detector goes by, a line each."""
        for status in self.statuses:
            yield f"{self.section.model}: {status.detector} {status.words}"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of what a section does not hold in so many words."""
        return {
            "promise": self.promise,
            "expected_per_week": round(self.expected, 4),
            "habits": {habit.name.lower(): count for habit, count in self.groups},
        }


def stories(baseline: Baseline, nearest: Nearest | None = None) -> list[Story]:
    """Tell what each section of a baseline holds.

    Args:
        baseline: Of one model or several.
        nearest: Who came nearest, where a build says so.
    """
    return [_story(section, nearest or {}) for section in baseline.models]


def _story(section: ModelBaseline, nearest: Nearest) -> Story:
    known = {detector.name: detector for detector in select()}
    statuses = [
        _standing(known[name], learned, section, nearest.get((section.model, name), ()))
        for name, learned in section.detectors.items()
        if name in known
    ]
    groups = Counter(habits(section.profile)).most_common() if section.profile else []
    return Story(section, tuple(groups), tuple(statuses))


def _standing(
    detector: EventDetector, learned: DetectorBaseline, section: ModelBaseline, nearest: Sequence[Near]
) -> ThresholdStatus:
    kind, priors = Plan.kind_of(detector), detector.priors()
    cold = learned.ranks.n < FEWEST
    limit = max(float(detector.floor), learned.least)
    needed: float | None = None
    if not learned.off and not cold and kind in section.tails:
        level = section.tails[kind].level(section.alpha_of(kind))
        needed = CalibratedDetector(detector, learned.params, limit, learned.ranks).needed(level, TYPICAL)
    elif not learned.off and cold and priors is not None:
        needed = priors[1]
    return ThresholdStatus(
        detector=detector.name,
        statistic=detector.statistic,
        whom="groups of similar queries" if kind is Subject.BUCKET else CALLERS,
        counts="different queries" if detector.counts is Counts.QUERIES else detector.counts.value,
        learned=learned,
        needed=None if needed is None else in_units(detector, needed),
        cold=cold,
        nearest=tuple(replace(one, value=in_units(detector, one.value)) for one in nearest),
        largest=in_units(detector, learned.peak),
        part=1 / in_parts(detector, 1),
    )


def benign_at(status: ThresholdStatus, age: int = TYPICAL) -> NDArray[np.float64]:
    """Return the benign scores (k,) that are kept of an age, falling."""
    ranks = status.learned.ranks
    step = min(int(step_of(np.array([age]))[0]), ranks.steps - 1)
    scores: NDArray[np.float64] = status.part * np.expm1(ranks.scores[step].astype(np.float64))
    return scores


def _who(habit: BehaviourCluster) -> str:
    """Turn what several do into what one does."""
    verb, _, rest = habit.partition(" ")
    return f"{verb}s {rest}"
