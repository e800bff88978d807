"""Streams of events with every column, to hold detectors to what they promise over any of them."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import OPERATIONS, Column, EventDetector, Params
from caponier.detect.similarity import nearest_query
from detect.batches import batch_of

STATUSES = (200, 200, 200, 200, 400, 404, 422, 429, 500, 503, 0, -1, 999)
COLUMNS = (Column.OPERATION, Column.STATUS, Column.COST, Column.TOP_SCORE, Column.SURENESS)


def signals(n: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Return columns as logs have them: some numbers are missing, some are as large as they can be."""
    costs = np.where(rng.random(n) < 0.1, 2**53, rng.integers(-1, 90_000, n))
    return {
        Column.OPERATION.value: rng.integers(0, len(OPERATIONS), n).astype(np.uint8),
        Column.STATUS.value: rng.choice(STATUSES, n).astype(np.int64),
        Column.COST.value: costs.astype(np.int64),
        Column.TOP_SCORE.value: rng.integers(-1, 10_001, n),
        Column.SURENESS.value: rng.integers(-1, 2**16, n),
    }


def walk(n: int, width: int, rng: np.random.Generator, step: int = 4, bases: int = 3) -> list[list[int] | None]:
    """Return queries around a few inputs, a few of them exact repeats, some events without an input."""
    around = rng.integers(0, 128, (bases, width))
    rows: list[list[int] | None] = []
    for _ in range(n):
        kind = rng.random()
        if kind < 0.08:
            rows.append(None)
        elif kind < 0.2 and rows:
            rows.append(rows[rng.integers(len(rows))])
        else:
            row = around[rng.integers(bases)] + rng.integers(-step, step + 1, width)
            rows.append(np.clip(row, 0, 127).tolist())
    return rows


def stream(seed: int, subjects: int, most: int, width: int) -> EventBatch:
    """Return events of some subjects, up to `most` of each, with all columns but without similarity."""
    rng = np.random.default_rng(seed)
    lines = [walk(int(rng.integers(0, most + 1)), width, rng) for _ in range(subjects)]
    if not any(row is not None for line in lines for row in line):
        lines[0] = [rng.integers(0, 128, width).tolist()]
    labels = [[int(one) << 50 for one in rng.integers(0, 4, len(line))] for line in lines]
    batch = batch_of(lines, labels)
    moments = [np.cumsum(rng.choice([0, 1, 10**5, 10**7, 10**9], len(line))) + 10**15 for line in lines]
    batch = replace(batch, time=np.concatenate(moments).astype(np.int64))
    return batch.with_signals(signals(len(batch), rng))


def looked_at(batch: EventBatch) -> EventBatch:
    """Add similarity, from nothing."""
    ring = np.zeros(batch.subjects, nearest_query.state_dtype(batch.query.shape[1]))
    return nearest_query.add_signals(ring, batch, np.arange(batch.subjects)).batch


def part_of(batch: EventBatch, begins: NDArray[np.int64], ends: NDArray[np.int64]) -> EventBatch:
    """Return rows `begins` to `ends` (s,) of each subject, counted from its first; subjects without rows stay."""
    place = np.arange(len(batch)) - batch.offsets[:-1][batch.subject]
    keep = (place >= begins[batch.subject]) & (place < ends[batch.subject])
    counts = np.bincount(batch.subject[keep], minlength=batch.subjects)
    rows = np.flatnonzero(keep)
    columns = {name: getattr(batch, name)[rows] for name in ("time", "source", "seq", "query", "key", "label")}
    return EventBatch(
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        signals={name: values[rows] for name, values in batch.signals.items()},
        **columns,
    )


def in_parts(
    detector: EventDetector, params: Params, batch: EventBatch, cuts: NDArray[np.int64]
) -> tuple[list[list[int]], NDArray[Any]]:
    """Score a stream in parts (cuts (k, s), ascending), and return the scores of each subject and the last state."""
    state = np.zeros(batch.subjects, detector.state)
    rings = np.zeros(batch.subjects, nearest_query.state_dtype(batch.query.shape[1]))
    found: list[list[int]] = [[] for _ in range(batch.subjects)]
    whole = np.diff(batch.offsets)
    for begins, ends in pairwise([np.zeros_like(whole), *cuts, whole]):
        piece = part_of(batch, begins, np.maximum(ends, begins))
        seen = nearest_query.add_signals(rings, piece, np.arange(batch.subjects))
        rings = seen.state
        state, scores = detector.score(params, state, seen.batch)
        for subject, line in enumerate(found):
            line += scores[piece.offsets[subject] : piece.offsets[subject + 1]].tolist()
    return found, state
