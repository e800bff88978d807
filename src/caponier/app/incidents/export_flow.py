"""Tell an incident as an Attack Flow, for people elsewhere.

Whoever acted stays at home: accounts, addresses and keys are left out of every text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from caponier.app.incidents.incidents import CaseFile
from caponier.app.incidents.story import story
from caponier.errors import InputError
from caponier.matrix import crosswalk
from caponier.matrix.technique import Tactic, TechniqueRef
from caponier.matrix.versions.catalogue import load
from caponier.matrix.writers.attack_flow import Act, Action, Flow, to_attack_flow
from caponier.matrix.writers.public_page import attack_page, technique_page
from caponier.matrix.writers.stix_names import moment
from caponier.records.incident import Incident, Step

_ATLAS: Final = "atlas-5.6"
_BEST_KNOWN: Final = ("atlas", "attack", "amltm-2020")
"""Which matrix names a step, where several do: the ones that readers of flows have at hand first."""
_WHO: Final = frozenset({"principal", "session", "account", "address"})


def to_flow(case: CaseFile) -> str:
    """Write an incident as a bundle with an Attack Flow 2.0.

    Raises:
        InputError: If it has no step.
    """
    return to_attack_flow(flow_of(case))


def flow_of(case: CaseFile) -> Flow:
    """Tell an incident as a flow, an action for each run of steps that did the same to the same.

    Args:
        case: The incident with its findings.
    """
    incident = case.incident
    ends = {finding.finding_id: (finding.first_time, finding.last_time) for finding in case.findings}
    runs = list(_runs(incident, ends))
    names = _names(incident)
    actions = [_action(run, names, place + 1 if place + 1 < len(runs) else None) for place, run in enumerate(runs)]
    sentences = [sentence for heading, sentence in story(case) if heading == "What it harms"]
    return Flow(
        ("caponier", incident.incident_id),
        f"Incident {incident.incident_id}: {incident.strategy} attack",
        "incident",
        tuple(actions),
        {"created": moment(incident.first_time), "modified": moment(incident.last_time)},
        incident.models or incident.systems,
        f"Steps over {', '.join(incident.tactics)}. Harmed: {' '.join(sentences)}",
        (Act("caponier", incident.incident_id),),
    )


@dataclass
class _Run:
    """Steps one after the other that used one technique on one subject."""

    step: Step
    start: datetime
    end: datetime
    events: dict[str, None]
    count: int = 1


def _runs(incident: Incident, ends: dict[str, tuple[datetime, datetime]]) -> Iterator[_Run]:
    run: _Run | None = None
    for step in incident.steps:
        start, end = ends.get(step.finding_id or "", (step.time, step.time))
        if run and (run.step.tactic, run.step.techniques, run.step.subject) == (
            step.tactic,
            step.techniques,
            step.subject,
        ):
            run.start, run.end, run.count = min(run.start, start), max(run.end, end), run.count + 1
            run.events |= dict.fromkeys(step.event_ids)
            continue
        if run:
            yield run
        run = _Run(step, start, end, dict.fromkeys(step.event_ids))
    if run:
        yield run


def _action(run: _Run, names: re.Pattern[str] | None, after: int | None) -> Action:
    step = run.step
    refs = sorted(step.techniques, key=lambda ref: _BEST_KNOWN.index(ref.matrix) if ref.matrix in _BEST_KNOWN else 9)
    more = f" ({run.count} times)" if run.count > 1 else ""
    return Action(
        refs[0].name if refs else step.tactic,
        _act(refs[0]) if refs else None,
        _tactic(step, refs[0] if refs else None),
        (names.sub("[who]", step.summary) if names else step.summary) + more,
        run.start,
        run.end,
        () if after is None else (after,),
        tuple(map(_act, refs[1:])),
        tuple(run.events),
    )


def _names(incident: Incident) -> re.Pattern[str] | None:
    """Return what finds the names of those who acted in a text; None if nobody is known."""
    actors = {actor.partition(":")[2] or actor for actor in incident.actors}
    subjects = {step.subject.id for step in incident.steps if step.subject.kind in _WHO}
    names = sorted(filter(None, actors | subjects), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)") if names else None


def _act(ref: TechniqueRef) -> Act:
    if ref.matrix == "attack":
        return Act(ref.matrix, ref.id, attack_page(ref.id))
    matrix = load(_ATLAS) if ref.matrix == "atlas" else load()
    return Act(ref.matrix, ref.id, technique_page(matrix, ref.id))


def _tactic(step: Step, ref: TechniqueRef | None) -> Act | None:
    """Return the tactic of a step in the matrix of its technique."""
    founding, atlas = load(), load(_ATLAS)
    column = next((tactic for tactic in founding.tactics if tactic.name == step.tactic), None)
    if ref and ref.matrix == "atlas":
        return _atlas_tactic(step.tactic, column, ref)
    if ref and ref.matrix == "attack":
        named = column or next((tactic for tactic in atlas.tactics if tactic.name == step.tactic), None)
        return Act("attack", named.attack, attack_page(named.attack)) if named and named.attack else None
    return Act(founding.kind, column.id) if column else None


def _atlas_tactic(name: str, column: Tactic | None, ref: TechniqueRef) -> Act | None:
    """Return the tactic of the ATLAS technique that means the column of 2020, or else its first."""
    atlas = load(_ATLAS)
    try:
        tactics = atlas.technique(ref.id).tactics
    except InputError:
        # From a newer ATLAS than the one that is known here.
        return None
    row = crosswalk.load().tactic(column.id) if column else None
    meant = [*(row.atlas if row else ()), *(tactic.id for tactic in atlas.tactics if tactic.name == name)]
    return Act("atlas", next((id_ for id_ in meant if id_ in tactics), tactics[0]))
