"""Turn a closed incident into the draft of a case study, without the names of the workspace."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC

from caponier.app.incidents.incidents import show_incident
from caponier.app.matrix.propose_contribution import Proposal, propose
from caponier.errors import InputError
from caponier.matrix import crosswalk
from caponier.matrix.case_study import Strategy
from caponier.matrix.contributions.form import ContributionKind
from caponier.matrix.contributions.review_context import ReviewContext, is_attack
from caponier.matrix.contributions.template import Values
from caponier.matrix.technique import Color, TechniqueRef
from caponier.matrix.versions.catalogue import Matrix
from caponier.records.incident import Incident, Stage, Step
from caponier.records.inventory import Workspace

_MOST_STEPS = 100


def draft_case_study(workspace: Workspace, incident_id: str, matrix: Matrix, values: Values) -> Proposal:
    """Draft a case study.

    Names of models, systems, callers, hosts and addresses, notes and summaries of findings stay behind: of the incident
    there are only its day, its strategy, and the techniques of its steps in order of time. What only a person knows
    is left blank.

    Args:
        workspace: Whose incident it is.
        incident_id: Its id.
        matrix: The version whose ids it is told in.
        values: What the user writes; it goes before what is known of the incident.

    Raises:
        InputError: If there is no such incident, it is not closed, or no step has a technique of that matrix.
    """
    incident = show_incident(workspace, incident_id).incident
    if incident.stage is not Stage.CLOSED:
        hint = f"Close it first: caponier incidents close {incident.incident_id} --reason '...'"
        raise InputError(f"the incident is {incident.stage}, and its story may go on", where=incident_id, hint=hint)
    steps = list(_steps(incident, matrix))
    if not steps:
        what = f"no step of the incident has a technique of {matrix.version}"
        raise InputError(what, where=incident_id, hint="Name another version with --matrix.")
    known: Values = {
        "date": incident.first_time.astimezone(UTC).date().isoformat(),
        "strategy": _strategy([step["technique"] for step in steps], matrix, incident.strategy).value,
        "steps": steps,
    }
    proposal = propose(
        ContributionKind.CASE_STUDY, matrix, {**known, **{key: value for key, value in values.items() if value}}
    )
    untold = sum(not _told_in(step, matrix) for step in incident.steps)
    remark = f"Left out: {untold} of {len(incident.steps)} steps, which have no technique of {matrix.version}."
    return replace(proposal, remarks=(remark,) if untold else ())


def _steps(incident: Incident, matrix: Matrix) -> Iterator[dict[str, str]]:
    """Return each technique under its tactic once, in order of time."""
    first = incident.first_time.astimezone(UTC).date()
    said: set[tuple[str, str]] = set()
    for step in sorted(incident.steps, key=lambda step: step.time):
        day = (step.time.astimezone(UTC).date() - first).days + 1
        for tactic, technique in _told_in(step, matrix):
            if (tactic, technique) in said or len(said) == _MOST_STEPS:
                continue
            said.add((tactic, technique))
            summary = f"{matrix.technique(technique).name}, first seen on day {day} of the incident."
            yield {"tactic": tactic, "technique": technique, "summary": summary}


def _told_in(step: Step, matrix: Matrix) -> list[tuple[str, str]]:
    """Return tactics and techniques of a step in the ids of a matrix; none if it has no word for it."""
    own = [ref.id for ref in step.techniques if ref.matrix == matrix.kind and ref.id in matrix]
    # A reference to another matrix names the same act in broader words; one entry for it is enough.
    ids = own or [id_ for ref in step.techniques for id_ in _mapped(ref, matrix) if id_ in matrix][:1]
    named = {tactic.id for tactic in matrix.tactics if tactic.name == step.tactic}
    tactics = {id_: matrix.technique(id_).tactics for id_ in ids}
    # The same act may stand in several columns: that of the step goes first.
    return [(next((tactic for tactic in tactics[id_] if tactic in named), tactics[id_][0]), id_) for id_ in ids]


def _mapped(ref: TechniqueRef, matrix: Matrix) -> list[str]:
    """Return what a matrix has for an id of another one."""
    if is_attack(ref.id):
        return [entry.id for entry in matrix.carrying(ref.id) or matrix.carrying(ref.id.partition(".")[0])]
    if matrix.kind == "amltm-2020":
        return [found.id for found in crosswalk.to_2020(ref.id)]
    return [found.id for found in crosswalk.to_atlas(ref.id)] if matrix.kind == "atlas" else []


def _strategy(techniques: list[str], matrix: Matrix, known: Strategy) -> Strategy:
    """Return the strategy of those steps, or that of the incident where colours tell nothing."""
    ground = ReviewContext(matrix, ())
    colors = {color for id_ in techniques for color in ground.colors(id_)}
    return {
        frozenset({Color.ORANGE}): Strategy.ADVERSARIAL_ML,
        frozenset({Color.WHITE}): Strategy.TRADITIONAL,
        frozenset(Color): Strategy.COMBINED,
    }.get(frozenset(colors), known)
