from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from caponier.detect.batch import IDLE_SECONDS
from caponier.detect.detector import Counts
from caponier.detect.similarity.nearest_query import FAR
from caponier.engines.subjects import WINDOW, Scored, SubjectPass
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import MARK, Encoder
from engines.logs import SECOND, START
from laws.bad_detectors import Counter

ENCODER = Encoder.fit(FeatureSpec(kind="numeric", shape=(1,), minimum=0.0, maximum=127.0), np.zeros((1, 1), np.float32))
IDLE = IDLE_SECONDS * SECOND

Row = tuple[str, int, float | None, str | None]
"""Subject, microseconds since the start, input, label."""


def batches(rows: Sequence[Row], cuts: Sequence[int]) -> Iterator[pa.RecordBatch]:
    n = len(rows)
    whole = pa.RecordBatch.from_pydict(
        {
            "subject": pa.array([row[0] for row in rows]),
            "time": pa.array([START + row[1] for row in rows], pa.int64()),
            "source": pa.array(np.zeros(n, np.int32)),
            "seq": pa.array(range(n), pa.int64()),
            "line": pa.array(range(1, n + 1), pa.int64()),
            "input": pa.array([None if row[2] is None else [row[2]] for row in rows], pa.list_(pa.float32())),
            "label": pa.array([row[3] for row in rows], pa.string()),
        }
    )
    for begin, end in pairwise([0, *cuts, n]):
        yield whole.slice(begin, end - begin)


def run(rows: Sequence[Row], cuts: Sequence[int] = (), detector: Counter | None = None) -> list[Scored]:
    detectors = [(detector or Counter(), {})]
    return list(SubjectPass(ENCODER, detectors, b"salt").run(batches(rows, cuts)))


def duplicates(parts: list[Scored]) -> list[int]:
    return [line for part in parts for _, line in part.duplicates]


def ordinals(parts: list[Scored]) -> list[int]:
    return [int(ordinal) for part in parts for ordinal in part.ordinal]


def every_cut(n: int) -> list[list[int]]:
    return [[], *([cut] for cut in range(1, n)), list(range(1, n))]


class TestDuplicates:
    ROWS: tuple[Row, ...] = (
        ("a", 0, 5.0, "x"),
        ("a", 0, 5.0, "x"),
        ("a", 0, 5.0, "y"),
        ("a", 0, 6.0, "x"),
        ("a", 1, 6.0, "x"),
        ("b", 1, 6.0, "x"),
        ("b", 1, None, None),
        ("b", 1, None, None),
        ("b", 1, 6.0, None),
    )

    @pytest.mark.parametrize("cuts", every_cut(len(ROWS)), ids=str)
    def test_the_same_time_subject_and_input_next_to_each_other(self, cuts: list[int]) -> None:
        parts = run(self.ROWS, cuts)
        assert duplicates(parts) == [2, 3]
        assert sum(part.events for part in parts) == len(self.ROWS)

    def test_a_batch_of_nothing_but_duplicates_is_no_error(self) -> None:
        parts = run([("a", 0, 5.0, None)] * 4, [1, 3])
        assert duplicates(parts) == [2, 3, 4]
        assert ordinals(parts) == [1]

    def test_minus_zero_is_zero(self) -> None:
        assert duplicates(run([("a", 0, 0.0, None), ("a", 0, -0.0, None)])) == [2]


class TestIdle:
    @pytest.mark.parametrize("cuts", every_cut(4), ids=str)
    def test_a_long_silence_makes_a_new_subject(self, cuts: list[int]) -> None:
        rows = [("a", 0, 1.0, None), ("a", 1, 2.0, None), ("a", 2 + IDLE, 1.0, None), ("a", 3 + IDLE, 3.0, None)]
        parts = run(rows, cuts)
        assert ordinals(parts) == [1, 2, 1, 2]
        assert [int(score) for part in parts for score in part.scores["counter"]] == [1, 2, 1, 2]

    @pytest.mark.parametrize("cuts", every_cut(3), ids=str)
    def test_a_silence_of_just_so_long_does_not(self, cuts: list[int]) -> None:
        rows = [("a", 0, 1.0, None), ("a", IDLE, 2.0, None), ("a", 2 * IDLE, 1.0, None)]
        assert ordinals(run(rows, cuts)) == [1, 2]

    def test_an_event_without_an_input_ends_the_silence(self) -> None:
        rows = [("a", 0, 1.0, None), ("a", IDLE, None, None), ("a", 2 * IDLE, 2.0, None)]
        assert ordinals(run(rows)) == [1, 2]

    def test_the_new_subject_has_the_old_name(self) -> None:
        (part,) = run([("a", 0, 1.0, None), ("a", 1 + IDLE, 1.0, None), ("b", 0, 1.0, None)])
        assert part.names == ["a", "a", "b"]
        assert part.subject.tolist() == [0, 1, 2]


