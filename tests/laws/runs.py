"""Run one detector over a made-up stream, and say all that came of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import EventDetector, Params, Signal, Subject
from caponier.detect.registry import event_detectors
from caponier.detect.similarity.cells import Cells
from caponier.detect.training_sketch.near_rows import USUAL, banded, opened
from caponier.detect.training_sketch.sketch import CANARIES, OWN, ROWS
from caponier.detect.training_sketch.slow_hits import GAIN
from caponier.engines.judge import Detection, Judge
from caponier.engines.local import Result, joined, merged, scan, scored_batches
from caponier.engines.plan import CalibratedDetector, Plan
from caponier.engines.shares import EVERYBODY
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


Lines = Sequence[tuple[EventDetector, Params]]
"""Detectors, each with what it runs with."""


def scores(lines: Lines, stream: Stream, cuts: Sequence[int]) -> dict[str, Any]:
    """Return each detector's score and ordinal of every query that counts for it, the events, and the duplicates."""
    found: dict[str, Any] = {"events": 0, "duplicates": [], **{detector.name: [] for detector, _ in lines}}
    for part in SubjectPass(ENCODER, lines, b"").run(stream.batches(cuts)):
        found["events"] += part.events
        found["duplicates"] += part.duplicates
        squared, flip = (part.similar.batch.signals[name] for name in ("squared", "flip"))
        for detector, _ in lines:
            rows, ordinals, subjects = part.counted(detector.counts)
            told = zip(rows, subjects, ordinals, part.scores[detector.name][rows], strict=True)
            for row, subject, ordinal, score in told:
                place = (part.names[subject], int(part.batch.time[row]), int(part.batch.seq[row]))
                signals = (int(squared[row]), bool(flip[row]))
                found[detector.name].append((place, int(ordinal), signals, int(score)))
    return found


@contextmanager
def registered(*detectors: EventDetector) -> Iterator[None]:
    """Let these detectors, and no others, be all that there are; for commands, which take none."""
    known = {detector.name: detector for detector in detectors}
    with patch.dict(vars(event_detectors), {"_found": Discovery(known, {})}):
        yield


def findings(
    lines: Lines, stream: Stream, thresholds: Mapping[str, float], batch_rows: int
) -> dict[str, list[tuple[Any, ...]]]:
    """Return by detector what each by itself tells, as plain values; as often as it comes, so that there are many."""
    calibrated = tuple(CalibratedDetector(detector, params, thresholds[detector.name]) for detector, params in lines)
    plan = Plan("m", ENCODER, calibrated, cells=CELLS, span=1)
    found: dict[str, list[tuple[Any, ...]]] = {}
    with stream.spool() as spool:
        for part in plan.parts():
            by_caller = part.subject is Subject.PRINCIPAL
            # Scored together, which is what takes the time, and judged as if each were alone.
            judges = {
                line.name: Judge(replace(part, lines=(line,)), sorted_by_subject=by_caller) for line in part.lines
            }
            told: dict[str, list[Detection]] = {name: [] for name in judges}
            for scored in scored_batches(spool, part, EVERYBODY, batch_rows):
                for name, judge in judges.items():
                    told[name] += judge.detections(scored)
            found |= {name: _plain(merged(Result(), [Result(detections=some)])) for name, some in told.items()}
    return found


def scanned(
    detector: EventDetector, stream: Stream, threshold: float, batch_rows: int, workers: int = 1
) -> list[tuple[Any, ...]]:
    """Return the detections of a whole scan as plain values."""
    plan = Plan("m", ENCODER, (CalibratedDetector(detector, {}, threshold),), cells=CELLS, span=1)
    with stream.spool() as spool:
        return _plain(scan(spool, [plan], batch_rows=batch_rows, workers=workers))


def _plain(result: Result) -> list[tuple[Any, ...]]:
    return [
        (one.subject, one.value, one.queries, one.trigger, one.evidence, one.explanation.summary, one.explanation.facts)
        for one in result.detections
    ]


def middling(lines: Lines, stream: Stream) -> dict[str, float]:
    """Return by detector a threshold that some scores pass, so that there is something to compare."""
    told = scores(lines, stream, [])
    values = {detector.name: sorted({score for *_, score in told[detector.name]}) for detector, _ in lines}
    return {name: float(np.median(some)) if len(some) > 1 else -1.0 for name, some in values.items()}
