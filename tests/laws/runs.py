"""Run one detector over a made-up stream, and say all that came of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import EventDetector, Params, Signal
from caponier.detect.registry import event_detectors
from caponier.detect.similarity.cells import Cells
from caponier.detect.training_sketch.near_rows import USUAL, banded, opened
from caponier.detect.training_sketch.sketch import CANARIES, OWN, ROWS
from caponier.detect.training_sketch.slow_hits import GAIN
from caponier.engines.local import joined, scan
from caponier.engines.plan import CalibratedDetector, Plan
from caponier.engines.subjects import SubjectPass
from caponier.plugins import Discovery
from laws.streams import ENCODER, TYPICAL, WIDTH, Stream, written


def learned() -> EventBatch:
    """Return benign events to fit on: plain users, one who asks in small steps, and some who ask much."""
    stream = written(
        [(seed, ["fresh"] * 4 + ["walk"] * (seed == 1) + ["ring"] * (seed in (2, 3))) for seed in range(9)]
    )
    return joined([part.similar.batch for part in SubjectPass(ENCODER, [], b"").run(stream.batches([]))], WIDTH)


BENIGN = learned()


CELLS = Cells.fit(BENIGN.queries()[0].query)
"""For detectors that look at all callers of like queries together."""


def trained() -> NDArray[np.uint64]:
    """Return the digests of every other input of the typical stream, as if a model had been trained on them."""
    (part,) = SubjectPass(ENCODER, [], b"").run(TYPICAL.batches([]))
    return np.unique(part.batch.key[part.rows])[::2]


TRAINED = trained()


def sketched() -> Params:
    """Return an open sketch of a training set, with near hits that benign callers hardly have, and canaries."""
    (part,) = SubjectPass(ENCODER, [], b"").run(TYPICAL.batches([]))
    learned = np.unique(part.batch.query[part.rows], axis=0)[::3]
    near = opened(banded(learned, BENIGN.query, b"salt"), b"salt")
    canary = np.setdiff1d(part.batch.key[part.rows], TRAINED)[:1]
    return {ROWS: TRAINED, CANARIES: canary, USUAL: np.array([OWN, OWN]), GAIN: np.array([50]), **near}


SKETCHED = sketched()


def params_of(detector: EventDetector) -> list[Params]:
    """Return what a detector runs with: learned, with a training set if it asks for one, and at a cold start."""
    priors = detector.priors()
    given = SKETCHED if Signal.TRAINING_SET in detector.needs else {}
    return [{**detector.fit(BENIGN), **given}, *([priors[0]] if priors else [])]


def scores(detector: EventDetector, params: Params, stream: Stream, cuts: Sequence[int]) -> dict[str, Any]:
    """Return the score and ordinal of every different query, and the duplicates."""
    found: dict[str, Any] = {"events": 0, "duplicates": [], "queries": []}
    for part in SubjectPass(ENCODER, [(detector, params)], b"").run(stream.batches(cuts)):
        found["events"] += part.events
        found["duplicates"] += part.duplicates
        rows, ordinals, subjects = part.counted(detector.counts)
        for row, subject, ordinal, score in zip(
            rows, subjects, ordinals, part.scores[detector.name][rows], strict=True
        ):
            place = (part.names[subject], int(part.batch.time[row]), int(part.batch.seq[row]))
            signals = (int(part.similar.batch.signals["squared"][row]), bool(part.similar.batch.signals["flip"][row]))
            found["queries"].append((place, int(ordinal), signals, int(score)))
    return found


@contextmanager
def registered(*detectors: EventDetector) -> Iterator[None]:
    """Let these detectors, and no others, be all that there are; for commands, which take none."""
    known = {detector.name: detector for detector in detectors}
    with patch.dict(vars(event_detectors), {"_found": Discovery(known, {})}):
        yield


def findings(
    detector: EventDetector, params: Params, stream: Stream, threshold: float, batch_rows: int, workers: int = 1
) -> list[tuple[Any, ...]]:
    """Return the detections of a scan as plain values; each is told as often as it comes, so that there are many."""
    plan = Plan("m", ENCODER, (CalibratedDetector(detector, params, threshold),), cells=CELLS, span=1)
    with stream.spool() as spool:
        found = scan(spool, [plan], batch_rows=batch_rows, workers=workers).detections
    return [
        (one.subject, one.value, one.queries, one.trigger, one.evidence, one.explanation.summary, one.explanation.facts)
        for one in found
    ]


def middling(detector: EventDetector, params: Params, stream: Stream) -> float:
    """Return a threshold that some scores pass, so that there is something to compare."""
    values = {score for *_, score in scores(detector, params, stream, [])["queries"]}
    return float(np.median(sorted(values))) if len(values) > 1 else -1.0
