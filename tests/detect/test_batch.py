import numpy as np
import pytest

from caponier.detect.batch import EventBatch
from detect.batches import batch_of, similar


def test_rows_know_their_subject() -> None:
    batch = batch_of([[[1], [2]], [], [[3]]])
    assert (len(batch), batch.subjects) == (3, 3)
    assert batch.subject.tolist() == [0, 0, 2]


@pytest.mark.parametrize(("rows", "offsets"), [([], [0, 0, 0]), ([1], [0, 1, 1]), ([0, 2], [0, 1, 2])])
def test_some_rows_are_taken_and_all_subjects_stay(rows: list[int], offsets: list[int]) -> None:
    batch = batch_of([[[1], [2]], [[3]]]).with_signals({"x": np.array([7, 8, 9])})
    taken = batch.take(np.array(rows, np.int64))
    assert taken.offsets.tolist() == offsets
    assert taken.query[:, 0].tolist() == [row + 1 for row in rows]
    assert taken.signals["x"].tolist() == [row + 7 for row in rows]


def test_some_subjects_are_taken_and_the_others_stay_empty() -> None:
    batch = batch_of([[[1.0], [2.0]], [[3.0]], [[4.0]]])
    some = batch.only(np.array([True, False, True]))
    assert some.offsets.tolist() == [0, 2, 2, 3]
    assert some.query[:, 0].tolist() == batch.query[[0, 1, 3], 0].tolist()


def test_what_was_made_of_a_batch_belongs_to_it_alone() -> None:
    batch = batch_of([[[1.0], [2.0]]])
    batch.made_once["sum"] = 3
    assert batch.made_once == {"sum": 3}
    assert batch.only(np.array([True])).made_once == {}


def test_queries_are_what_is_new() -> None:
    batch = similar(batch_of([[[1], [1], None, [2]]]))
    queries, rows = batch.queries()
    assert rows.tolist() == [0, 3]
    assert queries.query[:, 0].tolist() == [1, 2]


def test_signals_are_added_to_those_that_are_there() -> None:
    batch = batch_of([[[1]]]).with_signals({"a": np.array([1])}).with_signals({"b": np.array([2])})
    assert set(batch.signals) == {"a", "b"}


def test_an_empty_batch_has_no_subjects() -> None:
    batch = EventBatch.empty(5)
    assert (len(batch), batch.subjects, batch.query.shape) == (0, 0, (0, 5))
