"""Write an incident for other programs and people: a ticket in Markdown, JSON, or an OCSF Incident Finding."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from caponier import __version__
from caponier.app.incidents.incidents import CaseFile
from caponier.app.incidents.story import colour_words, story
from caponier.errors import InputError
from caponier.formats.safe_text import markdown
from caponier.matrix.attack import VERSION as ATTACK_VERSION
from caponier.matrix.technique import TechniqueRef
from caponier.matrix.versions.catalogue import load
from caponier.records.finding import Finding, Severity
from caponier.records.incident import Incident, Stage

OCSF_VERSION: Final = "1.8.0"
CLASS_UID: Final = 2005
_ATLAS: Final = "atlas-5.6"

_SEVERITY: Final = {
    Severity.INFO: 1,
    Severity.LOW: 2,
    Severity.MEDIUM: 3,
    Severity.HIGH: 4,
    Severity.CRITICAL: 5,
}
_NEW, _IN_PROGRESS, _RESOLVED, _CLOSED = 1, 2, 4, 5
_CREATE, _UPDATE, _CLOSE = 1, 2, 3
_RULE, _STATISTICAL, _OTHER = 1, 3, 99


def to_json(case: CaseFile) -> str:
    """Write the incident with its findings and response actions."""
    document = {
        "schema": "caponier.incident/1",
        "incident": case.incident.to_dict(),
        "findings": [finding.to_dict() for finding in case.findings],
        "actions": [action.to_dict() for action in case.actions],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def to_markdown(case: CaseFile) -> str:
    """Write a ticket."""
    incident = case.incident
    lines = [
        f"# Incident {markdown(incident.incident_id)}: {incident.strategy} attack, severity {incident.severity}",
        "",
    ]
    lines += [f"**{heading}.** {markdown(sentence)}  " for heading, sentence in story(case)]
    lines += [
        f"**Stage.** {incident.stage}. **Owner.** {markdown(incident.owner or 'nobody yet')}",
        "",
        "## Timeline",
        "",
    ]
    lines += ["| time | tactic | technique | kind | what was seen |", "| --- | --- | --- | --- | --- |"]
    for step in incident.steps:
        techniques = ", ".join(f"{ref.id} {ref.name}" for ref in step.techniques) or "none known"
        cells = [_moment(step.time), step.tactic, techniques, colour_words(step), step.summary]
        lines.append(f"| {' | '.join(markdown(cell) for cell in cells)} |")
    lines += ["", "## Findings", ""]
    for finding in case.findings:
        head = f"{finding.finding_id} ({finding.detector}, {finding.severity}, confidence {finding.confidence:.2f})"
        lines.append(f"- {markdown(head)}: {markdown(finding.summary)}")
    lines += ["", "## Response", ""]
    for action in case.actions:
        what = f"{action.action_id}: {action.kind} {action.scope.kind} {action.scope.id}, {action.state}"
        lines.append(f"- {markdown(what)}, until {_moment(action.expires)}, by {markdown(action.author)}")
    lines += [] if case.actions else ["Nothing yet."]
    lines += ["", "## Notes", ""] if incident.notes else []
    lines += [f"- {_moment(note.time)} {markdown(note.author)}: {markdown(note.text)}" for note in incident.notes]
    return "\n".join(lines) + "\n"


def to_ocsf(case: CaseFile) -> dict[str, Any]:
    """Return an Incident Finding (class 2005) of OCSF 1.8.0, with the profile `incident`.

    Techniques of ATLAS and ATT&CK are in `attacks`; OCSF has no field for the name of a framework, so those of the 2020
    matrix, like the strategy, are under `unmapped`.
    """
    incident = case.incident
    activity = _CLOSE if incident.stage is Stage.CLOSED else _UPDATE if _touched(incident) else _CREATE
    event: dict[str, Any] = {
        "class_uid": CLASS_UID,
        "category_uid": 2,
        "activity_id": activity,
        "type_uid": CLASS_UID * 100 + activity,
        "severity_id": _SEVERITY[incident.severity],
        "status_id": _status(incident),
        "time": _millis(incident.last_time),
        "start_time": _millis(incident.first_time),
        "end_time": _millis(incident.last_time),
        "confidence_score": round(100 * max(finding.confidence for finding in case.findings)),
        "desc": " ".join(sentence for _, sentence in story(case)[:3]),
        "metadata": _metadata(incident),
        "finding_info_list": [_finding_info(finding) for finding in case.findings],
        "unmapped": {
            "strategy": incident.strategy.value,
            "stage": incident.stage.value,
            "tactics": list(incident.tactics),
            "harms": list(incident.harms),
            "actors": list(incident.actors),
            "systems": list(incident.systems),
            "models": list(incident.models),
            "context_event_ids": _context_ids(incident),
            "techniques_2020": sorted({ref.id for ref in _refs(case) if ref.matrix == "amltm-2020"}),
        },
    }
    if attacks := [attack for ref in _refs(case) if (attack := _attack(ref))]:
        event["attacks"] = attacks
    assignee = {"assignee": {"name": incident.owner}} if incident.owner else {"assignee_group": {"name": "unassigned"}}
    return event | assignee


def _context_ids(incident: Incident) -> list[str]:
    """Return the events that are in no finding: OCSF has no field for them."""
    return list(dict.fromkeys(id_ for step in incident.steps if step.finding_id is None for id_ in step.event_ids))


def _metadata(incident: Incident) -> dict[str, Any]:
    return {
        "version": OCSF_VERSION,
        "uid": incident.incident_id,
        "product": {"name": "Caponier", "vendor_name": "Caponier", "version": __version__},
        "profiles": ["incident"],
    }


def _touched(incident: Incident) -> bool:
    return bool(incident.stage_since or incident.owner or incident.notes)


def _status(incident: Incident) -> int:
    if incident.stage is Stage.CLOSED:
        return _CLOSED
    if incident.stage is Stage.VERIFIED:
        return _RESOLVED
    return _NEW if incident.stage is Stage.OPEN and not _touched(incident) else _IN_PROGRESS


def _finding_info(finding: Finding) -> dict[str, Any]:
    kind = _STATISTICAL if finding.evidence.basis else _RULE if finding.detector.startswith("sigma:") else _OTHER
    analytic: dict[str, Any] = {"uid": finding.detector, "name": finding.detector, "type_id": kind}
    if kind == _OTHER:
        analytic["type"] = "Content analysis"
    info = {
        "uid": finding.finding_id,
        "title": finding.summary,
        "analytic": analytic,
        "created_time": _millis(finding.last_time),
        "first_seen_time": _millis(finding.first_time),
        "last_seen_time": _millis(finding.last_time),
        "related_events_count": len(finding.event_ids),
        "related_events": [{"uid": id_} for id_ in finding.event_ids],
    }
    attacks = [attack for ref in finding.techniques if (attack := _attack(ref))]
    return info | ({"attacks": attacks} if attacks else {})


def _refs(case: CaseFile) -> list[TechniqueRef]:
    return list(dict.fromkeys(ref for step in case.incident.steps for ref in step.techniques))


def _attack(ref: TechniqueRef) -> dict[str, Any] | None:
    if ref.matrix == "amltm-2020":
        return None
    # `AML.T0024.002` and `T1078.004` are sub-techniques; the dot after AML is none.
    parent, dot, _ = ref.id.removeprefix("AML.").partition(".")
    parent = f"AML.{parent}" if ref.id.startswith("AML.") else parent
    version = load(_ATLAS).version.removeprefix("atlas-") if ref.matrix == "atlas" else ATTACK_VERSION
    attack: dict[str, Any] = {"version": version, "technique": {"uid": parent}}
    attack["sub_technique" if dot else "technique"] = {"uid": ref.id, "name": ref.name}
    if tactics := _tactics(ref):
        attack["tactics"] = tactics
    return attack


def _tactics(ref: TechniqueRef) -> list[dict[str, str]]:
    if ref.matrix != "atlas":
        return []
    atlas = load(_ATLAS)
    try:
        columns = [atlas.tactic(id_) for id_ in atlas.technique(ref.id).tactics]
    except InputError:
        # From a newer ATLAS than the one that is known here.
        return []
    return [{"uid": tactic.id, "name": tactic.name} for tactic in columns]


def _millis(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
