"""Look for attacks in inference logs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from caponier.app.inference.accounts import keys_joined
from caponier.app.inference.findings import CallerFacts, OwnFindings, finding_of
from caponier.app.inference.load import feature_spec, lacking, load_events, scale_of, seeing
from caponier.app.inference.log_gaps import lost, voided
from caponier.app.inference.plan import (
    DetectionSettings,
    Diagnostics,
    ModelDetection,
    plan_for,
    refuse_other_input,
    unavailable,
)
from caponier.app.inference.read_options import USUAL, ReadOptions
from caponier.app.inference.staleness import DriftReport
from caponier.app.progress import Progress, Silent
from caponier.detect.calibration.baseline import Baseline, ModelBaseline
from caponier.detect.detector import EventDetector
from caponier.detect.registry import event_detectors
from caponier.detect.traffic_profile.drift import TraitHistogram
from caponier.engines.judge import Detection
from caponier.engines.local import BATCH_ROWS, LOCAL, Engine
from caponier.engines.sampling import rate_of, sampled
from caponier.engines.spool import ModelSummary, Spool, known_principal, temporary_folder
from caponier.errors import InputError
from caponier.records.alert_budget import AlertBudget
from caponier.records.finding import Finding, by_rarity
from caponier.records.inventory import FeatureSpec, Workspace
from caponier.records.skip import Skip
from caponier.telemetry.digests import event_id
from caponier.telemetry.features import Encoder
from caponier.telemetry.rejections import RejectedRows, Rejection


@dataclass
class ScanReport:
    """What a scan found, what it could not do, and which rows it could not use."""

    findings: list[Finding]
    skipped: list[Skip]
    rejected: RejectedRows
    events: int = 0
    notes: list[str] = field(default_factory=list)
    fits: dict[str, DriftReport] = field(default_factory=dict)
    """How well the baseline of each model fits its traffic, where that can be compared."""
    checked: bool = False
    """Whether a detector looked at any event; without one, that nothing was found says nothing."""


def scan_inference(
    paths: Sequence[Path],
    baseline: Baseline | None = None,
    *,
    workspace: Workspace | None = None,
    spec: FeatureSpec | None = None,
    alert_budget: AlertBudget | None = None,
    detectors: Sequence[EventDetector] | None = None,
    rejected: RejectedRows | None = None,
    options: ReadOptions = USUAL,
    engine: Engine = LOCAL,
    shared: Path | None = None,
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
        alert_budget: Of which false alerts the user wants to be told at once, in place of the workspace's.
        detectors: Who looks; by default all that the workspace does not disable.
        rejected: Takes the rows that cannot be used.
        options: How the logs are to be read.
        engine: Scores and judges the events: the local one, or one on a cluster.
        shared: Folder in which an engine's workers find the events; by default one for temporary files.
        workers: Processes.
        batch_rows: Events in a batch.
        progress: Told how far it is.

    Raises:
        InputError: If nothing in the logs is an event, or the log and the baseline do not fit each other.
    """
    watch, rejected = progress or Silent(), rejected if rejected is not None else RejectedRows()
    terms = DetectionSettings.of(workspace, baseline, alert_budget, detectors)
    report = ScanReport([], unavailable(event_detectors, workspace), rejected)
    with Spool(folder=temporary_folder(shared), joined=keys_joined(workspace)) as spool:
        said, each = _said(spec, terms), engine.each
        read = load_events(spool, paths, rejected, watch, options=options, salt=terms.salt, spec_of=said, each=each)
        cases = _cases(report, spool, read, spec, options.sampling, terms)
        report.checked = bool(cases)
        watch.stage("Scanning", sum(one.attributed for one in read if one.model in cases))
        plans = [case.plan for case in cases.values()]
        result = engine.scan(spool, plans, workers=workers, batch_rows=batch_rows, progress=watch.advance)
        rejected.add(_duplicates(spool, result.duplicates))
        report.events = spool.rows
        report.fits = _fits(result.tallies, terms, read)
        report.notes += [f"{model}: {fit.words}" for model, fit in report.fits.items() if fit.drift.stale]
        found = _findings(spool, cases, result.detections, workspace, terms.salt, terms.budget)
        marked = (fit.marked(one) if (fit := report.fits.get(one.model or "")) else one for one in found)
        report.findings = by_rarity(marked)
    return report


def _said(given: FeatureSpec | None, terms: DetectionSettings) -> Callable[[str], FeatureSpec | None]:
    # It may be asked on another machine, where nobody needs the detectors for it.
    known = replace(terms, detectors=[])
    return lambda model: given or known.spec(model)


def _cases(
    report: ScanReport,
    spool: Spool,
    read: Sequence[ModelSummary],
    given: FeatureSpec | None,
    sampling: float | None,
    terms: DetectionSettings,
) -> dict[str, ModelDetection]:
    """Return what to run over each model; what is wrong with one costs no other model its scan.

    Raises:
        InputError: If the request is about one model alone, and wrong.
    """
    cases = {}
    for summary in read:
        try:
            case = _case(report, spool, summary, given, sampling, terms)
        except InputError as wrong:
            if len(read) == 1:
                raise
            report.skipped.append(Skip(summary.model, wrong.what))
            continue
        if case is not None:
            cases[summary.model] = case
    return cases


