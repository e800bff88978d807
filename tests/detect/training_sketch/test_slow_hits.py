import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from caponier.detect.training_sketch.sketch import ROWS
from caponier.detect.training_sketch.slow_hits import BUCKET, KEPT, MOST, learned_gain, places, poured

GAIN = 100


def levels(*asked: int, gain: int = GAIN) -> list[int]:
    """Return the levels of one subject who asks for these training rows; 0 is another query."""
    filled, _ = poured(np.array(asked, np.int32), np.array([0, len(asked)]), np.zeros(1, BUCKET), gain)
    return filled.tolist()


def slowly(asked: list[int], gain: int) -> list[int]:
    """Do the same one query after the other."""
    level, hits, found = 0, [], []
    for place in asked:
        new = place > 0 and place not in hits[-KEPT:]
        if place:
            hits.append(place)
        level = max(level + gain * new - 1, 0)
        found.append(level if new else 0)
    return found


def test_places_are_those_among_the_rows() -> None:
    params = {ROWS: np.array([5, 9, 12], np.uint64)}
    assert places(params, np.array([9, 0, 5, 6, 12, 13], np.uint64)).tolist() == [2, 0, 1, 0, 3, 0]
    assert places({}, np.array([9], np.uint64)).tolist() == [0]
    assert places({ROWS: np.zeros(0, np.uint64)}, np.array([9], np.uint64)).tolist() == [0]


def test_each_row_pours_in_and_each_query_lets_a_drop_out() -> None:
    assert levels(1, 0, 0, 2) == [GAIN - 1, 0, 0, 2 * GAIN - 4]


def test_a_row_that_was_asked_for_shortly_before_pours_nothing() -> None:
    assert levels(1, 2, 1, 2, 1) == [GAIN - 1, 2 * GAIN - 2, 0, 0, 0]


def test_owned_rows_fill_it_once_however_often_they_are_asked_for() -> None:
    asked = [1 + turn % 5 if turn % 7 == 0 else 0 for turn in range(4_000)]
    assert max(levels(*asked)) <= 5 * GAIN


def test_it_never_holds_less_than_nothing() -> None:
    assert levels(1, *[0] * 1_000, 2) == [GAIN - 1, *[0] * 1_000, GAIN - 1]


def test_members_among_many_others_add_up_and_among_more_they_do_not() -> None:
    def spread(between: int) -> int:
        return max(levels(*(place for member in range(1, 30) for place in (member, *[0] * between))))

    assert spread(GAIN // 2) > 10 * GAIN
    assert spread(GAIN) < GAIN


@settings(max_examples=80, deadline=None)
@given(
    asked=st.lists(st.lists(st.integers(-60, 60).map(lambda place: max(place, 0)), max_size=150), max_size=4),
    gain=st.integers(1, 60),
)
def test_many_at_once_are_as_one_by_one(asked: list[list[int]], gain: int) -> None:
    offsets = np.concatenate([[0], np.cumsum([len(line) for line in asked])]).astype(np.int64)
    flat = np.array([place for line in asked for place in line], np.int32)
    filled, _ = poured(flat, offsets, np.zeros(len(asked), BUCKET), gain)
    assert filled.tolist() == [level for line in asked for level in slowly(line, gain)]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), cut=st.floats(0, 1))
def test_cuts_change_nothing(seed: int, cut: float) -> None:
    rng = np.random.default_rng(seed)
    lines = [rng.integers(0, 70, rng.integers(0, 300)) * (rng.random() < 0.5) for _ in range(3)]
    whole, last = run(lines, np.zeros(3, BUCKET))
    begun, memory = run([line[: int(cut * len(line))] for line in lines], np.zeros(3, BUCKET))
    ended, memory = run([line[int(cut * len(line)) :] for line in lines], memory)
    assert [[*a, *b] for a, b in zip(begun, ended, strict=True)] == whole
    assert memory.tobytes() == last.tobytes()


def run(lines: list[NDArray[np.int64]], before: NDArray[np.void]) -> tuple[list[list[int]], NDArray[np.void]]:
    sizes = [len(line) for line in lines]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    filled, after = poured(np.concatenate(lines).astype(np.int32), offsets, before, GAIN)
    return [part.tolist() for part in np.split(filled, offsets[1:-1])], after


class TestGain:
    def learned(self, users: int, hits: int, each: int = 200) -> int:
        """Let users ask for so many training rows each, evenly over their queries."""
        keys = np.tile(np.arange(1_000, 1_000 + each), users)
        where = np.arange(users * each) % each
        keys = np.where(where % max(1, each // max(1, hits)) == 0, where % 997 + 1, keys) if hits else keys
        params = {ROWS: np.arange(1, 999, dtype=np.uint64)}
        return learned_gain(params, keys.astype(np.uint64), np.arange(users + 1) * each)

    def test_where_nobody_asks_for_training_rows_it_is_the_largest(self) -> None:
        assert self.learned(300, 0) == MOST

    def test_a_short_log_says_little(self) -> None:
        assert self.learned(5, 0) < MOST // 4

    @pytest.mark.parametrize("hits", [2, 10, 50])
    def test_rows_by_chance_leave_thrice_as_fast_as_they_come(self, hits: int) -> None:
        assert self.learned(300, hits) * hits / 200 <= 1 / 3 + 0.01

    def test_owned_records_are_not_taken_for_chance(self) -> None:
        keys = np.arange(1_000, 1_200)
        keys[::10] = 1 + np.arange(20) % 5
        params = {ROWS: np.arange(1, 999, dtype=np.uint64)}
        assert learned_gain(params, np.tile(keys, 300).astype(np.uint64), np.arange(301) * 200) == MOST

    def test_from_nobody_it_learns_to_say_nothing(self) -> None:
        assert learned_gain({ROWS: np.ones(1, np.uint64)}, np.zeros(0, np.uint64), np.zeros(1, np.int64)) == 1
