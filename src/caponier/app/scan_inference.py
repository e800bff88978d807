"""Look for attacks in inference logs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from caponier.app.build_baseline import DEFAULT_BUDGET, bound_of
from caponier.app.load_events import feature_spec, gap, load_events, scale_of
from caponier.app.progress import Progress, Silent
from caponier.app.workspace import read_salt
from caponier.detect.baseline import Baseline, DetectorBaseline, ModelBaseline
from caponier.detect.detector import EventDetector, Params, Signal
from caponier.detect.judging import FEWEST, HORIZON, Threshold, threshold
from caponier.detect.registry import select
from caponier.detect.sketch import fits
from caponier.engines.local import BATCH_ROWS, Detection, Line, Plan, scan
from caponier.engines.spool import ModelSummary, Spool
from caponier.errors import InputError
from caponier.matrix.catalogue import harms_of, resolve
from caponier.records.alert_budget import AlertBudget
from caponier.records.finding import Basis, Evidence, Finding, Severity, SubjectRef, finding_id
from caponier.records.inventory import Criticality, FeatureSpec, Workspace
from caponier.telemetry.clock import LATENESS
from caponier.telemetry.digests import event_id
from caponier.telemetry.features import Encoder
from caponier.telemetry.rejections import RejectedRows, Rejection

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
class _Terms:
    """What a scan goes by."""

    detectors: list[EventDetector]
    baseline: Baseline | None
    budget: AlertBudget
    workspace: Workspace | None
    spec: FeatureSpec | None
    salt: bytes


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
        baseline: What benign traffic looks like; the baselines of the inventory by default. Without any only the
            detections that need none can be made.
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
    terms = _terms(baseline, workspace, spec, alert_budget)
    report = ScanReport([], [], rejected)
    with Spool() as spool:
        read = load_events(spool, paths, rejected, watch, reader=reader, lateness=lateness, salt=terms.salt)
        cases = [case for summary in read if (case := _case(report, spool, summary, terms))]
        watch.stage("Scanning", sum(case.summary.attributed for case in cases))
        plans = [case.plan for case in cases]
        result = scan(spool, plans, workers=workers, batch_rows=batch_rows, progress=watch.advance)
        rejected.add(_duplicates(spool, result.duplicates))
        report.events = spool.rows
        known = {case.summary.model: case for case in cases}
        report.findings = list(_findings(spool, known, result.detections, workspace, terms.salt))
    return report


def _terms(
    baseline: Baseline | None, workspace: Workspace | None, spec: FeatureSpec | None, budget: AlertBudget | None
) -> _Terms:
    if workspace is None:
        return _Terms(select(), baseline, budget or DEFAULT_BUDGET, None, spec, b"")
    if baseline is None:
        files = dict.fromkeys(model.baseline for model in workspace.models if model.baseline)
        baseline = Baseline(tuple(section for file in files for section in Baseline.load(file).models))
    return _Terms(
        select(workspace.detect.disabled, workspace.detect.detectors),
        baseline,
        budget or workspace.detect.alert_budget,
        workspace,
        spec,
        read_salt(workspace),
    )


def _case(report: ScanReport, spool: Spool, summary: ModelSummary, terms: _Terms) -> _Case | None:
    """Return what to run over the events of a model; None, with reasons in the report, if nothing can."""
    section = terms.baseline.of(summary.model, summary.version) if terms.baseline else None
    detectors = _speaking(report, summary, terms.detectors)
    lines = _lines(report, summary, detectors, section, terms)
    listed = terms.workspace.model(summary.model) if terms.workspace else None
    said = terms.spec or (listed.features if listed else None) or (section.spec if section else None)
    known = feature_spec(summary, said)
    if known is None or not lines:
        return None
    encoder = _encoder(spool, summary, section, known)
    if isinstance(encoder, str):
        report.skipped.append(Skip(summary.model, encoder))
        return None
    report.rejected.add(spool.wrong_lengths(summary.model, encoder.size))
    horizon = terms.workspace.detect.horizon if terms.workspace else HORIZON
    return _Case(
        summary,
        Plan(
            summary.model,
            encoder,
            section.horizon if section else horizon,
            tuple(Line(name, params, line.value) for name, (params, line) in lines.items()),
            terms.salt,
        ),
        {detector.name: detector for detector in detectors},
        {name: line for name, (_, line) in lines.items()},
    )


def _speaking(report: ScanReport, summary: ModelSummary, detectors: Sequence[EventDetector]) -> list[EventDetector]:
    """Return the detectors that find in the log what they need; list the others, and the events of nobody."""
    lost = summary.events - summary.attributed
    if not detectors:
        report.skipped.append(Skip(summary.model, "every detector is disabled"))
    if summary.attributed and lost:
        report.skipped.append(Skip(f"{summary.model}: {lost:,} of {summary.events:,} events", "nobody is named"))
    gaps = {detector.name: gap(summary, detector) for detector in detectors}
    report.skipped += [Skip(f"{summary.model}: {name}", lacks) for name, lacks in gaps.items() if lacks]
    return [detector for detector in detectors if not gaps[detector.name]]


def _encoder(spool: Spool, summary: ModelSummary, section: ModelBaseline | None, known: FeatureSpec) -> Encoder | str:
    """Return the scale of the inputs: the baseline's if there is one, else what the log itself shows."""
    if section is None:
        return scale_of(summary, known, spool)
    if known.digest() != section.spec.digest():
        raise InputError(
            "the baseline was built for another description of the input",
            where=summary.model,
            mend=f"Build it again, or describe the input as it was: {section.spec.model_dump_json(exclude_none=True)}",
        )
    return Encoder(section.spec, section.knots)


