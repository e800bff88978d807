import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from caponier.detect.windows import above_zero, excursions, previous, run_lengths, windowed_sum

groups = st.lists(st.lists(st.integers(-50, 50), max_size=12), min_size=1, max_size=5)


def laid(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    values = np.array([value for row in rows for value in row], np.int64)
    return values, np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)


@given(rows=groups, width=st.integers(1, 6), seed=st.integers(0, 1000))
def test_windowed_sums_are_those_of_a_loop(rows: list[list[int]], width: int, seed: int) -> None:
    history = np.random.default_rng(seed).integers(-9, 9, (len(rows), width)).astype(np.int32)
    values, offsets = laid(rows)
    sums, newest = windowed_sum(values, offsets, history)
    expected, kept = [], []
    for row, before in zip(rows, history.tolist(), strict=True):
        line = list(before)
        for value in row:
            line.append(value)
            expected.append(sum(line[-width:]))
        kept.append(line[-width:])
    assert sums.tolist() == expected
    assert newest.tolist() == kept


@given(rows=groups, seed=st.integers(0, 1000))
def test_predecessors_are_those_of_a_loop(rows: list[list[int]], seed: int) -> None:
    before = np.random.default_rng(seed).integers(-9, 9, len(rows))
    values, offsets = laid(rows)
    found, last = previous(values, offsets, before)
    lines = [[first, *row] for first, row in zip(before.tolist(), rows, strict=True)]
    assert found.tolist() == [value for line in lines for value in line[:-1]]
    assert last.tolist() == [line[-1] for line in lines]


@given(rows=st.lists(st.lists(st.booleans(), max_size=12), min_size=1, max_size=5), seed=st.integers(0, 1000))
def test_runs_are_those_of_a_loop(rows: list[list[bool]], seed: int) -> None:
    before = np.random.default_rng(seed).integers(0, 9, len(rows))
    values, offsets = laid([[int(value) for value in row] for row in rows])
    found, last = run_lengths(values.astype(bool), offsets, before)
    expected, ends = [], []
    for row, run in zip(rows, before.tolist(), strict=True):
        for holds in row:
            run = run + 1 if holds else 0
            expected.append(run)
        ends.append(run)
    assert found.tolist() == expected
    assert last.tolist() == ends


def test_a_window_wider_than_all_rows_sums_them_with_the_history() -> None:
    sums, newest = windowed_sum(np.array([1, 2]), np.array([0, 2]), np.array([[5, 0, 0, 7]], np.int32))
    assert sums.tolist() == [8, 10]
    assert newest.tolist() == [[0, 7, 1, 2]]


def test_the_callers_history_is_not_touched() -> None:
    history = np.ones((1, 3), np.int32)
    windowed_sum(np.array([4]), np.array([0, 1]), history)
    assert history.tolist() == [[1, 1, 1]]


class TestAboveZero:
    def test_it_is_the_sum_that_never_falls_below_zero(self) -> None:
        rng = np.random.default_rng(0)
        steps, offsets = rng.integers(-9, 8, 300), np.array([0, 100, 100, 240, 300])
        before = np.array([5, 7, 0, 40])
        sums, last = above_zero(steps, offsets, before)
        for subject in range(4):
            rest = before[subject]
            for at in range(offsets[subject], offsets[subject + 1]):
                rest = max(0, rest + steps[at])
                assert sums[at] == rest
            assert last[subject] == rest

    def test_nothing_to_add_changes_nothing(self) -> None:
        sums, last = above_zero(np.zeros(0, np.int64), np.array([0, 0]), np.array([3]))
        assert not len(sums)
        assert last.tolist() == [3]


@given(rows=groups, cut=st.integers(0, 12), seed=st.integers(0, 1000))
def test_excursions_are_those_of_a_loop_wherever_they_are_cut(rows: list[list[int]], cut: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    spreads = [rng.integers(0, 9, len(row)).tolist() for row in rows]
    state = (np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64))
    found: list[list[tuple[int, int]]] = [[] for _ in rows]
    for part in (slice(0, cut), slice(cut, None)):
        values, offsets = laid([row[part] for row in rows])
        spread, _ = laid([row[part] for row in spreads])
        sums, since, state = excursions(values, spread, offsets, state)
        for at, line in enumerate(found):
            own = slice(offsets[at], offsets[at + 1])
            line += zip(sums[own].tolist(), since[own].tolist(), strict=True)
    for row, spread_of, line in zip(rows, spreads, found, strict=True):
        rest = held = 0
        for step, wide, one in zip(row, spread_of, line, strict=True):
            rest = max(0, rest + step)
            held = held + wide if rest else 0
            assert one == (rest, held)
