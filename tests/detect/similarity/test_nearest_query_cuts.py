"""The similarity pass however a stream is cut: the ring it hands on is all that the next batch needs."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.detect.batch import EventBatch
from caponier.detect.similarity.nearest_query import EXACT_FEATURES, FAR, RING, add_signals, state_dtype
from caponier.detect.windows import previous, run_lengths, windowed_sum
from detect.batches import batch_of
from detect.streams import WIDTH, Stream, streams

few = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SIGNALS = ("unique", "squared", "flip")


def signals(stream: Stream, cuts: list[list[int]]) -> list[list[tuple[Any, ...]]]:
    """Return each subject's signals in order, batch by batch."""
    subjects = len(stream.queries)
    state = np.zeros(subjects, state_dtype(WIDTH))
    found: list[list[tuple[Any, ...]]] = [[] for _ in range(subjects)]
    for begins, ends in pairwise([[0] * subjects, *zip(*cuts, strict=True), stream.lengths]):
        seen = add_signals(state, stream.part(begins, ends), np.arange(subjects))
        state = seen.state
        rows = list(zip(*(seen.batch.signals[name].tolist() for name in SIGNALS), strict=True))
        for subject in range(subjects):
            found[subject] += rows[seen.batch.offsets[subject] : seen.batch.offsets[subject + 1]]
    return found


def drawn_cuts(data: st.DataObject, stream: Stream) -> list[list[int]]:
    n = data.draw(st.integers(0, 4))
    return [sorted(data.draw(st.lists(st.integers(0, length), min_size=n, max_size=n))) for length in stream.lengths]


@few
@given(stream=streams(), data=st.data())
def test_signals_do_not_depend_on_the_cuts(stream: Stream, data: st.DataObject) -> None:
    assert signals(stream, drawn_cuts(data, stream)) == signals(stream, [[] for _ in stream.queries])


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32), cut=st.integers(1, RING + 60))
def test_not_even_where_the_ring_runs_over(seed: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    n = RING + 80
    queries = rng.integers(0, 9, (n, WIDTH)).tolist()
    stream = Stream([queries], [rng.integers(1, 3, n).tolist()], [list(range(n))])
    assert signals(stream, [[cut]]) == signals(stream, [[]])


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32), cut=st.integers(1, 3 * RING))
def test_nor_where_it_forgets_queries_and_meets_them_again(seed: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    queries = [[int(pick) % 128, int(pick) // 128] + [0] * (WIDTH - 2) for pick in rng.integers(0, RING + 20, 4 * RING)]
    stream = Stream([queries], [rng.integers(1, 3, len(queries)).tolist()], [list(range(len(queries)))])
    assert signals(stream, [[cut]]) == signals(stream, [[]])


def one_at_a_time(queries: list[list[int]], keys: list[int]) -> list[tuple[int, int, int]]:
    """Return distance, steps back and crowd of each query of two callers who ask the same, each time alone."""
    state = np.zeros(2, state_dtype(len(queries[0])))
    found = []
    for query, key in zip(queries, keys, strict=True):
        seen = add_signals(state, batch_of([[query], [query]], keys=[[key], [key]]), np.arange(2))
        state = seen.state
        of_both = list(zip(*(seen.batch.signals[name].tolist() for name in ("squared", "back", "crowd")), strict=True))
        assert of_both[0] == of_both[1]
        found.append(of_both[0])
    return found


@pytest.mark.parametrize("width", [1, 2, EXACT_FEATURES, EXACT_FEATURES + 1])
def test_a_query_that_comes_alone_is_looked_at_as_among_others(width: int) -> None:
    """As events come; the extremes are as far apart as can be, and what is as near as the nearest is older."""
    rng = np.random.default_rng(width)
    pool = rng.integers(0, 128, (RING + 12, width))
    pool[1], pool[5], pool[7] = 127, 0, 127
    queries = pool.tolist()
    # Another key with each, as with inputs that differ within one level: the same place is asked twice.
    keys = list(range(1, len(queries) + 1))
    together = add_signals(np.zeros(1, state_dtype(width)), batch_of([queries], keys=[keys]), np.arange(1)).batch
    named = (together.signals[name].tolist() for name in ("squared", "back", "crowd"))
    assert one_at_a_time(queries, keys) == list(zip(*named, strict=True))


@few
@given(stream=streams())
def test_distances_and_flips_belong_to_different_queries_alone(stream: Stream) -> None:
    for rows, line in zip(signals(stream, [[] for _ in stream.queries]), stream.queries, strict=True):
        for (unique, squared, flip), query in zip(rows, line, strict=True):
            assert unique or (squared == FAR and not flip)
            assert not (flip and squared == FAR)
            assert query is not None or not unique
            assert squared == FAR or 0 <= squared <= WIDTH * 127**2
    firsts = [next((row for row in rows if row[0]), None) for rows in signals(stream, [[] for _ in stream.queries])]
    assert all(first is None or first[1] == FAR for first in firsts)


@few
@given(stream=streams())
def test_a_state_holds_the_last_different_queries_oldest_first(stream: Stream) -> None:
    subjects = len(stream.queries)
    seen = add_signals(np.zeros(subjects, state_dtype(WIDTH)), stream.whole(), np.arange(subjects))
    for subject, line in enumerate(stream.queries):
        unique = seen.batch.signals["unique"][seen.batch.offsets[subject] : seen.batch.offsets[subject + 1]]
        different = [query for query, new in zip(line, unique, strict=True) if new][-RING:]
        count = int(seen.state["count"][subject])
        assert seen.state["query"][subject][:count].tolist() == different
        assert not seen.state["query"][subject][count:].any()


@few
@given(stream=streams(), data=st.data())
def test_taking_rows_keeps_whose_they_are(stream: Stream, data: st.DataObject) -> None:
    batch: EventBatch = stream.whole()
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, max(0, len(batch) - 1))))), np.int64)
    rows = rows[rows < len(batch)]
    taken = batch.take(rows)
    assert taken.subjects == batch.subjects
    assert taken.subject.tolist() == batch.subject[rows].tolist()
    for name in ("time", "seq", "key", "label"):
        assert getattr(taken, name).tolist() == getattr(batch, name)[rows].tolist()