def _lines(
    report: ScanReport,
    summary: ModelSummary,
    detectors: Sequence[EventDetector],
    section: ModelBaseline | None,
    terms: _Terms,
) -> dict[str, tuple[Params, Threshold]]:
    """Return what each detector runs with; list those that cannot run, and what the others lack."""
    detectors = _trained(report, summary, detectors, section, terms.salt)
    ranked = {detector.name: found for detector in detectors if (found := _learned(detector, section))}
    total = bound_of(terms.budget, terms.baseline.horizons_per_week if terms.baseline else None)
    lines: dict[str, tuple[Params, Threshold]] = {}
    for detector in detectors:
        # The budget is spent by those detectors alone that are judged by rank here.
        line = _line(detector, ranked.get(detector.name), total / max(1, len(ranked)))
        if line is None:
            report.skipped.append(
                Skip(f"{summary.model}: {detector.name}", f"needs a baseline, but {_lack(detector, section)}")
            )
            continue
        lines[detector.name] = line
        if line[1].basis is Basis.COLD_START:
            lack = _lack(detector, section)
            report.notes.append(f"{summary.model}: {detector.name} runs with cold-start thresholds ({lack})")
        elif line[1].basis is Basis.ESTIMATE and ranked[detector.name].back_test.failed:
            test = ranked[detector.name].back_test
            tested = f"{test.seen} of {test.of} benign principals passed where {test.expected:.1f} were expected"
            report.notes.append(f"{summary.model}: estimates of {detector.name} are unreliable ({tested})")
    if section and lines and section.version != summary.version:
        versions = f"version {section.version or 'unknown'}, most events of version {summary.version or 'unknown'}"
        report.notes.append(f"{summary.model}: the baseline is of {versions}; build one for it")
    return lines


def _trained(
    report: ScanReport,
    summary: ModelSummary,
    detectors: Sequence[EventDetector],
    section: ModelBaseline | None,
    salt: bytes,
) -> list[EventDetector]:
    """Leave out, and note, the detectors that need a sketch of the training set and have none that can be read."""
    speaking = []
    for detector in detectors:
        stored = section.detectors.get(detector.name) if section else None
        if Signal.TRAINING_SET not in detector.needs or (stored and fits(stored.params, salt)):
            speaking.append(detector)
            continue
        lack = "was made with another salt" if stored else "is missing; build the baseline with --training-set"
        report.notes.append(
            f"{summary.model}: {detector.name} does not run; the baseline's sketch of the training set {lack}"
        )
    return speaking


def _learned(detector: EventDetector, section: ModelBaseline | None) -> DetectorBaseline | None:
    """Return what the baseline knows for a detector, if it can be used."""
    stored = section.detectors.get(detector.name) if section else None
    if stored is None or stored.version != detector.state_version or len(stored.maxima.full) < FEWEST:
        return None
    return stored


def _line(detector: EventDetector, stored: DetectorBaseline | None, bound: float) -> tuple[Params, Threshold] | None:
    """Return the parameters and threshold of a detector: by rank, else for a cold start, else None."""
    line = threshold(stored.maxima, bound, detector.floor) if stored else None
    if stored and line:
        return stored.params, line
    priors = detector.priors()
    return (priors[0], Threshold(priors[1], Basis.COLD_START, bound, None)) if priors else None


def _lack(detector: EventDetector, section: ModelBaseline | None) -> str:
    """Say why a detector has no baseline to go by."""
    if section is None:
        return "there is none for this model; build one with: caponier baseline build"
    stored = section.detectors.get(detector.name)
    if stored is None:
        return "it was built without this detector; build it again"
    if stored.version != detector.state_version:
        return "it is of another version of this detector; build it again"
    return f"only {len(stored.maxima.full)} benign principals filled a horizon in it, and {FEWEST} are needed"


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
