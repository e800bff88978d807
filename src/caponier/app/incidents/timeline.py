"""The timeline of an incident for people: each thing that was seen once, however many tactics and rules name it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from caponier.matrix.technique import TechniqueRef
from caponier.records.incident import Step


@dataclass(frozen=True)
class Moment:
    """What was seen once: steps of one finding, or of one event."""

    steps: tuple[Step, ...]

    @property
    def time(self) -> datetime:
        """When it was first seen."""
        return self.steps[0].time

    @property
    def tactics(self) -> str:
        """What it serves, each tactic once."""
        return ", ".join(dict.fromkeys(step.tactic for step in self.steps))

    @property
    def techniques(self) -> tuple[TechniqueRef, ...]:
        """What it may be a trace of, each technique once."""
        return tuple(dict.fromkeys(ref for step in self.steps for ref in step.techniques))

    @property
    def seen(self) -> str:
        """What was seen, each sentence once; of rules that say the same of the event, their titles before it."""
        told: dict[str, list[str]] = {}
        for summary in dict.fromkeys(step.summary for step in self.steps):
            title, between, about = summary.partition(": ")
            told.setdefault(about if between else "", []).append(title)
        return "; ".join(f"{'; '.join(titles)}{': ' if about else ''}{about}" for about, titles in told.items())

    @property
    def finding_ids(self) -> tuple[str, ...]:
        """Findings that tell of it; none where it is context alone."""
        return tuple(dict.fromkeys(step.finding_id for step in self.steps if step.finding_id))


def moments(steps: Iterable[Step]) -> list[Moment]:
    """Join steps that tell of the same: those of one finding, and those of one time that share an event.

    Args:
        steps: In order of time.
    """
    told = []
    for _, same_time in groupby(steps, key=lambda step: step.time):
        told += [Moment(tuple(group)) for group in _joined(list(same_time))]
    return told


def _joined(steps: Sequence[Step]) -> list[list[Step]]:
    groups: list[tuple[set[str], list[Step]]] = []
    for step in steps:
        named = {*step.event_ids, *([step.finding_id] if step.finding_id else [])}
        apart = [one for one in groups if not one[0] & named]
        same = [one for one in groups if one[0] & named]
        group = [other for _, others in same for other in others]
        groups = [*apart, (named.union(*(names for names, _ in same)), [*group, step])]
    return [group for _, group in sorted(groups, key=lambda one: steps.index(one[1][0]))]
