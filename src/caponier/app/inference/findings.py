"""From what an engine detected to a finding: the same words and figures for a log and for a guard."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

import numpy as np

from caponier.app.inference.plan import DEFAULT_BUDGET, ModelDetection
from caponier.detect.calibration.ages import step_of
from caponier.detect.calibration.joint_tail import UNIT
from caponier.detect.detector import Subject, in_units
from caponier.detect.wording import how_many
from caponier.engines.judge import Detection
from caponier.engines.plan import COLD_LEVEL, DAY_US, CalibratedDetector, Plan
from caponier.records.accused import BUCKET, NAMES
from caponier.records.alert_budget import AlertBudget
from caponier.records.finding import Basis, Evidence, Expected, Finding, Said, SubjectRef
from caponier.records.finding_builder import build_finding
from caponier.records.inventory import Workspace

FALLBACK: Final = 0.8
"""Confidence is multiplied by this where the subject is a session or an address instead of a principal."""

NAMED: Final = 20
"""Principals that a finding about like queries of many callers names."""
IN_TURN: Final = 1 / 3
"""Of what whoever sent most of like queries did: who sent less took no turns, but asks in a popular cell. Of ten
accounts that are drawn at random for each of thirty queries, three in four send that much."""
WEEK_US: Final = 7 * DAY_US
ALONE: Final = 0.8
"""Share of like queries from which on they are said to be one caller's."""


@dataclass(frozen=True)
class CallerFacts:
    """What the events say of whom a detection names by their place alone."""

    trigger_id: str
    event_ids: tuple[str, ...]
    """Of the evidence with the trigger, in order."""
    first_time: datetime
    last_time: datetime
    system: str | None
    version: str | None
    senders: tuple[str, ...] = ()
    """Who sent each event of the evidence, in order, as far as that is known."""

    @property
    def principals(self) -> tuple[str, ...]:
        """Who sent the evidence, in order of their first event of it."""
        return tuple(dict.fromkeys(self.senders))

    @property
    def in_turn(self) -> tuple[str, ...]:
        """Who sent about as much of the evidence as others, in the same order: those who share it out."""
        sent = Counter(self.senders)
        least = IN_TURN * max(sent.values(), default=0)
        return tuple(who for who in self.principals if sent[who] >= least)

    @property
    def alone(self) -> bool:
        """Whether one caller sent nearly all of it."""
        return bool(self.senders) and Counter(self.senders).most_common(1)[0][1] >= ALONE * len(self.senders)

    @property
    def only(self) -> str | None:
        """Who sent all of it; None where that were several, or is not known of a part."""
        return self.senders[0] if len(set(self.senders)) == 1 and len(self.senders) == len(self.event_ids) else None

    @property
    def searcher(self) -> str | None:
        """Whose search it is: of nearly all of it, beside others who asked near it now and then; None as for `only`."""
        whole = self.alone and len(self.senders) == len(self.event_ids)
        return self.in_turn[0] if whole and len(self.in_turn) == 1 else None


class OwnFindings:
    """Callers of whom a finding of their own tells, and since when.

    What one caller sent alone, or nearly so, is told once, as that caller's: a search by one is not distributed. Where
    nothing else tells of it the finding about like queries stays, for it would be the only one.

    Args:
        most: Callers that are remembered, the last ones; None for all.
    """

    def __init__(self, most: int | None = None) -> None:
        self._since: OrderedDict[tuple[str, str], datetime] = OrderedDict()
        self._most = most

    @classmethod
    def restored(cls, kept: Iterable[tuple[str, str, str]], most: int | None = None) -> Self:
        """Return what was `kept` elsewhere."""
        own = cls(most)
        own._since.update({(model, who): datetime.fromisoformat(since) for model, who, since in kept})
        return own

    def kept(self) -> tuple[tuple[str, str, str], ...]:
        """Return what is remembered in plain values: model, caller, and since when."""
        return tuple((model, who, since.isoformat()) for (model, who), since in self._since.items())

    def add(self, found: Detection, moment: datetime) -> None:
        """Take note of what was detected, whose trigger came at a moment."""
        if found.kind == "principal":
            key = (found.model, found.subject)
            self._since[key] = min(moment, self._since.get(key, moment))
            if self._most is not None and len(self._since) > self._most:
                self._since.popitem(last=False)

    def forget(self, is_meant: Callable[[str], bool]) -> None:
        """Drop what is known of some principals."""
        self._since = OrderedDict((key, since) for key, since in self._since.items() if not is_meant(key[1]))

    def tell(self, found: Detection, caller: CallerFacts) -> bool:
        """Tell whether a finding of the one caller who sent nearly all of it says what a detection does already."""
        since = self._since.get((found.model, caller.searcher or ""))
        return found.kind == BUCKET and since is not None and since <= caller.last_time


