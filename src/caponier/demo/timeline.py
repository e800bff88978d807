"""The incident over tactics: a lane for each tactic, and in it the steps in the order in which they happened."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from caponier.demo.result import DemoResult
from caponier.matrix.technique import Color
from caponier.matrix.versions.catalogue import load
from caponier.records.finding import Finding
from caponier.records.incident import Incident, Step
from caponier.respond.tactics import colors_of

LEFT: Final = 150
STEP: Final = 44
LANE: Final = 46
TOP: Final = 12
MARKS: Final = {
    frozenset({Color.ORANGE}): ("◆", "orange"),
    frozenset({Color.WHITE}): ("◇", "white"),
    frozenset({Color.ORANGE, Color.WHITE}): ("◈", "orange and white"),
}
CONTEXT: Final = "context"
"""Who saw a step on no asset of an ML system."""


@dataclass(frozen=True)
class TimelineRow:
    """Steps of one kind together: the same tactic, colours, detector and subject.

    Args:
        number: Its place in time, from 1.
        tactic: Name of the tactic.
        mark: A sign for its colours.
        color: The same in words.
        by: The detector or rule; `context` for an event on no ML asset.
        who: Whom or what it is about, for people.
        techniques: Ids.
        summary: Of the first step.
        first: Time of the first step.
        count: How many steps.
        x: Place in the drawing.
        y: Place in the drawing.
    """

    number: int
    tactic: str
    mark: str
    color: str
    by: str
    who: str
    techniques: tuple[str, ...]
    summary: str
    first: str
    count: int
    x: int
    y: int


@dataclass(frozen=True)
class Lane:
    """One tactic of the drawing."""

    name: str
    y: int


@dataclass(frozen=True)
class Timeline:
    """The drawing, and what it shows in words."""

    lanes: tuple[Lane, ...]
    rows: tuple[TimelineRow, ...]
    width: int
    height: int
    summary: str


def timeline(result: DemoResult) -> Timeline | None:
    """Draw the incident; None if there is not exactly one."""
    incident = result.hunt.incident
    if incident is None:
        return None
    lanes = tuple(Lane(name, TOP + LANE * at + LANE // 2) for at, name in enumerate(_in_order(incident.tactics)))
    heights = {lane.name: lane.y for lane in lanes}
    findings = {finding.finding_id: finding for finding in result.hunt.findings}
    names = {attacker.principal: attacker.title for attacker in result.attackers}
    rows = tuple(
        _row(number, steps, heights, findings, names) for number, steps in enumerate(_together(incident, findings), 1)
    )
    return Timeline(lanes, rows, LEFT + STEP * (len(rows) + 1), TOP * 2 + LANE * len(lanes), _summary(rows))


def _in_order(tactics: Iterable[str]) -> list[str]:
    """Put tactics in the order of the 2020 matrix; those that it does not have come last."""
    known = [tactic.name for tactic in load().tactics]
    return sorted(tactics, key=lambda name: (known.index(name) if name in known else len(known), name))


def _together(incident: Incident, findings: Mapping[str, Finding]) -> list[list[Step]]:
    groups: dict[tuple[object, ...], list[Step]] = {}
    for step in incident.steps:
        key = (step.tactic, colors_of(step.techniques), _by(step, findings), step.subject.kind, step.subject.id)
        groups.setdefault(key, []).append(step)
    return list(groups.values())


def _row(
    number: int,
    steps: list[Step],
    heights: Mapping[str, int],
    findings: Mapping[str, Finding],
    names: Mapping[str, str],
) -> TimelineRow:
    first = steps[0]
    mark, color = MARKS.get(colors_of(first.techniques), ("?", "no known colour"))
    return TimelineRow(
        number=number,
        tactic=first.tactic,
        mark=mark,
        color=color,
        by=_by(first, findings),
        who=_who(first, names),
        techniques=tuple(technique.id for technique in first.techniques),
        summary=first.summary,
        first=_clock(first.time),
        count=len(steps),
        x=LEFT + STEP * number,
        y=heights[first.tactic],
    )


def _by(step: Step, findings: Mapping[str, Finding]) -> str:
    finding = findings.get(step.finding_id or "")
    return finding.detector if finding else CONTEXT


def _who(step: Step, names: Mapping[str, str]) -> str:
    subject = step.subject
    if subject.kind == "principal":
        return f"key of {names[subject.id]}" if subject.id in names else f"principal {subject.id}"
    if subject.kind == "file" and subject.path:
        return f"file {subject.path.rsplit('/', 1)[-1]}"
    if subject.kind == "row":
        return f"{len(subject.ids)} rows of {subject.id}"
    return f"{subject.kind} {subject.id}"


def _clock(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%m-%d %H:%M:%S")


def _summary(rows: Iterable[TimelineRow]) -> str:
    return "; ".join(f"{row.number}: {row.tactic}, {row.color}, {row.who}" for row in rows)
