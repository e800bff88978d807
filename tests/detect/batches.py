"""Small batches of events, written down by hand."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import EventDetector, Params
from caponier.detect.similarity import nearest_query


def batch_of(
    subjects: list[list[Any]], labels: list[list[int]] | None = None, keys: list[list[int]] | None = None
) -> EventBatch:
    """Make a batch.

    Args:
        subjects: The queries of each subject, lists of whole numbers; None is an event without an input.
        labels: An answer for each, 0 for none; 1 for all by default.
        keys: A digest for each; by default equal queries have equal ones.
    """
    rows = [row for queries in subjects for row in queries]
    width = next((len(row) for row in rows if row is not None), 1)
    known: dict[tuple[int, ...], int] = {}
    made = [0 if row is None else known.setdefault(tuple(row), len(known) + 1) for row in rows]
    n = len(rows)
    return EventBatch(
        offsets=np.concatenate([[0], np.cumsum([len(queries) for queries in subjects])]).astype(np.int64),
        time=np.arange(n, dtype=np.int64),
        source=np.zeros(n, np.int32),
        seq=np.arange(n, dtype=np.int64),
        query=np.array([[0] * width if row is None else row for row in rows], np.uint8).reshape(n, width),
        key=np.array([key for line in keys for key in line] if keys else made, np.uint64),
        label=np.array([label for line in labels for label in line] if labels else [1] * n, np.uint64),
    )


def similar(batch: EventBatch) -> EventBatch:
    """Add the similarity signals, from nothing."""
    state = np.zeros(batch.subjects, nearest_query.state_dtype(batch.query.shape[1]))
    return nearest_query.add_signals(state, batch, np.arange(batch.subjects)).batch


def scores(detector: EventDetector, params: Params, batch: EventBatch) -> NDArray[np.int64]:
    """Score a batch from nothing."""
    return detector.score(params, np.zeros(batch.subjects, detector.state), similar(batch))[1]


def line(*points: float, width: int = 1) -> list[list[int]]:
    """Return queries of equal features, one a point."""
    return [[int(point)] * width for point in points]
