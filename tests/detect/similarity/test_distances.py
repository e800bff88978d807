"""How far benign queries lie from earlier ones, and how many of their features stand where they stood."""

import numpy as np
import pytest

from caponier.detect.similarity.changes import RECENT, standing
from caponier.detect.similarity.distances import far_from_earlier, stood_of_far
from caponier.detect.similarity.nearest_query import FAR
from caponier.telemetry.features import MARK
from detect.batches import batch_of, similar

WIDTH = 12


def test_callers_count_alike_however_much_they_ask() -> None:
    squared, subject = np.array([FAR, 10, 10, *[1_000] * 50, *[20] * 3]), np.array([0] * 3 + [1] * 50 + [2] * 3)
    assert far_from_earlier(squared, subject).tolist() == [10]
    assert far_from_earlier(np.array([FAR]), np.zeros(1, np.int64)).tolist() == [0]


def test_near_queries_do_not_tell_how_much_usually_stands() -> None:
    rng = np.random.default_rng(0)
    base = rng.integers(0, 128, WIDTH)
    near = [[*(base[:-1]), int(step)] for step in range(40)]
    other = rng.integers(0, 128, (40, WIDTH))
    other[:, :3] = 7
    batch = similar(batch_of([near, other.tolist(), (other[::-1] + 0).tolist()]))
    queries, _ = batch.queries()
    assert 3 <= stood_of_far(np.array([2_000]), queries)[0] <= 4
    assert stood_of_far(np.array([FAR]), queries).tolist() == [WIDTH]


def test_what_stands_is_told_feature_by_feature_and_counted() -> None:
    rng = np.random.default_rng(1)
    rows = rng.integers(0, 4, (30, WIDTH))
    batch = similar(batch_of([rows.tolist()]))
    bits = np.unpackbits(batch.signals["standing"], axis=1, count=WIDTH).astype(bool)
    assert batch.signals["stood"].tolist() == bits.sum(axis=1).tolist()
    for at in np.flatnonzero(batch.signals["unique"]):
        before = rows[max(0, at - RECENT) : at]
        assert (bits[at] == (before == rows[at]).any(axis=0)).all()


@pytest.mark.parametrize("width", [1, 8, 9])
def test_the_first_row_and_no_rows_stand_nowhere(width: int) -> None:
    query, none = np.full((3, width), 5, np.uint8), np.zeros(0, np.int64)
    assert not standing(query, np.array([0]), np.array([0])).any()
    assert standing(query, none, none).shape == (0, -(-width // 8))


def test_the_history_tells_what_is_missing_where_any_is() -> None:
    rows = np.random.default_rng(2).integers(0, 128, (6, WIDTH))
    assert not similar(batch_of([rows.tolist()])).signals["missing"].any()
    rows[2, 4] = 64 + MARK
    found = similar(batch_of([rows.tolist()]))
    assert np.argwhere(np.unpackbits(found.signals["missing"], axis=1, count=WIDTH)).tolist() == [[2, 4]]
