"""What an incident is in plain words: what happened, to what, how sure that is, what it harms, and what to do."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from caponier.app.incidents.incidents import CaseFile
from caponier.matrix.case_study import Strategy
from caponier.matrix.technique import Color, TechniqueRef
from caponier.records.finding import Finding
from caponier.records.incident import Stage
from caponier.records.response_action import ActionState
from caponier.respond.tactics import colors_of

WEAK: Final = 0.4
"""Confidence below which a finding counts as weak."""

_NAMED: Final = 3
"""Models, files or data sets that a sentence names."""
_CALLERS: Final = ("principal", "session", "address", "bucket")
_DATA: Final = ("row", "source")

_LABELS: Final = {
    Strategy.TRADITIONAL: "traditional",
    Strategy.ADVERSARIAL_ML: "adversarial ML",
    Strategy.COMBINED: "combined",
}


def story(case: CaseFile) -> list[tuple[str, str]]:
    """Return headings and sentences, in the order in which somebody wants to know them."""
    incident = case.incident
    return [
        ("What happened", _what(case)),
        ("Who", ", ".join(incident.named) or "unknown"),
        ("To what", _target(case)),
        ("How sure", _certainty(case.findings)),
        ("What it harms", ", ".join(incident.harms) or "nothing by itself; it prepares other steps"),
        ("What to do", _advice(case)),
    ]


def colour_words(techniques: tuple[TechniqueRef, ...]) -> str:
    """Say of a step whether its techniques are special to ML."""
    colors = colors_of(techniques)
    words = {
        frozenset({Color.ORANGE}): "ML technique (orange)",
        frozenset({Color.WHITE}): "general technique (white)",
        frozenset({Color.ORANGE, Color.WHITE}): "ML and general techniques (orange, white)",
    }
    return words.get(colors, "no known technique")


def _what(case: CaseFile) -> str:
    incident = case.incident
    context = len({step.event_ids for step in incident.steps if step.finding_id is None})
    parts = _count(len(incident.finding_ids), "finding") + (
        f" and {_count(context, 'context event')}" if context else ""
    )
    tactics = f"{_count(len(incident.tactics), 'tactic')}: {', '.join(incident.tactics)}"
    return f"{' '.join(_seen(case))} Strategy: {_LABELS[incident.strategy]}. {parts} in {tactics}."


def _seen(case: CaseFile) -> Iterator[str]:
    """Say what the evidence is, a sentence a kind: only of queries and of ordinary logs is it known that somebody acts.

    Labels may be wrong by mistake, and a file that runs code says nothing of who made it.
    """
    found = case.findings
    queries = [one for one in found if one.model and one.subject.kind in _CALLERS]
    data = [one for one in found if one.subject.kind in _DATA]
    files = [one for one in found if one.subject.kind == "file"]
    others = [one for one in found if one not in (*queries, *data, *files)]
    names = len(case.incident.actors)
    who = "Somebody unknown" if not names else "One actor" if names == 1 else f"One actor, known by {names:,} names,"
    acts = ["acted on the ML system's accounts, hosts or stores"] if others else []
    if queries:
        named = _names({one.model for one in queries if one.model})
        acts.append(f"queried model {named} in a way that benign callers do not")
    if acts:
        yield f"{who} {' and '.join(acts)}."
    if data:
        yield f"Training data look wrong, by mistake or on purpose: {_things(data)}."
    if files:
        yield f"A file is unsafe: {_things(files)}."


def _things(findings: Sequence[Finding]) -> str:
    return _names({one.subject.path or one.subject.in_words for one in findings})


def _names(named: Iterable[str]) -> str:
    names = sorted(named)
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _target(case: CaseFile) -> str:
    incident = case.incident
    things = [one for one in case.findings if one.subject.kind in (*_DATA, "file")]
    parts = [f"ML system {', '.join(incident.systems)}"] if incident.systems else []
    parts += [f"model {', '.join(incident.models)}"] if incident.models else []
    parts += [_things(things)] if things else []
    if not incident.systems:
        parts.append("which belongs to no ML system in the inventory" if parts else "no ML system in the inventory")
    return "; ".join(parts)


def _certainty(findings: tuple[Finding, ...]) -> str:
    surest = max(findings, key=lambda finding: finding.confidence)
    of = "" if len(findings) == 1 else f", the highest of {_count(len(findings), 'finding')}"
    text = f"Confidence {surest.confidence:.2f} ({surest.detector}){of}"
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
    # Of a data set or a file no log shows what an action would have stopped.
    log = " (with --log LOG: also which queries they would have stopped)" if incident.actors else ""
    return {
        Stage.OPEN: f"See the proposed actions: caponier respond plan {id_}{log}",
        Stage.CONTAINED: f"Repair the data set: caponier remediate dataset … --incident {id_}. Or close the incident.",
        Stage.REMEDIATED: f"Verify the repair: caponier validate --incident {id_}",
        Stage.VERIFIED: f"Close the incident: caponier incidents close {id_} --reason '...'",
        Stage.CLOSED: "Nothing: the incident is closed. A new finding would reopen it.",
    }[incident.stage]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