class TestGoingOn:
    @pytest.mark.parametrize("cuts", every_cut(5), ids=str)
    def test_a_subject_goes_on_in_the_next_batch(self, cuts: list[int]) -> None:
        rows: list[Row] = [("a", i, float(i % 3), None) for i in range(5)]
        parts = run(rows, cuts)
        assert ordinals(parts) == [1, 2, 3]
        assert [part.resumed for part in parts] == [False, *([True] * (len(parts) - 1))]

    def test_another_subject_begins_from_nothing(self) -> None:
        parts = run([("a", 0, 1.0, None), ("b", 0, 1.0, None)], [1])
        assert [part.resumed for part in parts] == [False, False]
        assert ordinals(parts) == [1, 1]

    @pytest.mark.parametrize("cuts", every_cut(6), ids=str)
    def test_a_rate_is_as_old_as_the_stretches_of_ten_seconds_in_which_something_came(self, cuts: list[int]) -> None:
        first = START // WINDOW * WINDOW + WINDOW - START
        times = [first, first + 1, first + WINDOW - 1, first + WINDOW, first + 9 * WINDOW]
        rows: list[Row] = [*(("a", time, 1.0, None) for time in times), ("b", first, 1.0, None)]
        ages = [int(age) for part in run(rows, cuts) for age in part.counted(Counts.WINDOWS)[1]]
        assert ages == [1, 1, 1, 2, 3, 1]

    def test_empty_batches_are_passed_over(self) -> None:
        assert len(run([("a", 0, 1.0, None)], [0, 0])) == 1


class TestColumns:
    def test_labels_are_told_apart_by_their_text_alone(self) -> None:
        rows: list[Row] = [("a", 0, 1.0, "x"), ("a", 1, 2.0, "y"), ("a", 2, 3.0, None), ("a", 3, 4.0, "x")]
        whole = run(rows)[0].batch.label.tolist()
        cut = [code for part in run(rows, [1, 2]) for code in part.batch.label.tolist()]
        assert whole == cut
        assert whole[0] == whole[3] != whole[1]
        assert whole[2] == 0

    def test_an_event_without_an_input_has_no_key(self) -> None:
        (part,) = run([("a", 0, 0.0, None), ("a", 1, None, None)])
        assert part.batch.key[0] != 0
        assert part.batch.key[1] == 0
        assert part.rows.tolist() == [0]

    def test_keys_depend_on_the_salt(self) -> None:
        rows: list[Row] = [("a", 0, 1.0, None)]
        keys = [next(SubjectPass(ENCODER, [], salt).run(batches(rows, []))).batch.key[0] for salt in (b"one", b"other")]
        assert keys[0] != keys[1]

    def test_a_log_without_any_label_or_input_is_no_error(self) -> None:
        (part,) = run([("a", 0, None, None)])
        assert part.batch.label.tolist() == [0]
        assert not part.rows.size


REPEATING: list[Row] = [("a", i, value, None) for i, value in enumerate([1.0, 1.0, 2.0, None, 3.0])]


def test_an_age_in_different_queries_counts_no_repeats() -> None:
    (part,) = run(REPEATING)
    rows, ordinal, subject = part.counted(Counts.QUERIES)
    scores: dict[str, Any] = {"rows": rows.tolist(), "scores": part.scores["counter"][rows].tolist()}
    assert scores == {"rows": [0, 2, 4], "scores": [1, 2, 3]}
    assert ordinal.tolist() == [1, 2, 3]
    assert subject.tolist() == [0, 0, 0]


def test_an_age_in_events_counts_them_all() -> None:
    (part,) = run([*REPEATING, ("b", 9, 1.0, None)])
    rows, place, subject = part.counted(Counts.EVENTS)
    assert rows.tolist() == [0, 1, 2, 3, 4, 5]
    assert place.tolist() == [1, 2, 3, 4, 5, 1]
    assert subject.tolist() == [0, 0, 0, 0, 0, 1]
    assert part.asked.tolist() == [1, 1, 2, 2, 3, 1]


@pytest.mark.parametrize("cuts", [[1], [2, 4], [1, 2, 3, 4]])
def test_events_and_queries_are_counted_across_batches(cuts: list[int]) -> None:
    parts = run(REPEATING, cuts)
    assert np.concatenate([part.place for part in parts]).tolist() == [1, 2, 3, 4, 5]
    assert np.concatenate([part.asked for part in parts]).tolist() == [1, 1, 2, 2, 3]


@pytest.mark.parametrize("cuts", every_cut(4))
def test_a_number_that_is_missing_is_near_nothing_and_its_mark_is_seen_by_no_detector(cuts: list[int]) -> None:
    gone = float("nan")
    parts = run([("a", 0, 5.0, "x"), ("a", 1, gone, "x"), ("a", 2, 7.0, "x"), ("a", 3, 64.0, "y")], cuts)
    assert [int(one) for part in parts for one in part.similar.batch.signals["squared"]] == [FAR, FAR, 4, 57**2]
    for part in parts:
        assert max(part.batch.query.max(), part.similar.batch.query.max(), part.similar.history.query.max()) < MARK
