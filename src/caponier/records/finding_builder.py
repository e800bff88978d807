"""The one place that builds findings: what was seen, in the words of the matrix, weighed by the inventory."""

from collections.abc import Sequence
from datetime import datetime

from caponier.matrix.technique import TechniqueId, TechniqueRef
from caponier.matrix.versions.catalogue import harms_of, resolve
from caponier.records.finding import Evidence, Finding, SubjectRef, finding_id
from caponier.records.inventory import Criticality, System
from caponier.records.severity import severity, severity_of_rule


def build_finding(
    detector: str,
    subject: SubjectRef,
    trigger: str,
    *,
    confidence: float,
    techniques: Sequence[TechniqueId | TechniqueRef],
    evidence: Evidence,
    summary: str,
    times: tuple[datetime, datetime],
    system: System | None,
    said_system: str | None = None,
    level: str | None = None,
    model: str | None = None,
    model_version: str | None = None,
    event_ids: Sequence[str] = (),
    unique_queries: int = 0,
    notify: bool = True,
) -> Finding:
    """Write a finding.

    Args:
        detector: Name of the detector.
        subject: Whom or what it is about.
        trigger: Id of the event that triggered it, or the digest of the file or data set in its place.
        confidence: How sure the detector is, from 0 to 1.
        techniques: What it may be a trace of; names and colours of mere ids are looked up in their matrix.
        evidence: The figure that crossed the line.
        summary: The same in a sentence.
        times: Of the first and the last of what was seen.
        system: The system of the inventory, which gives its name and its criticality.
        said_system: What the log calls it, for a system that the inventory does not know.
        level: Of a rule, which then decides on the severity in place of the confidence.
        model: The model, where it is about a single one.
        model_version: Its version.
        event_ids: The events behind it, the trigger among them; none where no event triggered it.
        unique_queries: Different queries of the subject up to and including the trigger.
        notify: Whether it is within the alert budget.
    """
    criticality = system.criticality if system else Criticality.MEDIUM
    return Finding(
        finding_id=finding_id(detector, model, subject, trigger),
        detector=detector,
        subject=subject,
        system=system.name if system else said_system,
        model=model,
        model_version=model_version,
        severity=severity_of_rule(level, criticality) if level else severity(confidence, criticality),
        confidence=confidence,
        techniques=tuple(one if isinstance(one, TechniqueRef) else resolve(one) for one in techniques),
        harms=tuple(harm.value for harm in harms_of(TechniqueId(one.matrix, one.id) for one in techniques)),
        first_time=times[0],
        last_time=times[1],
        trigger_event_id=trigger if event_ids else None,
        event_ids=tuple(event_ids),
        unique_queries=unique_queries,
        evidence=evidence,
        summary=summary,
        notify=notify,
    )
