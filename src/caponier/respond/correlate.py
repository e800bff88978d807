"""Findings and silent context to incidents, and how incidents grow and turn out to be one.

Severity is that of the severest finding: confidence times criticality is in each of them already, and a rank of risk
over it would be an invention. The strategy counts context, too: how an attacker came to the ML system is a part of it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from caponier.matrix.case_study import Strategy
from caponier.matrix.technique import Color, Harm
from caponier.records.context import ContextEvent
from caponier.records.finding import Finding, SubjectRef
from caponier.records.incident import Incident, Stage, Step
from caponier.records.inventory import Workspace
from caponier.respond.actors import Actors
from caponier.respond.grouping import Group, group
from caponier.respond.settings import RespondSettings
from caponier.respond.stage import least, reopens
from caponier.respond.tactics import by_tactic, colors_of

_PERSISTENCE: Final = "Persistence"
_CALLERS: Final = ("principal", "session", "address", "bucket")
"""Subjects whose queries are the evidence, where a finding names a model."""
_ANY_USE: Final = ("AMLTM.EXEC.02", "AML.T0040")
"""Entries that stand for any use of a model: Execution via API, and AI Model Inference API Access."""


@dataclass(frozen=True, slots=True)
class CorrelatedFindings:
    """What belongs together now."""

    incidents: tuple[Incident, ...]
    """Every incident of the findings given, in order of their first event; most may be as they were."""
    merged: dict[str, str]
    """Id of each stored incident that turned out to be a part of another one, and the id of that."""


def incident_id(finding: Finding) -> str:
    """Identify an incident by the finding that opened it, so that growth and replays change nothing."""
    return "i-" + hashlib.blake2b(finding.finding_id.encode(), digest_size=8).hexdigest()


def correlate(
    findings: Iterable[Finding],
    context: Iterable[ContextEvent],
    stored: Iterable[Incident],
    workspace: Workspace,
    settings: RespondSettings,
    now: datetime,
) -> CorrelatedFindings:
    """Join findings and context into incidents.

    Args:
        findings: New ones and all those of the stored incidents, in any order.
        context: Matches outside the ML systems; each joins the incident whose actor it shares, within the gap, or none.
        stored: The incidents that may still grow: those active within twice the gap before the first new finding.
        workspace: The inventory: which names are one actor, and which model belongs to which system.
        settings: The gap, and addresses that identify nobody.
        now: When incidents that are reopened by this are reopened.

    Returns:
        The same incidents for the same set of findings, in however many runs it came. Ids are those of stored
        incidents where there are any, the oldest first, and else made from the first finding.
    """
    actors = Actors(workspace.identities, settings)
    groups = group(
        findings,
        lambda finding: frozenset(actors.one(name) for name in actors.named_by(finding)),
        lambda finding: _assets(finding, workspace),
        settings.gap,
        foothold=settings.foothold,
        leaves=_leaves,
    )
    joined = _attached(context, groups, actors, settings)
    kept = _claimed(groups, stored)
    merged = {old.incident_id: olds[0].incident_id for olds in kept.values() for old in olds[1:]}
    incidents = [_incident(one, joined[id(one)], kept[id(one)], actors, workspace, now) for one in groups]
    return CorrelatedFindings(tuple(incidents), merged)


def _leaves(finding: Finding) -> bool:
    """Tell whether something was left behind with which the attacker may come back: by its tactic."""
    return any(tactic.startswith(_PERSISTENCE) for tactic in by_tactic(finding.techniques))


def strategy_of(colors: Iterable[Color]) -> Strategy:
    """Name the strategy by the colours of techniques; traditional where nothing special to ML was seen."""
    seen = set(colors)
    if seen >= {Color.ORANGE, Color.WHITE}:
        return Strategy.COMBINED
    return Strategy.ADVERSARIAL_ML if Color.ORANGE in seen else Strategy.TRADITIONAL


def _system(finding: Finding, workspace: Workspace) -> str | None:
    if finding.system or finding.model is None:
        return finding.system
    system = workspace.system_of(finding.model)
    return system.name if system else None


def _assets(finding: Finding, workspace: Workspace) -> frozenset[str]:
    subject = finding.subject
    named = {
        "system": _system(finding, workspace),
        "model": finding.model,
        "path": subject.path,
        "sha256": subject.sha256,
        "asset": subject.id if subject.kind == "asset" else None,
    }
    return frozenset(f"{kind}:{value}" for kind, value in named.items() if value)


def _claimed(groups: Sequence[Group], stored: Iterable[Incident]) -> dict[int, list[Incident]]:
    """Say which stored incidents each group continues: those that one of its findings opened, the oldest first."""
    opened = {incident.incident_id: incident for incident in stored}
    found: dict[int, list[Incident]] = {}
    for one in groups:
        # A group's findings are in order of time, and so are the incidents that they opened.
        found[id(one)] = [opened[id_] for finding in one.findings if (id_ := incident_id(finding)) in opened]
    return found


def _attached(
    context: Iterable[ContextEvent], groups: Sequence[Group], actors: Actors, settings: RespondSettings
) -> dict[int, list[ContextEvent]]:
    by_actor: dict[str, list[Group]] = defaultdict(list)
    for one in groups:
        for name in one.actors:
            by_actor[name].append(one)
    attached: dict[int, list[ContextEvent]] = defaultdict(list)
    once = {(event.event_id, event.rule): event for event in context}
    for event in sorted(once.values(), key=lambda event: (event.time, event.event_id, event.rule)):
        nearest = _nearest(event, by_actor, actors, settings)
        if nearest is not None:
            attached[id(nearest)].append(event)
    return attached


def _nearest(
    event: ContextEvent, by_actor: dict[str, list[Group]], actors: Actors, settings: RespondSettings
) -> Group | None:
    """Return the group of the event's account, or else of its address or host, that is nearest in time."""
    for name in actors.named_by_context(event):
        # An account goes on with its owner's work around an attack; the attacker's address is his alone.
        hours = None if name.startswith("address:") else settings.context_hours
        reach = settings.gap.total_seconds() if hours is None else 3600 * hours
        near = [one for one in by_actor.get(actors.one(name), ()) if _distance(event, one) <= reach]
        if near:
            return min(near, key=lambda one: (_distance(event, one), one.first, one.findings[0].finding_id))
    return None


