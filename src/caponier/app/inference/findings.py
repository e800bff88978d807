"""From what an engine detected to a finding: the same words and figures for a log and for a guard."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from caponier.app.inference.plan import Case
from caponier.detect.calibration.judging import Threshold
from caponier.detect.detector import EventDetector
from caponier.engines.cells import KIND
from caponier.engines.local import Detection
from caponier.matrix.versions.catalogue import harms_of, resolve
from caponier.records.finding import Evidence, Finding, Severity, SubjectRef, finding_id
from caponier.records.inventory import Criticality, Workspace

FALLBACK: Final = 0.8
"""Confidence is multiplied by this where the subject is a session or an address instead of a principal."""

NAMED: Final = 20
"""Principals that a finding about like queries of many callers names."""
NAMES: Final = "most_of_them"
"""The fact that holds their names."""

SEVERITY: Final[dict[str, tuple[Severity, Severity, Severity, Severity]]] = {
    "low": (Severity.INFO, Severity.LOW, Severity.LOW, Severity.MEDIUM),
    "medium": (Severity.LOW, Severity.MEDIUM, Severity.MEDIUM, Severity.HIGH),
    "high": (Severity.MEDIUM, Severity.HIGH, Severity.HIGH, Severity.CRITICAL),
}
"""Grade of confidence to severity, for systems of low, medium, high and critical criticality."""


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
    subject = SubjectRef(found.kind, found.subject, sender=found.sender)
    system = workspace.system_of(found.model) if workspace else None
    return Finding(
        finding_id=finding_id(found.detector, found.model, subject, sight.trigger_id),
        detector=found.detector,
        subject=subject,
        system=system.name if system else sight.system,
        model=found.model,
        model_version=sight.version,
        severity=severity(confidence, workspace.criticality_of(found.model) if workspace else Criticality.MEDIUM),
        confidence=confidence,
        techniques=tuple(resolve(technique) for technique in detector.techniques),
        harms=tuple(harm.value for harm in harms_of(detector.techniques)),
        first_time=sight.first_time,
        last_time=sight.last_time,
        trigger_event_id=sight.trigger_id,
        event_ids=sight.event_ids,
        unique_queries=found.queries,
        evidence=_evidence(found, detector, line, case.plan.horizon, facts),
        summary=summary,
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


def severity(confidence: float, criticality: Criticality) -> Severity:
    """Combine a confidence from 0 to 1 with the criticality of the system."""
    grade = "high" if confidence >= 0.7 else "medium" if confidence >= 0.4 else "low"
    return SEVERITY[grade][list(Criticality).index(criticality)]
