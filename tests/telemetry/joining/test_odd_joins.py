"""Joining by moments and by ids, at its edges: windows, floods, batches cut anywhere, and what is said twice."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.records.event import EVENT_SCHEMA
from caponier.telemetry.joining.halves import APART, MOST_ALIKE, MOST_EXAMPLES, Halves
from caponier.telemetry.joining.moments import WINDOW, Moments
from caponier.telemetry.joining.whether import are_halves, names_callers_elsewhere

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
Row = dict[str, Any]


def asked(at: int, key: str | None = None, x: float = 1.0, **more: Any) -> Row:
    """An event that says what was asked.

    Args:
        at: Microseconds after the start.
    """
    return {"time": START + timedelta(microseconds=at), "request_id": key, "input": [x], "operation": "predict", **more}


def told(at: int, key: str | None = None, **more: Any) -> Row:
    return {"time": START + timedelta(microseconds=at), "request_id": key, "operation": "predict", **more}


def batch(rows: list[Row]) -> pa.RecordBatch:
    plain = {"event_id": None, "seq": 0, "model": "m"}
    return pa.RecordBatch.from_pylist([{**plain, "seq": at, **row} for at, row in enumerate(rows)], EVENT_SCHEMA)


def cut(rows: list[Row], places: list[int]) -> Iterator[pa.RecordBatch]:
    edges = sorted({0, len(rows), *(place % (len(rows) + 1) for place in places)})
    for begin, end in itertools.pairwise(edges):
        yield batch(rows[begin:end])


def by_moment(rows: list[Row], places: list[int] | None = None) -> list[Row]:
    parts = list(cut(rows, places or []))
    with Moments() as moments:
        for part in parts:
            moments.gather(part)
        moments.settle()
        return [row for part in parts for row in moments.complete(part).to_pylist()]


def by_id(rows: list[Row], places: list[int] | None = None) -> list[Row]:
    parts = list(cut(rows, places or []))
    with Halves() as halves:
        for part in parts:
            halves.gather(part)
        return [row for part in parts for row in halves.complete(part).to_pylist()]


@pytest.mark.parametrize(
    ("apart", "is_one"), [(0, True), (WINDOW, True), (-WINDOW, True), (WINDOW + 1, False), (-WINDOW - 1, False)]
)
def test_the_window_ends_where_it_says(apart: int, is_one: bool) -> None:
    rows = by_moment([asked(10**9), told(10**9 + apart, principal="k-1", source_ip="203.0.113.9")])
    assert len(rows) == (1 if is_one else 2)
    assert (rows[0]["principal"] == "k-1") is is_one


def test_two_callers_or_two_questions_in_a_window_are_nobodys() -> None:
    two_callers = [asked(0), told(-1, principal="k-1"), told(1, principal="k-2")]
    two_questions = [asked(0), asked(1, x=2.0), told(0, principal="k-1")]
    for rows in (two_callers, two_questions):
        found = by_moment(rows)
        assert len(found) == 3
        assert all(row["principal"] is None for row in found if row["input"])


def test_all_examples_of_one_moment_have_its_caller() -> None:
    found = by_moment([asked(0, x=float(at)) for at in range(5)] + [told(9, principal="k-1", status=200)])
    assert [(row["input"], row["principal"], row["status"]) for row in found] == [([at], "k-1", 200) for at in range(5)]


def test_nothing_to_pair_is_no_pair() -> None:
    with Moments() as moments:
        moments.gather(batch([asked(0)]))
        assert moments.settle() == 0.0
        assert moments.complete(batch([asked(0)])).num_rows == 1
    with Moments() as moments:
        assert moments.settle() == 0.0


@pytest.mark.parametrize("operation", ["metadata", "health", "load", "other", "feedback"])
def test_a_call_that_asks_nothing_is_no_caller(operation: str) -> None:
    assert len(by_moment([asked(0), told(1, principal="k-1", operation=operation)])) == 2


TIMES = st.integers(0, 20_000_000)
EVENTS = st.lists(
    st.one_of(
        st.tuples(TIMES, st.floats(0, 9, width=32)).map(lambda one: asked(one[0], x=one[1])),
        st.tuples(TIMES, st.sampled_from(["k-1", "k-2"])).map(lambda one: told(one[0], principal=one[1])),
        st.tuples(TIMES, st.sampled_from(["k-1", "k-2"])).map(lambda one: asked(one[0], principal=one[1])),
    ),
    max_size=20,
)
CUTS = st.lists(st.integers(0, 20), max_size=4)


def known(rows: list[Row]) -> list[tuple[Any, ...]]:
    return [(row["time"], row["principal"], row["label"], row["input"], row["status"]) for row in rows]


@settings(deadline=None, max_examples=60)
@given(EVENTS, CUTS)
def test_however_batches_are_cut_the_moments_are_the_same(rows: list[Row], places: list[int]) -> None:
    whole = by_moment(rows)
    assert known(by_moment(rows, places)) == known(whole)
    assert sum(row["input"] is not None for row in whole) == sum("input" in row for row in rows)
    # Who asked is said once: by his own record, or in the question that got it.
    said = [row for row in rows if "principal" in row]
    assert len([row for row in whole if row["principal"]]) >= len(said)


KEYS = st.sampled_from(["a", "b", None])
HALVES = st.lists(
    st.one_of(
        st.tuples(TIMES, KEYS, st.floats(0, 9, width=32)).map(lambda one: asked(*one)),
        st.tuples(TIMES, KEYS, st.sampled_from(["p", "q"])).map(lambda one: told(one[0], one[1], label=one[2])),
        st.tuples(TIMES, KEYS, st.sampled_from([200, 403])).map(lambda one: told(one[0], one[1], status=one[2])),
    ),
    max_size=16,
)


@settings(deadline=None, max_examples=60)
@given(HALVES, CUTS)
def test_however_batches_are_cut_the_halves_are_the_same(rows: list[Row], places: list[int]) -> None:
    whole = by_id(rows)
    assert known(by_id(rows, places)) == known(whole)
    assert sum(row["input"] is not None for row in whole) == sum("input" in row for row in rows)
    assert {row["label"] for row in rows if row.get("label")} <= {row["label"] for row in whole} | {None} or not whole
    assert sum(row["input"] is None and row["request_id"] is None for row in whole) == sum(
        "input" not in row and row["request_id"] is None for row in rows
    )


@pytest.mark.parametrize(("apart", "is_one"), [(APART, True), (APART + 1, False), (-APART, True), (-APART - 1, False)])
def test_halves_of_other_days_are_of_other_requests(apart: int, is_one: bool) -> None:
    found = by_id([asked(10**10, "a"), told(10**10 + apart, "a", label="p")])
    assert len(found) == (1 if is_one else 2)
    assert (found[0]["label"] == "p") is is_one


@pytest.mark.parametrize(("count", "is_joined"), [(MOST_ALIKE, True), (MOST_ALIKE + 1, False)])
def test_ids_that_are_used_again_and_again_are_no_ids(count: int, is_joined: bool) -> None:
    rows = [
        one for at in range(count) for one in (asked(at * 10, "a", float(at)), told(at * 10 + 1, "a", label=f"p{at}"))
    ]
    found = by_id(rows)
    assert len(found) == (count if is_joined else 2 * count)
    if is_joined:
        assert [(row["input"], row["label"]) for row in found] == [([at], f"p{at}") for at in range(count)]


@pytest.mark.parametrize("count", [MOST_EXAMPLES, MOST_EXAMPLES + 1])
def test_a_request_has_as_many_examples_as_it_may(count: int) -> None:
    rows = [asked(0, "a", float(at)) for at in range(count)] + [told(1, "a", principal="k-1")]
    assert len(by_id(rows)) == count + (count > MOST_EXAMPLES)


def test_another_answer_is_an_event_of_its_own() -> None:
    found = by_id([asked(0, "a", principal="k-1"), told(1, "a", label="p"), told(2, "a", label="q")])
    assert len(found) == 3
    assert [row["label"] for row in found] == [None, "p", "q"]
    found = by_id([asked(0, "a", principal="k-1"), told(1, "a", principal="k-2", label="p")])
    assert [(row["principal"], row["label"]) for row in found] == [("k-1", None), ("k-2", "p")]


def test_what_is_said_twice_is_told_once_and_kept_once() -> None:
    found = by_id([asked(0, "a"), told(1, "a", status=200), told(1, "a", status=200)])
    assert [(row["status"], row["input"]) for row in found] == [(200, [1.0]), (200, None)]


def test_whether_logs_are_halves_is_told_from_both() -> None:
    questions, answers = batch([asked(0, "a")]), batch([told(1, "a", label="p")])
    assert are_halves([questions, answers])
    assert are_halves([questions])
    assert not are_halves([answers])
    assert not are_halves([batch([asked(0)]), answers.slice(0, 0)])
    assert names_callers_elsewhere([batch([asked(0)]), batch([told(1, principal="k-1")])])
    assert not names_callers_elsewhere([batch([asked(0, principal="k-2")]), batch([told(1, principal="k-1")])])
