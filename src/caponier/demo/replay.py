"""The scanned log once more, for pictures: every query with its answer, and every score with its threshold."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from caponier.app.inference.load import load_events
from caponier.app.inference.promise import bound_of
from caponier.app.progress import Silent
from caponier.detect.calibration.baseline import ModelBaseline
from caponier.detect.calibration.judging import Threshold, threshold
from caponier.detect.registry import event_detectors, select
from caponier.engines.local import Line, Plan, suspicion
from caponier.engines.spool import Spool
from caponier.errors import CaponierError
from caponier.records.inventory import DetectSettings
from caponier.telemetry.features import Encoder
from caponier.telemetry.rejections import RejectedRows


@dataclass(frozen=True, eq=False)
class Queries:
    """The different queries of one principal, in order.

    Args:
        inputs: Shape (q, 64).
        labels: The answers, q of them.
        scores: Shape (q,) by detector.
    """

    inputs: NDArray[np.float32]
    labels: tuple[str, ...]
    scores: Mapping[str, NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class Replay:
    """What the detectors saw.

    Args:
        thresholds: By detector.
        queries: By principal.
        latency_ms: Median time for an answer, by principal.
    """

    thresholds: Mapping[str, Threshold]
    queries: Mapping[str, Queries]
    latency_ms: Mapping[str, float]


def thresholds_of(section: ModelBaseline, settings: DetectSettings) -> dict[str, Threshold]:
    """Return the threshold of each detector, as a scan with this baseline and these settings sets it.

    Raises:
        CaponierError: If the baseline has too few principals for one.
    """
    share = bound_of(settings.alert_budget, section.horizons_per_week)
    enabled = select(settings.disabled, settings.detectors)
    detectors = [detector for detector in enabled if detector.name in section.detectors]
    found = {}
    for detector in detectors:
        line = threshold(section.detectors[detector.name].maxima, share / len(detectors), detector.floor)
        if line is None:
            raise CaponierError("too few benign principals for a threshold", where=section.model)
        found[detector.name] = line
    return found


def replay(log: Path, section: ModelBaseline, settings: DetectSettings, salt: bytes) -> Replay:
    """Score a log of one model again, and keep everything.

    Args:
        log: The log.
        section: The baseline of its model.
        settings: The workspace's: which detectors run, and the alert budget that their thresholds are to keep.
        salt: The workspace's.
    """
    thresholds = thresholds_of(section, settings)
    known = event_detectors()
    lines = tuple(Line(known[name], section.detectors[name].params, line.value) for name, line in thresholds.items())
    plan = Plan(section.model, Encoder(section.spec, section.knots), section.horizon, lines, salt)
    with Spool() as spool:
        load_events(spool, [log], RejectedRows(), Silent(), salt=salt)
        courses = suspicion(spool, plan)
        events = pq.read_table(spool.file, columns=["seq", "principal", "input", "label", "latency_ms"])
    at = np.argsort(events["seq"].to_numpy())
    queries = {}
    for course in courses:
        own = events.take(pa.array(at[course.places[:, 1]]))
        inputs = own["input"].combine_chunks().flatten().to_numpy().reshape(len(own), -1)
        queries[course.subject] = Queries(inputs, tuple(own["label"].to_pylist()), course.scores)
    return Replay(thresholds, queries, _latencies(events))


def _latencies(events: pa.Table) -> dict[str, float]:
    medians = events.group_by("principal").aggregate([("latency_ms", "approximate_median")])
    return dict(
        zip(medians["principal"].to_pylist(), medians["latency_ms_approximate_median"].to_pylist(), strict=True)
    )
