"""Learn what benign traffic looks like, and find out which false-alarm promise it can keep."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.app.load_events import feature_spec, load_events
from caponier.app.progress import Progress, Silent
from caponier.app.workspace import read_salt
from caponier.detect.baseline import Baseline, DetectorBaseline, ModelBaseline
from caponier.detect.batch import EventBatch
from caponier.detect.detector import EventDetector, Params
from caponier.detect.judging import FEWEST, HORIZON, Maxima, back_test
from caponier.detect.registry import select
from caponier.engines.local import Line, Plan, fits, maxima, sample
from caponier.engines.spool import ModelSummary, Spool, bucket_of, scale_sample
from caponier.records.inventory import FeatureSpec, Workspace
from caponier.telemetry.clock import LATENESS
from caponier.telemetry.features import Encoder
from caponier.telemetry.rejections import RejectedRows

FOLDS: Final = 5
FIT_EVENTS: Final = 200_000
"""Events that detectors are fitted on; whole subjects are left out beyond it."""
WEEK_US: Final = 7 * 86_400 * 1_000_000


@dataclass
class BaselineReport:
    """A baseline, and what was left out of it."""

    baseline: Baseline
    rejected: RejectedRows
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """What was not used, and why."""


def build_baseline(
    paths: Sequence[Path],
    *,
    workspace: Workspace | None = None,
    spec: FeatureSpec | None = None,
    horizon: int | None = None,
    rejected: RejectedRows | None = None,
    reader: str = "auto",
    lateness: float = LATENESS,
    progress: Progress | None = None,
) -> BaselineReport:
    """Build a baseline from logs of benign traffic, a section for each model in them.

    Args:
        paths: Logs.
        workspace: Its inventory says what the models take; its salt keys the digests.
        spec: What the models take, in place of the inventory.
        horizon: Different queries over which a maximum is taken; the workspace's by default.
        rejected: Takes the rows that cannot be used.
        reader: See `telemetry.events.read_events`.
        lateness: Seconds by which a row may be out of order.
        progress: Told how far it is.

    Raises:
        InputError: If nothing in the logs can be used.
    """
    watch, rejected = progress or Silent(), rejected if rejected is not None else RejectedRows()
    salt = read_salt(workspace) if workspace else b""
    settings = workspace.detect if workspace else None
    detectors = select(settings.disabled if settings else ())
    turn = horizon or (settings.horizon if settings else HORIZON)
    report = BaselineReport(Baseline(), rejected)
    sections = []
    with Spool() as spool:
        for summary in load_events(spool, paths, rejected, watch, reader=reader, lateness=lateness, salt=salt):
            known = feature_spec(summary, workspace, spec)
            if known is None or known.size is None or not summary.attributed:
                lacks = "input" if summary.attributed else "principal, session or address"
                report.skipped.append((summary.model, f"no event of this model has an {lacks}"))
                continue
            rejected.add(spool.wrong_lengths(summary.model, known.size))
            encoder = Encoder.fit(known, scale_sample(spool, summary.model, known.size))
            section = _section(spool, summary, Plan(summary.model, encoder, turn, (), salt), detectors, watch)
            sections.append(section)
    return BaselineReport(Baseline(tuple(sections)), rejected, report.skipped)


def _section(
    spool: Spool, summary: ModelSummary, plan: Plan, detectors: Sequence[EventDetector], watch: Progress
) -> ModelBaseline:
    share = min(1.0, FIT_EVENTS / summary.events)
    watch.stage(f"Fitting {summary.model}")
    benign, names = sample(spool, plan, share)
    folds = np.array([_fold(name) for name in names])
    gathered: dict[str, dict[str, tuple[float, bool, int]]] = {detector.name: {} for detector in detectors}
    horizons = 0
    watch.stage(f"Scoring {summary.model}", summary.events)
    for fold in range(FOLDS):
        lines = tuple(Line(d.name, _fitted(d, benign, folds, fold), np.inf) for d in detectors)
        crossed = Plan(plan.model, plan.encoder, plan.horizon, lines, plan.salt)
        found = maxima(spool, crossed, f"(bucket // 16) % {FOLDS} = {fold}", watch.advance)
        horizons += max((best.horizons for best in found.values()), default=0)
        for name, best in found.items():
            gathered[name] |= {who: (*value, fold) for who, value in best.by_subject().items()}
    everybody = np.ones(len(names), bool)
    return ModelBaseline(
        model=summary.model,
        version=summary.version,
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        spec=plan.encoder.spec,
        knots=plan.encoder.knots,
        horizon=plan.horizon,
        principals=max((len(found) for found in gathered.values()), default=0),
        events=summary.events,
        # A log shorter than a week is taken for all that a week brings: more cannot be known from it.
        horizons_per_week=horizons / max(1.0, (summary.last_time - summary.first_time) / WEEK_US),
        detectors={d.name: _learned(d, fits(d, benign, everybody), gathered[d.name]) for d in detectors},
    )


def _fold(subject: str) -> int:
    return bucket_of(subject) // 16 % FOLDS


def _fitted(detector: EventDetector, benign: EventBatch, folds: NDArray[np.int64], fold: int) -> Params:
    """Fit on the subjects outside a fold, so that the fold's own maxima are those of strangers."""
    others = folds != fold
    return fits(detector, benign, others if others.any() else ~others)


def _learned(detector: EventDetector, params: Params, found: dict[str, tuple[float, bool, int]]) -> DetectorBaseline:
    full = np.array([best for best, whole, _ in found.values() if whole], np.float64)
    partial = np.array([best for best, whole, _ in found.values() if not whole], np.float64)
    folds = np.array([fold for _, whole, fold in found.values() if whole], np.int64)
    return DetectorBaseline(
        detector.state_version, params, Maxima(full, partial), back_test(full, folds, detector.floor)
    )


def promise_of(section: ModelBaseline) -> str:
    """Say which false-alarm promise a section can keep, in a sentence."""
    n = min((len(detector.maxima.full) for detector in section.detectors.values()), default=0)
    if n < FEWEST:
        return (
            f"{n} principals made {section.horizon} different queries; below {FEWEST} there is no promise, and scans "
            "use cold-start thresholds"
        )
    return (
        f"{n} principals made {section.horizon} different queries: at best 1 benign principal in {n + 1} is flagged a "
        "horizon, by each detector; a stricter alert budget gives estimates"
    )
