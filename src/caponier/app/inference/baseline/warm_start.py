"""A warm start: what is known of a model's earlier version stands in until enough principals use the new one.

What callers send and how they ask outlasts a new version; how often answers flip, and with it every maximum, need not.
So the old knowledge is kept as it was learned (scale, parameters, benign maxima), the new principals are ranked by it
as strangers, and every threshold is an estimate, above whatever any benign principal of either version reached.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from caponier.app.inference.baseline.build import BaselineReport, suspects, told_aside
from caponier.app.inference.load import load_events
from caponier.app.inference.promise import judged_by_caller
from caponier.app.inference.read_options import USUAL, ReadOptions
from caponier.app.inference.staleness import Fit, portrait_of
from caponier.app.progress import Progress, Silent
from caponier.app.workspace.workspace import read_salt
from caponier.detect.calibration.baseline import Baseline, DetectorBaseline, ModelBaseline, Warm
from caponier.detect.calibration.judging import ASIDE, FEWEST, HorizonMaxima, Maxima
from caponier.detect.detector import EventDetector, Signal
from caponier.detect.registry import select
from caponier.engines.local import Line, Plan, maxima, scan
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
    own = _own(section)
    if old is None:
        report.notes.append(f"{section.model}: nothing is taken from the earlier baseline; it holds no other version")
    elif own >= FEWEST:
        report.notes.append(
            f"{section.model}: nothing is taken from version {old.version}; {own} principals are enough"
        )
    elif old.spec.digest() != section.spec.digest():
        report.notes.append(f"{section.model}: nothing is taken from version {old.version}; it takes other inputs")
    else:
        return old
    return None


def _own(section: ModelBaseline) -> int:
    return min((len(learned.maxima.full) for learned in judged_by_caller(section)), default=0)


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
    lines = tuple(Line(detectors[name], learned.params, np.inf) for name, learned in kept.items())
    plan = Plan(section.model, Encoder(old.spec, old.knots), old.horizon, lines, salt, cells=old.cells)
    for part in plan.parts():
        for name, best in maxima(spool, part, EVERYBODY).items():
            kept[name] = _joined(report, section.model, detectors[name], kept[name], best)
    own = _own(section)
    report.notes.append(
        f"{section.model}: {own} principals of version {section.version} filled a horizon, so scale, parameters and "
        f"maxima are those of version {old.version} too, and thresholds are estimates until there are {FEWEST}"
    )
    _compare(report, spool, plan, old)
    return replace(
        section,
        spec=old.spec,
        knots=old.knots,
        cells=old.cells,
        horizon=old.horizon,
        portrait=old.portrait,
        horizons_per_week=max(section.horizons_per_week, old.horizons_per_week),
        detectors={**section.detectors, **kept},
        warm=Warm(old.version, own),
    )


def _joined(
    report: BaselineReport,
    model: str,
    detector: EventDetector,
    learned: DetectorBaseline,
    best: HorizonMaxima,
) -> DetectorBaseline:
    """Put the maxima of new principals beside the old ones; as in a build, who looks like an attacker is set aside."""
    found, peaks = best.by_subject(), best.peaks()
    odd = suspects(detector, peaks)
    if len(odd) > ASIDE * (len(found) + len(learned.maxima.full)):
        odd = {}
    report.notes += [f"{model}: {note}" for note in told_aside(detector, odd)]
    values = {
        whole: [np.inf if name in odd else value for name, (value, filled) in found.items() if filled is whole]
        for whole in (True, False)
    }
    full, partial = np.array(values[True], np.float64), np.array(values[False], np.float64)
    peak = max([learned.maxima.peak, *(value for name, value in peaks.items() if name not in odd)])
    joint = Maxima(_both(learned.maxima.full, full), np.sort(_both(learned.maxima.partial, partial)), peak)
    return replace(learned, maxima=joint)


def _both(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([old, new])


def _compare(report: BaselineReport, spool: Spool, plan: Plan, old: ModelBaseline) -> None:
    """Note if the callers of the new version are not those of the old one."""
    tally = scan(spool, [replace(plan, lines=(), portrait=portrait_of(old, plan.encoder))]).tallies.get(plan.model)
    fit = Fit.of(old, tally) if tally else None
    if fit and fit.drift.stale:
        changed = ", ".join(fit.changes)
        report.notes.append(f"{plan.model}: callers are others than those of version {old.version}; changed: {changed}")
