"""Look for attacks in inference logs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from caponier.app.load_events import feature_spec, load_events
from caponier.app.progress import Progress, Silent
from caponier.app.workspace import read_salt
from caponier.detect.baseline import Baseline, ModelBaseline
from caponier.detect.detector import EventDetector, Params, Signal
from caponier.detect.judging import FEWEST, HORIZON, MAX_BOUND, Threshold, threshold
from caponier.detect.registry import select
from caponier.engines.local import BATCH_ROWS, Detection, Line, Plan, scan
from caponier.engines.spool import ModelSummary, Spool, scale_sample
from caponier.matrix.catalogue import harms_of, resolve
from caponier.records.alert_budget import AlertBudget
from caponier.records.finding import Basis, Evidence, Finding, Severity, SubjectRef, finding_id
from caponier.records.inventory import Criticality, FeatureSpec, Workspace
from caponier.telemetry.clock import LATENESS
from caponier.telemetry.digests import event_id
from caponier.telemetry.features import Encoder
from caponier.telemetry.rejections import RejectedRows, Rejection

DEFAULT_BUDGET: Final = AlertBudget(per_week=2.0)
FALLBACK: Final = 0.8
"""Confidence is multiplied by this where the subject is a session or an address instead of a principal."""

SEVERITY: Final[dict[str, tuple[Severity, Severity, Severity, Severity]]] = {
    "low": (Severity.INFO, Severity.LOW, Severity.LOW, Severity.MEDIUM),
    "medium": (Severity.LOW, Severity.MEDIUM, Severity.MEDIUM, Severity.HIGH),
    "high": (Severity.MEDIUM, Severity.HIGH, Severity.HIGH, Severity.CRITICAL),
}
"""Grade of confidence to severity, for systems of low, medium, high and critical criticality."""


@dataclass(frozen=True)
class Skip:
    """Something that a scan could not do, and why."""

    what: str
    reason: str


@dataclass
class ScanReport:
    """What a scan found, what it could not do, and which rows it could not use."""

    findings: list[Finding]
    skipped: list[Skip]
    rejected: RejectedRows
    events: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Case:
    """One model of the log, with what is known of it."""

    summary: ModelSummary
    plan: Plan
    detectors: dict[str, EventDetector]
    thresholds: dict[str, Threshold]


def scan_inference(
    paths: Sequence[Path],
    baseline: Baseline | None = None,
    *,
    workspace: Workspace | None = None,
    spec: FeatureSpec | None = None,
    alert_budget: AlertBudget | None = None,
    rejected: RejectedRows | None = None,
    reader: str = "auto",
    lateness: float = LATENESS,
    workers: int = 1,
    batch_rows: int = BATCH_ROWS,
    progress: Progress | None = None,
) -> ScanReport:
    """Scan inference logs for attacks on the models in them.

    Args:
        paths: Logs.
        baseline: What benign traffic looks like; without it only the detections that need none can be made.
        workspace: Its inventory, salt and alert budget.
        spec: What the models take, where neither the baseline nor the inventory says.
        alert_budget: In place of the workspace's.
        rejected: Takes the rows that cannot be used.
        reader: See `telemetry.events.read_events`.
        lateness: Seconds by which a row may be out of order.
        workers: Processes.
        batch_rows: Events in a batch.
        progress: Told how far it is.

    Raises:
        InputError: If nothing in the logs is an event, or the log and the baseline do not fit each other.
    """
    watch, rejected = progress or Silent(), rejected if rejected is not None else RejectedRows()
    salt = read_salt(workspace) if workspace else b""
    detectors = select(workspace.detect.disabled if workspace else ())
    budget = alert_budget or (workspace.detect.alert_budget if workspace else DEFAULT_BUDGET)
    report = ScanReport([], [], rejected)
    with Spool() as spool:
        cases = []
        for summary in load_events(spool, paths, rejected, watch, reader=reader, lateness=lateness, salt=salt):
            section = baseline.of(summary.model, summary.version) if baseline else None
            known = section.spec if section else feature_spec(summary, workspace, spec)
            _note_gaps(report, summary, section, detectors)
            if known is None or known.size is None or not summary.attributed:
                continue
            rejected.add(spool.wrong_lengths(summary.model, known.size))
            encoder = (
                Encoder(known, section.knots)
                if section
                else Encoder.fit(known, scale_sample(spool, summary.model, known.size))
            )
            cases.append(_case(report, summary, encoder, section, detectors, budget, salt))
        watch.stage("Scanning", sum(case.summary.attributed for case in cases))
        plans = [case.plan for case in cases]
        result = scan(spool, plans, workers=workers, batch_rows=batch_rows, progress=watch.advance)
        rejected.add(_duplicates(spool, result.duplicates))
        report.events = spool.rows
        report.findings = list(
            _findings(spool, {case.summary.model: case for case in cases}, result.detections, workspace, salt)
        )
    return report


def _note_gaps(
    report: ScanReport, summary: ModelSummary, section: ModelBaseline | None, detectors: Sequence[EventDetector]
) -> None:
    """List what the log of a model lacks, and which detectors cannot speak or lose power for it."""
    model = summary.model
    everyone = f"{model}: {', '.join(detector.name for detector in detectors)}"
    lost = summary.events - summary.attributed
    if not summary.attributed:
        report.skipped.append(Skip(everyone, "nobody is named; log a principal, a session or at least the address"))
    elif lost:
        report.skipped.append(Skip(f"{model}: {lost:,} of {summary.events:,} events", "nobody is named"))
    if not summary.inputs:
        report.skipped.append(Skip(everyone, "no event has an input; log the inputs, or their encoded features"))
    elif not summary.labels:
        lame = ", ".join(detector.name for detector in detectors if Signal.LABEL in detector.needs)
        report.skipped.append(Skip(f"{model}: part of {lame}", "no event has a label, so no answer is seen to flip"))
    if section and section.version != summary.version:
        report.notes.append(
            f"{model}: the baseline is of version {section.version or 'unknown'}, most events of {summary.version}"
        )


def _case(
    report: ScanReport,
    summary: ModelSummary,
    encoder: Encoder,
    section: ModelBaseline | None,
    detectors: Sequence[EventDetector],
    budget: AlertBudget,
    salt: bytes,
) -> _Case:
    bound = _bound(budget, section) / max(1, len(detectors))
    chosen: dict[str, tuple[EventDetector, Params, Threshold]] = {}
    for detector in detectors:
        found = _line(detector, section, bound)
        if isinstance(found, str):
            report.skipped.append(Skip(f"{summary.model}: {detector.name}", found))
        else:
            chosen[detector.name] = (detector, *found)
            if found[1].basis is Basis.COLD_START:
                reason = "no baseline" if section is None else f"fewer than {FEWEST} benign principals in the baseline"
                report.notes.append(f"{summary.model}: {detector.name} runs with cold-start thresholds ({reason})")
    lines = tuple(Line(name, params, line.value) for name, (_, params, line) in chosen.items())
    return _Case(
        summary,
        Plan(summary.model, encoder, section.horizon if section else HORIZON, lines, salt),
        {name: detector for name, (detector, _, _) in chosen.items()},
        {name: line for name, (_, _, line) in chosen.items()},
    )


def _bound(budget: AlertBudget, section: ModelBaseline | None) -> float:
    """Return the share of benign horizons that may raise an alert, over all detectors."""
    if budget.bound is not None:
        return budget.bound
    if budget.per_week is None or section is None:
        return MAX_BOUND
    return budget.per_week / max(1.0, section.horizons_per_week)


def _line(detector: EventDetector, section: ModelBaseline | None, bound: float) -> tuple[Params, Threshold] | str:
    """Return what a detector runs with, or why it cannot run."""
    stored = section.detectors.get(detector.name) if section else None
    if section and stored is None:
        return "the baseline was built without this detector; build it again"
    if stored and stored.version != detector.state_version:
        return "the baseline is of an older version of this detector; build it again"
    if stored:
        line = threshold(stored.maxima, bound, detector.floor)
        if line is not None:
            return stored.params, line
    priors = detector.priors()
    if priors is None:
        return "needs a baseline of benign traffic; build one with: caponier baseline build"
    return priors[0], Threshold(priors[1], Basis.COLD_START, bound, None)


def _duplicates(spool: Spool, repeated: Sequence[tuple[int, int]]) -> Iterator[Rejection]:
    for source, line in sorted(repeated):
        yield Rejection(spool.sources[source], line, "duplicate: same time, principal and input as the event before it")


def _findings(
    spool: Spool,
    cases: dict[str, _Case],
    detections: Sequence[Detection],
    workspace: Workspace | None,
    salt: bytes,
) -> Iterator[Finding]:
    places = {place for found in detections for place in (found.trigger, *found.evidence)}
    events = spool.events(sorted(places)) if places else {}
    ids = {place: event["event_id"] or event_id(_content(event), salt) for place, event in events.items()}
    for found in detections:
        yield _finding(found, cases[found.model], events, ids, workspace)


def _content(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in ("subject", "bucket")}


def _finding(
    found: Detection,
    case: _Case,
    events: dict[tuple[int, int], dict[str, Any]],
    ids: dict[tuple[int, int], str],
    workspace: Workspace | None,
) -> Finding:
    detector, line = case.detectors[found.detector], case.thresholds[found.detector]
    trigger = events[found.trigger]
    evidence = sorted({*found.evidence, found.trigger}, key=lambda place: (events[place]["time"], place))
    confidence = line.confidence(found.value, detector.max_confidence.cap)
    summary = found.explanation.summary
    if found.kind != "principal":
        confidence = round(confidence * FALLBACK, 2)
        summary += f". The log names no principal; the {found.kind} stands for it"
    subject = SubjectRef(found.kind, found.subject)
    system = workspace.system_of(found.model) if workspace else None
    return Finding(
        finding_id=finding_id(found.detector, found.model, subject, ids[found.trigger]),
        detector=found.detector,
        subject=subject,
        system=system.name if system else trigger["system"],
        model=found.model,
        model_version=trigger["model_version"],
        severity=severity(confidence, workspace.criticality_of(found.model) if workspace else Criticality.MEDIUM),
        confidence=confidence,
        techniques=tuple(resolve(technique) for technique in detector.techniques),
        harms=tuple(harm.value for harm in harms_of(detector.techniques)),
        first_time=events[evidence[0]]["time"],
        last_time=trigger["time"],
        trigger_event_id=ids[found.trigger],
        event_ids=tuple(ids[place] for place in evidence),
        unique_queries=found.queries,
        evidence=_evidence(found, detector, line, case.plan.horizon),
        summary=summary,
    )


def _evidence(found: Detection, detector: EventDetector, line: Threshold, horizon: int) -> Evidence:
    return Evidence(
        statistic=detector.statistic,
        value=found.value,
        threshold=line.value,
        above=line.maxima.above(found.value) if line.maxima else 0,
        of=len(line.maxima.full) if line.maxima else 0,
        horizon=horizon,
        basis=line.basis,
        facts=found.explanation.facts,
    )


def severity(confidence: float, criticality: Criticality) -> Severity:
    """Combine a confidence from 0 to 1 with the criticality of the system."""
    grade = "high" if confidence >= 0.7 else "medium" if confidence >= 0.4 else "low"
    return SEVERITY[grade][list(Criticality).index(criticality)]
