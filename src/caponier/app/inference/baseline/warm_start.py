"""A warm start: what is known of a model's earlier version stands in until enough principals use the new one.

What callers send and how they ask outlasts a new version; how often answers flip, and with it every maximum, need not.
So the old knowledge is kept as it was learned (scale, parameters, ranks), the new principals are scored by it as
strangers, nothing is promised, and no score counts that a benign principal of the new version reached.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from caponier.app.inference.baseline.build import BaselineReport
from caponier.app.inference.baseline.set_aside import suspects, told_apart
from caponier.app.inference.load import load_events
from caponier.app.inference.read_options import USUAL, ReadOptions
from caponier.app.inference.staleness import DriftReport, profile_of
from caponier.app.progress import Progress, Silent
from caponier.app.workspace.workspace import read_salt
from caponier.detect.calibration.baseline import Baseline, DetectorBaseline, ModelBaseline, Warm
from caponier.detect.calibration.judging import FEWEST, Gathered
from caponier.detect.detector import EventDetector, Signal
from caponier.detect.registry import select
from caponier.engines.local import gather, scan
from caponier.engines.plan import CalibratedDetector, Plan
from caponier.engines.shares import EVERYBODY
from caponier.engines.spool import Spool
from caponier.records.inventory import Workspace
from caponier.telemetry.features import Encoder
from caponier.telemetry.rejections import RejectedRows


def warm_start(
    report: BaselineReport,
    paths: Sequence[Path],
    known: Baseline,
    *,
    workspace: Workspace | None = None,
    options: ReadOptions = USUAL,
    progress: Progress | None = None,
) -> BaselineReport:
    """Add to a baseline of little traffic what is known of earlier versions of its models.

    Args:
        report: What was built from the logs alone.
        paths: The same logs; they are read again, where something is taken.
        known: A baseline of earlier versions. Its sections are kept beside the new ones.
        workspace: Its salt keys the digests.
        options: How the logs are to be read.
        progress: Told how far it is.
    """
    pairs = {section.model: _earlier(report, section, known) for section in report.baseline.models}
    watch, salt = progress or Silent(), read_salt(workspace) if workspace else b""
    sections = list(report.baseline.models)
    if any(pairs.values()):
        with Spool() as spool:
            load_events(
                spool, paths, RejectedRows(), watch, options=options, salt=salt, spec_of=report.baseline.spec_of
            )
            sections = [
                _warmed(report, spool, section, old, salt) if (old := pairs[section.model]) else section
                for section in sections
            ]
    new = {(section.model, section.version) for section in sections}
    kept = [section for section in known.models if (section.model, section.version) not in new]
    return replace(report, baseline=Baseline((*sections, *kept)))


def _earlier(report: BaselineReport, section: ModelBaseline, known: Baseline) -> ModelBaseline | None:
    """Return the newest section of another version of the model, if something is to be taken from it; note if not."""
    others = [old for old in known.models if old.model == section.model and old.version != section.version]
    old = max(others, key=lambda one: one.created, default=None)
    own = section.principals
    if old is None:
        report.notes.append(f"{section.model}: nothing is taken from the earlier baseline; it holds no other version")
    elif own >= FEWEST:
        report.notes.append(f"{section.model}: nothing is taken from version {old.version}; {own} callers are enough")
    elif old.spec.digest() != section.spec.digest():
        report.notes.append(f"{section.model}: nothing is taken from version {old.version}; it takes other inputs")
    else:
        return old
    return None


def _warmed(
    report: BaselineReport, spool: Spool, section: ModelBaseline, old: ModelBaseline, salt: bytes
) -> ModelBaseline:
    detectors = {detector.name: detector for detector in select()}
    kept = {
        name: learned
        for name, learned in old.detectors.items()
        if name in section.detectors
        and name in detectors
        and learned.version == detectors[name].state_version
        # Another version was trained on other rows, and its sketch is of those.
        and Signal.TRAINING_SET not in detectors[name].needs
    }
    lines = tuple(CalibratedDetector(detectors[name], learned.params) for name, learned in kept.items())
    plan = Plan(section.model, Encoder(old.spec, old.knots), lines, salt, cells=old.cells)
    found = {name: Gathered() for name in kept}
    for part in plan.parts():
        gather(spool, part, EVERYBODY, found)
    aside = report.aside.get(section.model, frozenset())
    kept = {}
    for name, one in found.items():
        peaks = {who: best for who, best in one.peaks().items() if who not in aside}
        joined = _joined(report, section.model, detectors[name], old.detectors[name], peaks)
        kept[name] = replace(joined, allowed={**joined.allowed, **section.detectors[name].allowed})
    own = section.principals
    report.notes.append(
        f"{section.model}: {own} callers of version {section.version} were seen, so scale, parameters and ranks "
        f"are still those of version {old.version}; no share of false alarms is promised until there are {FEWEST}"
    )
    _compare(report, spool, plan, old)
    return replace(
        section,
        spec=old.spec,
        knots=old.knots,
        cells=old.cells,
        profile=old.profile,
        principals=old.principals,
        span=old.span,
        tails=old.tails,
        callers_per_week=max(section.callers_per_week, old.callers_per_week),
        detectors={**section.detectors, **kept},
        warm=Warm(old.version, own),
    )


def _joined(
    report: BaselineReport,
    model: str,
    detector: EventDetector,
    learned: DetectorBaseline,
    peaks: Mapping[str, float],
) -> DetectorBaseline:
    """Let no score count that a principal of the new version reached, but for those who look like attackers."""
    odd = suspects(detector, peaks)
    report.notes += [f"{model}: {note}" for note in told_apart(detector, odd)]
    highest = max((value for name, value in peaks.items() if name not in odd), default=0.0)
    return replace(learned, least=max(learned.least, highest), peak=max(learned.peak, highest))


def _compare(report: BaselineReport, spool: Spool, plan: Plan, old: ModelBaseline) -> None:
    """Note if the callers of the new version are not those of the old one."""
    tally = scan(spool, [replace(plan, lines=(), profile=profile_of(old, plan.encoder))]).tallies.get(plan.model)
    fit = DriftReport.of(old, tally) if tally else None
    if fit and fit.drift.stale:
        changed = ", ".join(fit.changes)
        report.notes.append(f"{plan.model}: callers are others than those of version {old.version}; changed: {changed}")
