"""From what an engine detected to a finding: the same words and figures for a log and for a guard."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from caponier.app.inference.plan import Case
from caponier.detect.calibration.judging import Threshold
from caponier.detect.detector import EventDetector
from caponier.engines.cells import KIND
from caponier.engines.local import Detection
from caponier.records.finding import Evidence, Finding, SubjectRef
from caponier.records.finding_builder import build_finding
from caponier.records.inventory import Workspace

FALLBACK: Final = 0.8
"""Confidence is multiplied by this where the subject is a session or an address instead of a principal."""

NAMED: Final = 20
"""Principals that a finding about like queries of many callers names."""
NAMES: Final = "most_of_them"
"""The fact that holds their names."""


@dataclass(frozen=True)
class Sight:
    """What the events say of whom a detection names by their place alone."""

    trigger_id: str
    event_ids: tuple[str, ...]
    """Of the evidence with the trigger, in order."""
    first_time: datetime
    last_time: datetime
    system: str | None
    version: str | None
    principals: tuple[str, ...] = ()
    """Who sent the evidence, in order of their first event of it."""


def finding_of(found: Detection, case: Case, sight: Sight, workspace: Workspace | None) -> Finding:
    """Write the finding for a detection.

    Args:
        found: What was detected.
        case: What was run over the model's events.
        sight: What the events behind it say.
        workspace: Whose inventory knows the system and its criticality.
    """
    detector, line = case.detectors[found.detector], case.thresholds[found.detector]
    confidence = line.confidence(found.value, detector.max_confidence.cap)
    summary = found.explanation.summary
    facts = found.explanation.facts
    if found.kind == KIND:
        facts = facts | {"principals": len(sight.principals), NAMES: list(sight.principals[:NAMED])}
        summary += f". {len(sight.principals)} principals sent them"
    elif found.kind != "principal":
        confidence = round(confidence * FALLBACK, 2)
        summary += f". The log names no principal; the {found.kind} stands for it"
    return build_finding(
        found.detector,
        SubjectRef(found.kind, found.subject, sender=found.sender),
        sight.trigger_id,
        confidence=confidence,
        techniques=detector.techniques,
        evidence=_evidence(found, detector, line, case.plan.horizon, facts),
        summary=summary,
        times=(sight.first_time, sight.last_time),
        system=workspace.system_of(found.model) if workspace else None,
        said_system=sight.system,
        model=found.model,
        model_version=sight.version,
        event_ids=sight.event_ids,
        unique_queries=found.queries,
    )


def accused(finding: Finding) -> frozenset[str]:
    """Return who a finding is about: its subject, or the callers that one about like queries names."""
    if finding.subject.kind != KIND:
        return frozenset({finding.subject.id})
    return frozenset(finding.evidence.facts.get(NAMES, ()))


def _evidence(
    found: Detection, detector: EventDetector, line: Threshold, horizon: int, facts: dict[str, Any]
) -> Evidence:
    return Evidence(
        statistic=detector.statistic,
        value=found.value,
        threshold=line.value,
        above=line.maxima.above(found.value) if line.maxima else 0,
        of=len(line.maxima.full) if line.maxima else 0,
        horizon=horizon,
        basis=line.basis,
        facts=facts,
    )