def _distance(event: ContextEvent, one: Group) -> float:
    """Return the seconds between an event and the findings of a group; 0 among them."""
    return max(0.0, (one.first - event.time).total_seconds(), (event.time - one.last).total_seconds())


def _incident(
    one: Group,
    context: Sequence[ContextEvent],
    before: Sequence[Incident],
    actors: Actors,
    workspace: Workspace,
    now: datetime,
) -> Incident:
    findings = one.findings
    steps = _steps(findings, context)
    harmed = {harm for finding in findings for harm in finding.harms}
    names = {member for finding in findings for name in actors.named_by(finding) for member in actors.members(name)}
    names |= {name for event in context for name in actors.named_by_context(event) if actors.one(name) in one.actors}
    fresh = Incident(
        incident_id=incident_id(findings[0]),
        stage=Stage.OPEN,
        actors=tuple(sorted(names)),
        systems=tuple(sorted({name for finding in findings if (name := _system(finding, workspace))})),
        models=tuple(sorted({finding.model for finding in findings if finding.model})),
        strategy=strategy_of(color for colors in _means(findings, context) for color in colors),
        severity=max((finding.severity for finding in findings), key=lambda severity: severity.rank),
        harms=tuple(harm.value for harm in Harm if harm.value in harmed),
        first_time=min(step.time for step in steps),
        last_time=max([one.last, *(event.last_time or event.time for event in context)]),
        finding_ids=tuple(finding.finding_id for finding in findings),
        steps=steps,
    )
    return _continued(fresh, one, before, now) if before else fresh


def _means(findings: Sequence[Finding], context: Sequence[ContextEvent]) -> list[frozenset[Color]]:
    return [_means_of(finding) for finding in findings] + [colors_of(event.techniques) for event in context]


def _means_of(finding: Finding) -> frozenset[Color]:
    """Return the means that a finding gives evidence of.

    Whoever attacks a model through its answers queries it, and a finding about queries may name that use alone: its
    white colour does not make an attack by queries one by ordinary means. In a log of the API gateway it does.
    """
    if finding.model is None or finding.subject.kind not in _CALLERS:
        return colors_of(finding.techniques)
    beyond = [ref for ref in finding.techniques if ref.id not in _ANY_USE]
    return colors_of(beyond) if beyond or not finding.techniques else frozenset({Color.ORANGE})


def _steps(findings: Sequence[Finding], context: Sequence[ContextEvent]) -> tuple[Step, ...]:
    steps = [
        Step(finding.first_time, tactic, refs, finding.subject, finding.finding_id, finding.event_ids, finding.summary)
        for finding in findings
        for tactic, refs in by_tactic(finding.techniques).items()
    ]
    for event in context:
        subject = SubjectRef("asset", event.host or event.address or event.account or event.rule)
        for tactic, refs in by_tactic(event.techniques).items():
            steps.append(
                Step(event.time, tactic, refs, subject, None, event.event_ids or (event.event_id,), event.summary)
            )
    return tuple(
        sorted(steps, key=lambda step: (step.time, step.finding_id or "", step.event_ids, step.tactic, step.summary))
    )


def _continued(fresh: Incident, one: Group, before: Sequence[Incident], now: datetime) -> Incident:
    """Give an incident what people and time made of the stored ones that it continues."""
    oldest = before[0]
    notes = {(note.time, note.author, note.text): note for old in before for note in old.notes}
    merged = {id_ for old in before for id_ in (old.incident_id, *old.merged)} - {oldest.incident_id}
    stage = least([old.stage for old in before])
    known = replace(
        fresh,
        incident_id=oldest.incident_id,
        stage=stage,
        stage_since=next(old.stage_since for old in before if old.stage is stage),
        owner=next((old.owner for old in before if old.owner), None),
        notes=tuple(notes[key] for key in sorted(notes)),
        merged=tuple(sorted(merged)),
    )
    told = {id_ for old in before for id_ in old.finding_ids}
    new = [finding.last_time for finding in one.findings if finding.finding_id not in told]
    if new and reopens(known, max(new)):
        return replace(known, stage=Stage.OPEN, stage_since=now)
    return known
