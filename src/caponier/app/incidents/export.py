"""Write an incident for other programs and people: a ticket in Markdown, JSON, or an OCSF Incident Finding."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from caponier.app.incidents import ocsf
from caponier.app.incidents.incidents import CaseFile
from caponier.app.incidents.story import colour_words, story
from caponier.app.incidents.timeline import moments
from caponier.formats.safe_text import markdown
from caponier.matrix.technique import TechniqueRef
from caponier.records.incident import Incident, Stage

CLASS_UID: Final = 2005

_NEW, _IN_PROGRESS, _RESOLVED, _CLOSED = 1, 2, 4, 5
_CREATE, _UPDATE, _CLOSE = 1, 2, 3


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
    for seen in moments(incident.steps):
        techniques = ", ".join(f"{ref.id} {ref.name}" for ref in seen.techniques) or "none known"
        cells = [_moment(seen.time), seen.tactics, techniques, colour_words(seen.techniques), seen.seen]
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
        "severity_id": ocsf.SEVERITY_IDS[incident.severity],
        "status_id": _status(incident),
        "time": ocsf.millis(incident.last_time),
        "start_time": ocsf.millis(incident.first_time),
        "end_time": ocsf.millis(incident.last_time),
        "confidence_score": round(100 * max(finding.confidence for finding in case.findings)),
        "desc": " ".join(sentence for _, sentence in story(case)[:3]),
        "metadata": ocsf.metadata(incident.incident_id) | {"profiles": ["incident"]},
        "finding_info_list": [ocsf.finding_info(finding) for finding in case.findings],
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
    if attacks := [attack for ref in _refs(case) if (attack := ocsf.attack(ref))]:
        event["attacks"] = attacks
    assignee = {"assignee": {"name": incident.owner}} if incident.owner else {"assignee_group": {"name": "unassigned"}}
    return event | assignee


def _context_ids(incident: Incident) -> list[str]:
    """Return the events that are in no finding: OCSF has no field for them."""
    return list(dict.fromkeys(id_ for step in incident.steps if step.finding_id is None for id_ in step.event_ids))


def _touched(incident: Incident) -> bool:
    return bool(incident.stage_since or incident.owner or incident.notes)


def _status(incident: Incident) -> int:
    if incident.stage is Stage.CLOSED:
        return _CLOSED
    if incident.stage is Stage.VERIFIED:
        return _RESOLVED
    return _NEW if incident.stage is Stage.OPEN and not _touched(incident) else _IN_PROGRESS


def _refs(case: CaseFile) -> list[TechniqueRef]:
    return list(dict.fromkeys(ref for step in case.incident.steps for ref in step.techniques))


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
