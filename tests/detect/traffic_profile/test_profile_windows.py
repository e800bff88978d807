import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.batch import EventBatch
from caponier.detect.similarity.nearest_query import add_signals, state_dtype
from caponier.detect.traffic_profile.profile_windows import COUNTS, DIRECTIONS, ProfileWindows, Sums, signs

WIDTH, SIZE = 3, 4
ANSWERS = np.array([7, 9], np.uint64)
Rows = list[tuple[int, int, int, int]]
"""Caller, seconds since the caller's last event, value of the input, answer."""


def batch_of(rows: Rows) -> tuple[list[str], EventBatch, np.ndarray]:
    """Lay rows out as a scan does; (n,) different queries of each caller up to each row come with it."""
    who = np.array([row[0] for row in rows], np.int64)
    query = np.array([[row[2], 0, 1] for row in rows], np.uint8).reshape(-1, WIDTH)
    callers = sorted(set(who.tolist()))
    offsets = np.searchsorted(who, [*callers, 10**6])
    time = np.concatenate([np.zeros(0, np.int64), *(np.cumsum([r[1] for r in rows if r[0] == c]) for c in callers)])
    n = len(rows)
    batch = EventBatch(
        offsets=offsets,
        time=time.astype(np.int64) * 1_000_000,
        source=np.zeros(n, np.int32),
        seq=np.arange(n),
        query=query,
        key=np.array([row[2] + 1 for row in rows], np.uint64),
        label=np.array([row[3] for row in rows], np.uint64),
    )
    seen = add_signals(np.zeros(len(callers), state_dtype(WIDTH)), batch, np.zeros(0, np.int64)).batch
    unique = seen.signals["unique"]
    asked = np.concatenate(
        [np.zeros(0, np.int64), *(np.cumsum(unique[seen.subject == at]) for at in range(len(callers)))]
    )
    return [f"caller {caller}" for caller in callers], seen, asked


def cut(names: list[str], batch: EventBatch, asked: np.ndarray, cuts: list[int]) -> Iterator[tuple]:
    """Yield the arguments of `ProfileWindows.add` for each part between the cuts."""
    edges = [0, *sorted(cuts), len(batch)]
    before = None
    for begin, end in itertools.pairwise(edges):
        rows = np.arange(begin, end)
        if not len(rows):
            continue
        part = batch.take(rows)
        there = np.flatnonzero(np.diff(part.offsets))
        part = EventBatch(
            offsets=np.append(part.offsets[there], len(rows)),
            **{name: getattr(part, name) for name in ("time", "source", "seq", "query", "key", "label")},
            signals=part.signals,
        )
        yield [names[at] for at in there], part, asked[rows], before == there[0]
        before = there[-1]


def gathered(rows: Rows, cuts: list[int] | None = None, size: int = SIZE) -> dict[str, list[int]]:
    windows = ProfileWindows(WIDTH, ANSWERS, size)
    found: dict[str, list[int]] = {}
    parts: list[tuple[list[str], Sums]] = [windows.add(*part) for part in cut(*batch_of(rows), cuts or [])]
    for names, sums in [*parts, windows.end()]:
        for name, one in zip(names, sums.tolist(), strict=True):
            assert name not in found
            found[name] = one
    return found


def told(row: list[int]) -> dict[str, int]:
    return dict(zip(COUNTS, row, strict=False))


ONE: Rows = [(1, 5, 10, 7), (1, 5, 10, 7), (1, 5, 12, 9), (1, 0, 12, 9), (1, 5, 20, 7), (1, 5, 30, 8)]


class TestSums:
    def test_repeats_steps_flips_and_gaps_are_counted(self) -> None:
        found = told(gathered(ONE)["caller 1"])
        assert (found["queries"], found["events"]) == (4, 6)
        assert (found["steps"], found["flips"]) == (3, 3)
        assert (found["gaps"], found["together"], found["quick"]) == (5, 1, 1)
        # Steps of 2, 8 and 10 in one of three features, in sixteenths of a root mean square.
        assert found["step_sum"] == sum(int(np.sqrt(step**2 * 256 // 3)) for step in (2, 8, 10))

    def test_inputs_are_added_up_and_answers_counted_once_a_query(self) -> None:
        row = gathered(ONE)["caller 1"]
        assert row[len(COUNTS)] == 10 + 12 + 20 + 30 + 4
        assert row[len(COUNTS) + DIRECTIONS :] == [2, 1, 1]

    def test_who_asks_too_little_is_not_told_of(self) -> None:
        assert gathered(ONE[:-1]) == {}

    def test_steps_are_those_of_the_first_window_and_inputs_those_of_the_latest_whole_one(self) -> None:
        rows: Rows = [(1, 1, value, 7) for value in (1, 2, 3, 4, 60, 70, 80, 90, 100, 110)]
        row = gathered(rows)["caller 1"]
        assert told(row)["step_sum"] == 3 * int(np.sqrt(256 // 3))
        assert row[len(COUNTS)] == 60 + 70 + 80 + 90 + 4

    def test_events_without_an_input_are_left_out(self) -> None:
        windows = ProfileWindows(WIDTH, ANSWERS, SIZE)
        names, batch, asked = batch_of(ONE)
        assert windows.add(names, batch, np.zeros_like(asked), False)[0] == []
        assert windows.end()[0] == []

    def test_no_batch_is_no_caller(self) -> None:
        names, sums = ProfileWindows(WIDTH, ANSWERS, SIZE).end()
        assert (names, sums.shape) == ([], (0, len(COUNTS) + DIRECTIONS + 3))


class TestCuts:
    @given(
        rows=st.lists(
            st.tuples(*(st.integers(0, most) for most in (3, 2, 12)), st.sampled_from([0, 7, 8, 9])), max_size=60
        ),
        cuts=st.lists(st.integers(0, 60), max_size=6),
        size=st.integers(1, 5),
    )
    @settings(max_examples=150, deadline=None)
    def test_however_the_stream_is_cut_the_sums_are_the_same(self, rows: Rows, cuts: list[int], size: int) -> None:
        rows = sorted(rows, key=lambda row: row[0])
        cuts = [cut for cut in cuts if cut < len(rows)]
        assert gathered(rows, cuts, size) == gathered(rows, None, size)


class TestSigns:
    def test_the_first_is_a_sum_and_the_others_are_mixed(self) -> None:
        found = signs(64)
        assert (found[:, 0] == 1).all()
        assert set(np.unique(found)) == {-1, 1}
        assert (np.abs(found[:, 1:].sum(axis=0)) < 40).all()

    def test_no_two_are_alike(self) -> None:
        assert len(np.unique(signs(64), axis=1).T) == DIRECTIONS

    @pytest.mark.parametrize("width", [0, 1, 1040])
    def test_any_width_has_them(self, width: int) -> None:
        assert signs(width).shape == (width, DIRECTIONS)
