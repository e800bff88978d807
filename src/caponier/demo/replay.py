"""The scanned log once more, for pictures: every query with its answer, and every score with its threshold."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from caponier.app.inference.load import load_events
from caponier.app.inference.plan import levels_of
from caponier.app.progress import Silent
from caponier.detect.calibration.baseline import ModelBaseline
from caponier.detect.registry import select
from caponier.engines.local import suspicion
from caponier.engines.plan import CalibratedDetector, Plan
from caponier.engines.spool import Spool
from caponier.records.inventory import DetectSettings
from caponier.telemetry.features import Encoder
from caponier.telemetry.rejections import RejectedRows

SHOWN: Final = 200
"""Different queries of each principal that are shown."""


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
        thresholds: (SHOWN,) by detector: the score that it takes, by that detector alone, at each query of a caller.
        queries: By principal.
        latency_ms: Median time for an answer, by principal.
    """

    thresholds: Mapping[str, NDArray[np.float64]]
    queries: Mapping[str, Queries]
    latency_ms: Mapping[str, float]

    def shares(self, who: str, detector: str) -> NDArray[np.float64]:
        """Return a principal's scores in thresholds, over the first SHOWN different queries."""
        scores = self.queries[who].scores[detector][:SHOWN]
        shares: NDArray[np.float64] = scores / self.thresholds[detector][: len(scores)]
        return shares


def replay(log: Path, section: ModelBaseline, settings: DetectSettings, salt: bytes) -> Replay:
    """Score a log of one model again, and keep everything.

    Args:
        log: The log.
        section: The baseline of its model.
        settings: The workspace's: which detectors run.
        salt: The workspace's.
    """
    enabled = {one.name: one for one in select(settings.disabled, settings.detectors)}
    lines = tuple(
        CalibratedDetector(enabled[name], learned.params, float(enabled[name].floor), learned.ranks)
        for name, learned in section.detectors.items()
        if name in enabled
    )
    plan = Plan(section.model, Encoder(section.spec, section.knots), lines, salt, levels=levels_of(section))
    ages = np.arange(1, SHOWN + 1)
    thresholds = {line.name: np.maximum(line.needed_at(plan.level, ages), 1.0) for line in lines}
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
