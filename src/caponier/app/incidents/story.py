"""What an incident is in plain words: what happened, to what, how sure that is, what it harms, and what to do."""

from collections import Counter
from typing import Final

from caponier.app.incidents.incidents import CaseFile
from caponier.matrix.case_study import Strategy
from caponier.matrix.technique import Color, TechniqueRef
from caponier.records.finding import Finding
from caponier.records.incident import Incident, Stage
from caponier.records.response_action import ActionState
from caponier.respond.tactics import colors_of

WEAK: Final = 0.4
"""Confidence below which a finding counts as weak."""

_HOW: Final = {
    Strategy.TRADITIONAL: "attacked with ordinary means",
    Strategy.ADVERSARIAL_ML: "attacked the model itself or its training data",
    Strategy.COMBINED: "attacked with ordinary means, and attacked the model itself or its training data",
}

_LABELS: Final = {
    Strategy.TRADITIONAL: "traditional",
    Strategy.ADVERSARIAL_ML: "adversarial ML",
    Strategy.COMBINED: "combined",
}


def story(case: CaseFile) -> list[tuple[str, str]]:
    """Return headings and sentences, in the order in which somebody wants to know them."""
    incident = case.incident
    return [
        ("What happened", _what(incident)),
        ("Who", ", ".join(name.replace(":", " ", 1) for name in incident.actors) or "unknown"),
        ("To what", _target(incident)),
        ("How sure", _certainty(case.findings)),
        ("What it harms", ", ".join(incident.harms) or "nothing by itself; it prepares other steps"),
        ("What to do", _advice(case)),
    ]


def colour_words(techniques: tuple[TechniqueRef, ...]) -> str:
    """Say of a step whether its techniques are special to ML."""
    colors = colors_of(techniques)
    words = {
        frozenset({Color.ORANGE}): "special to ML (orange)",
        frozenset({Color.WHITE}): "ordinary means (white)",
        frozenset({Color.ORANGE, Color.WHITE}): "special to ML and ordinary means (orange, white)",
    }
    return words.get(colors, "no known technique")


def _what(incident: Incident) -> str:
    who = "One actor" if incident.actors else "Somebody unknown"
    context = len({step.event_ids for step in incident.steps if step.finding_id is None})
    parts = _count(len(incident.finding_ids), "finding") + (
        f" and {_count(context, 'context event')}" if context else ""
    )
    tactics = f"{_count(len(incident.tactics), 'tactic')}: {', '.join(incident.tactics)}"
    return f"{who} {_HOW[incident.strategy]} (strategy: {_LABELS[incident.strategy]}). {parts} in {tactics}."


def _target(incident: Incident) -> str:
    systems = f"ML system {', '.join(incident.systems)}" if incident.systems else "No ML system in the inventory"
    return f"{systems}; model {', '.join(incident.models)}" if incident.models else systems


def _certainty(findings: tuple[Finding, ...]) -> str:
    surest = max(findings, key=lambda finding: finding.confidence)
    count = _count(len(findings), "finding")
    text = f"The surest of {count} has a confidence of {surest.confidence:.2f} ({surest.detector})"
    if weak := sum(finding.confidence < WEAK for finding in findings):
        text += f"; {_count(weak, 'finding')} below {WEAK}; alone such findings prove nothing"
    kinds = Counter(finding.evidence.basis.value for finding in findings if finding.evidence.basis)
    if kinds.get("cold-start"):
        text += f"; {_count(kinds['cold-start'], 'finding')} without a baseline of benign traffic"
    return f"{text}."


def _advice(case: CaseFile) -> str:
    incident, id_ = case.incident, case.incident.incident_id
    waiting = [action.action_id for action in case.actions if action.state is ActionState.AWAITING_APPROVAL]
    if waiting:
        return f"{_count(len(waiting), 'response action')} awaiting approval: caponier respond approve {waiting[0]}"
    return {
        Stage.OPEN: f"See the proposed actions, and what they would have stopped: caponier respond plan {id_}",
        Stage.CONTAINED: f"Repair the data set: caponier remediate dataset … --incident {id_}. Or close the incident.",
        Stage.REMEDIATED: f"Verify the repair: caponier validate --incident {id_}",
        Stage.VERIFIED: f"Close the incident: caponier incidents close {id_} --reason '...'",
        Stage.CLOSED: "Nothing: the incident is closed. A new finding would reopen it.",
    }[incident.stage]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