lines = st.lists(st.lists(st.integers(-9, 9), max_size=15), min_size=1, max_size=4)


@few
@given(rows=lines, width=st.integers(1, 7), data=st.data())
def test_windows_go_on_from_one_batch_to_the_next(rows: list[list[int]], width: int, data: st.DataObject) -> None:
    cuts = [data.draw(st.integers(0, len(row))) for row in rows]

    def half(first: bool) -> tuple[Any, Any]:
        parts = [row[:cut] if first else row[cut:] for row, cut in zip(rows, cuts, strict=True)]
        return np.array([v for part in parts for v in part], np.int64), np.cumsum([0, *map(len, parts)])

    whole = np.array([v for row in rows for v in row], np.int64), np.cumsum([0, *map(len, rows)])
    none, zero = np.zeros((len(rows), width), np.int32), np.zeros(len(rows), np.int64)
    for fold, before in (
        (windowed_sum, none),
        (previous, zero),
        (lambda v, o, b: run_lengths(v > 0, o, b), zero),
    ):
        expected, end = fold(*whole, before)
        first, between = fold(*half(True), before)
        second, after = fold(*half(False), between)
        joined: list[int] = []
        for subject, cut in enumerate(cuts):
            ahead, behind = sum(cuts[:subject]), sum(len(r) - c for r, c in zip(rows[:subject], cuts, strict=False))
            joined += first[ahead : ahead + cut].tolist()
            joined += second[behind : behind + len(rows[subject]) - cut].tolist()
        assert joined == expected.tolist()
        assert after.tolist() == end.tolist()


@pytest.mark.parametrize("subjects", [0, 1, 5])
def test_nothing_happened_is_no_change(subjects: int) -> None:
    empty, offsets = np.zeros(0, np.int64), np.zeros(subjects + 1, np.int64)
    history = np.arange(subjects * 3, dtype=np.int32).reshape(subjects, 3)
    before = np.arange(subjects, dtype=np.int64)
    assert windowed_sum(empty, offsets, history)[1].tolist() == history.tolist()
    assert previous(empty, offsets, before)[1].tolist() == before.tolist()
    assert run_lengths(empty.astype(bool), offsets, before)[1].tolist() == before.tolist()
