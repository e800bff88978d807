"""One scan of a log with attackers planted among its callers, judged at several shares of benign callers."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.findings import NAMED
from caponier.app.inference.load import lacking, load_events, seeing
from caponier.app.inference.plan import DetectionSettings, Diagnostics, levels_of, plan_for
from caponier.app.progress import Silent
from caponier.detect.calibration.baseline import Baseline
from caponier.engines.alert_levels import scan_at
from caponier.engines.judge import Detection
from caponier.engines.spool import Spool, known_principal
from caponier.errors import InputError
from caponier.records.accused import BUCKET
from caponier.records.inventory import FeatureSpec
from caponier.records.skip import Skip
from caponier.telemetry.features import Encoder
from caponier.telemetry.rejections import RejectedRows


@dataclass(frozen=True)
class Alarm:
    """A finding that the scan would have raised.

    Args:
        detector: Who raised it.
        accused: Names of callers.
        moment: Microseconds since the epoch of the query that set it off.
    """

    detector: str
    accused: frozenset[str]
    moment: int


@dataclass(frozen=True)
class PlantedScan:
    """What a scan saw.

    Args:
        alarms: At each share of benign callers that may be flagged.
        detectors: Those that spoke.
        skipped: What could not be looked for, and why.
        notes: What makes it less sure.
    """

    alarms: tuple[tuple[Alarm, ...], ...]
    detectors: tuple[str, ...]
    skipped: tuple[Skip, ...] = ()
    notes: tuple[str, ...] = field(default=())


def learn(log: Path, spec: FeatureSpec, terms: DetectionSettings) -> tuple[Baseline, list[str]]:
    """Build a baseline from a part of a log.

    Args:
        log: The part.
        spec: What the model takes.
        terms: What to go by.

    Returns:
        The baseline, and remarks on it.

    Raises:
        InputError: If nothing can be learned from it.
    """
    report = build_baseline([log], workspace=terms.workspace, spec=spec)
    return report.baseline, report.notes


def scan_planted(paths: Sequence[Path], terms: DetectionSettings, alphas: Sequence[float]) -> PlantedScan:
    """Scan logs of one model once, and say which alarms there would be at each share of benign callers flagged.

    Raises:
        InputError: If the baseline knows nothing of the model.
    """
    with Spool() as spool:
        (summary,) = load_events(spool, paths, RejectedRows(), Silent(), salt=terms.salt)
        section = terms.section(summary.model, summary.version)
        if section is None:
            hint = "Build one with: caponier baseline build"
            raise InputError("the baseline knows nothing of the model", where=summary.model, hint=hint)
        speaking, skipped, notes = lacking(summary, terms.detectors, section.spec)
        able, blind = seeing(speaking, section.spec)
        remarks = Diagnostics([*skipped, *(Skip(*one) for one in blind.items())], list(notes))
        encoder = Encoder(section.spec, section.knots)
        case = plan_for(remarks, summary.model, summary.version, encoder, able, terms)
        if case is None:
            raise InputError("no detector can run on what the log holds", where=summary.model)
        plans = [replace(case.plan, levels=levels_of(replace(section, alpha=alpha))) for alpha in alphas]
        alarms = _alarms(spool, scan_at(spool, plans))
    spoke = tuple(line.name for line in case.plan.lines)
    return PlantedScan(alarms, spoke, tuple(remarks.skipped), tuple(remarks.notes))


def _alarms(spool: Spool, found: Sequence[Sequence[Detection]]) -> tuple[tuple[Alarm, ...], ...]:
    every = [one for detections in found for one in detections]
    places = {one.trigger for one in every} | {at for one in every if one.kind == BUCKET for at in one.evidence}
    events = spool.events(sorted(places)) if places else {}

    def accused(one: Detection) -> frozenset[str]:
        if one.kind != BUCKET:
            return frozenset({one.subject})
        rows = sorted({*one.evidence, one.trigger}, key=lambda place: (events[place]["time"], place))
        names = dict.fromkeys(name for at in rows if (name := known_principal(events[at])))
        return frozenset(list(names)[:NAMED])

    def alarm(one: Detection) -> Alarm:
        return Alarm(one.detector, accused(one), round(events[one.trigger]["time"].timestamp() * 1e6))

    return tuple(tuple(alarm(one) for one in detections) for detections in found)