def finding_of(
    found: Detection,
    case: ModelDetection,
    caller: CallerFacts,
    workspace: Workspace | None,
    budget: AlertBudget = DEFAULT_BUDGET,
) -> Finding:
    """Write the finding for a detection.

    Args:
        found: What was detected.
        case: What was run over the model's events.
        caller: What the events behind it say.
        workspace: Whose inventory knows the system and its criticality.
        budget: False alerts of which the user wants to be told at once.
    """
    line, how = case.line(found.detector), how_rare(found, case)
    detector = line.detector
    confidence = how.confidence(detector.max_confidence.cap)
    summary = found.explanation.summary
    facts = found.explanation.facts
    if found.kind == BUCKET:
        facts = facts | {"principals": len(caller.principals), NAMES: list(caller.in_turn[:NAMED])}
        summary += f". {_who(caller)}"
    elif found.kind != "principal":
        confidence = round(confidence * FALLBACK, 2)
        summary += f". The log does not name the caller; the {found.kind} stands for it"
    return build_finding(
        found.detector,
        SubjectRef(found.kind, found.subject, sender=found.sender),
        caller.trigger_id,
        confidence=confidence,
        techniques=detector.techniques,
        evidence=_evidence(found, line, how, case, facts),
        summary=summary,
        times=(caller.first_time, caller.last_time),
        system=workspace.system_of(found.model) if workspace else None,
        said_system=caller.system,
        model=found.model,
        model_version=caller.version,
        event_ids=caller.event_ids,
        unique_queries=found.queries,
        notify=how.within(budget),
    )


def _who(caller: CallerFacts) -> str:
    if caller.only:
        return "One caller sent all of them"
    if caller.alone:
        return "One caller sent nearly all of them"
    return f"{how_many(len(caller.principals), 'caller').capitalize()} sent them"


@dataclass(frozen=True)
class HowRare:
    """How many benign subjects come as high as what was found."""

    basis: Basis
    share: float | None
    """Of benign subjects; None at a cold start."""
    expected: Expected | None
    """In a week."""

    def confidence(self, cap: float) -> float:
        """Map basis and share to a confidence from 0 to 1, at most `cap`.

        A promise gives 1 - 10 times the share; an estimate the same, but at most 0.9; a cold start 0.5.
        """
        sure = 0.5 if self.share is None else 1 - 10 * self.share
        if self.basis is Basis.ESTIMATE:
            sure = min(sure, 0.9)
        return round(max(0.0, min(sure, cap)), 2)

    def within(self, budget: AlertBudget) -> bool:
        """Tell whether as many false alerts as come with it are within a budget."""
        if budget.bound is not None:
            return self.share is None or self.share <= budget.bound
        return self.expected is None or budget.per_week is None or self.expected.benign <= budget.per_week


def how_rare(found: Detection, case: ModelDetection) -> HowRare:
    """Say how many benign subjects are expected to come as high as what was found."""
    kind = Subject.BUCKET if found.kind == BUCKET else Subject.PRINCIPAL
    tail, section = case.plan.tails.get(kind), case.section
    if tail is None or section is None or case.line(found.detector).ranks is None:
        return HowRare(Basis.COLD_START, None, None)
    share, (low, high) = tail.share(found.strength), tail.interval(found.strength)
    weekly = section.callers_per_week if kind is Subject.PRINCIPAL else len(tail) * WEEK_US / section.span
    expected = Expected(*(round(one * weekly, 4) for one in (share, low, max(high, share))))
    # Nothing rarer than one in those who were seen can be told by rank.
    told = case.sure and share * (len(tail) + 1) >= 1
    return HowRare(Basis.PROMISE if told else Basis.ESTIMATE, share, expected)


def _evidence(
    found: Detection, line: CalibratedDetector, how: HowRare, case: ModelDetection, facts: dict[str, Any]
) -> Evidence:
    ranks, level = line.ranks, case.plan.levels.get(Plan.kind_of(line.detector), COLD_LEVEL)
    step = step_of(np.array([max(1, found.age)]))
    return Evidence(
        statistic=line.detector.statistic,
        value=in_units(line.detector, found.value),
        # What all detectors say together may be enough where each alone would ask for more.
        threshold=in_units(line.detector, min(line.needed(level, found.age), found.value)),
        above=int(ranks.above(np.array([found.value]), step)[0]) if ranks else 0,
        of=ranks.n if ranks else 0,
        age=found.age,
        basis=how.basis,
        share=how.share,
        expected=how.expected,
        beside=tuple(
            Said(one.detector, by.statistic, in_units(by, one.value), float(np.exp(-one.rarity / UNIT)))
            for one, by in ((one, case.line(one.detector).detector) for one in found.beside)
        ),
        facts=facts,
    )