def _case(
    report: ScanReport,
    spool: Spool,
    summary: ModelSummary,
    given: FeatureSpec | None,
    sampling: float | None,
    terms: DetectionSettings,
) -> ModelDetection | None:
    """Return what to run over the events of a model; None, with reasons in the report, if nothing can."""
    section = terms.section(summary.model, summary.version)
    said = given or terms.spec(summary.model, summary.version)
    # Whoever built a baseline without inputs need not know it: what looks at none of them is said below.
    known = section.spec if section and section.spec.kind == "none" else feature_spec(summary, said)
    detectors, blind = seeing(_speaking(report, summary, terms.detectors, known), known)
    report.skipped += [Skip(f"{summary.model}: {name}", why) for name, why in blind.items()]
    remarks = Diagnostics(report.skipped, report.notes)
    encoder = _encoder(spool, summary, section, known)
    if isinstance(encoder, str):
        report.skipped.append(Skip(summary.model, encoder))
        return None
    case = plan_for(remarks, summary.model, summary.version, encoder, detectors, terms)
    if case is None:
        if not any(skip.what.startswith(summary.model) for skip in report.skipped):
            # Notes tell of detectors that run without, and here none does.
            report.skipped.append(Skip(summary.model, "no detector runs on it; the notes say why"))
        return None
    rate = _sampling(remarks, spool, summary, [line.detector for line in case.plan.lines], sampling, terms)
    if section and (void := voided(summary.model, section.sampling, rate)):
        report.notes.append(void)
        case = replace(case, sure=False)
    report.rejected.add(spool.wrong_lengths(summary.model, encoder.size))
    return case


def _sampling(
    remarks: Diagnostics,
    spool: Spool,
    summary: ModelSummary,
    detectors: Sequence[EventDetector],
    given: float | None,
    terms: DetectionSettings,
) -> float:
    """Return which share of a model's traffic is logged, and say what is lost with the rest."""
    listed = terms.workspace.model(summary.model) if terms.workspace else None
    told = sampled(spool, summary.model)
    rate = rate_of(given, listed.sampling if listed else None, told)
    skipped, notes = lost(summary, detectors, told, rate)
    remarks.skipped += skipped
    remarks.notes += notes
    return rate


def _speaking(
    report: ScanReport, summary: ModelSummary, detectors: Sequence[EventDetector], known: FeatureSpec
) -> list[EventDetector]:
    """Return the detectors that find in the log what they need; list the others, and the events of nobody."""
    lost = summary.events - summary.attributed
    if not detectors:
        report.skipped.append(Skip(summary.model, "every detector is disabled"))
    if summary.attributed and lost:
        report.skipped.append(Skip(f"{summary.model}: {lost:,} of {summary.events:,} events", "nobody is named"))
    speaking, skipped, notes = lacking(summary, detectors, known)
    report.skipped += skipped
    report.notes += notes
    return speaking


def _encoder(spool: Spool, summary: ModelSummary, section: ModelBaseline | None, known: FeatureSpec) -> Encoder | str:
    """Return the scale of the inputs: the baseline's if there is one, else what the log itself shows."""
    if section is None:
        return scale_of(summary, known, spool)
    refuse_other_input(section, known)
    return Encoder(section.spec, section.knots)


def _fits(
    tallies: Mapping[str, TraitHistogram], terms: DetectionSettings, read: Sequence[ModelSummary]
) -> dict[str, DriftReport]:
    """Hold the callers of each model against those of its baseline."""
    sections = {one.model: terms.section(one.model, one.version) for one in read}
    return {
        model: fit
        for model, tally in tallies.items()
        if (section := sections[model]) and (fit := DriftReport.of(section, tally))
    }


def _duplicates(spool: Spool, repeated: Sequence[tuple[int, int]]) -> Iterator[Rejection]:
    for source, line in sorted(repeated):
        yield Rejection(spool.sources[source], line, "duplicate: same time, principal and input as the event before it")


def _findings(
    spool: Spool,
    cases: dict[str, ModelDetection],
    detections: Sequence[Detection],
    workspace: Workspace | None,
    salt: bytes,
    budget: AlertBudget,
) -> Iterator[Finding]:
    places = {place for found in detections for place in (found.trigger, *found.evidence)}
    events = spool.events(sorted(places)) if places else {}
    ids = {place: event["event_id"] or event_id(_content(event), salt) for place, event in events.items()}
    own = OwnFindings()
    for found in detections:
        own.add(found, events[found.trigger]["time"])
    for found in detections:
        evidence = sorted({*found.evidence, found.trigger}, key=lambda place: (events[place]["time"], place))
        trigger = events[found.trigger]
        caller = CallerFacts(
            trigger_id=ids[found.trigger],
            event_ids=tuple(ids[place] for place in evidence),
            first_time=events[evidence[0]]["time"],
            last_time=trigger["time"],
            system=trigger["system"],
            version=trigger["model_version"],
            senders=tuple(
                spool.joined.get(whom, whom) for place in evidence if (whom := known_principal(events[place]))
            ),
        )
        if not own.tell(found, caller):
            yield finding_of(found, cases[found.model], caller, workspace, budget)


def _content(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in ("subject", "bucket")}
