from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from caponier.detect.similarity.changes import (
    BLOCK,
    COUNTED,
    FEWEST,
    HIGHEST,
    LEAST,
    MOST,
    ONE_WAY,
    PERFECT,
    RECENT,
    RIGHT,
    STILL,
    WHOLE,
    _apart,
    betweenness,
    evenness,
    levels_beyond,
    standing,
)
from caponier.detect.similarity.changes import moved as features_moved

WIDTH = 64


def between(one: list[int], other: list[int]) -> int:
    """Return how evenly the second differs from the first."""
    rows = np.array([one, other], np.uint8)
    return int(evenness(rows, np.array([1]), np.array([0]))[0])


def slow(one: list[int], other: list[int]) -> int:
    """Compute the same in Python's own whole numbers."""
    apart = _apart(len(one))
    one, other = one[::apart], other[::apart]
    free = [(b - a, 0 < b < HIGHEST) for a, b in zip(one, other, strict=True)]
    squared = sum(change**2 for change, is_free in free if is_free)
    least = squared / (STILL * max(1, sum(is_free for _, is_free in free)))
    real = [(change, is_free) for change, is_free in free if change and change**2 >= least]
    count = sum(is_free for _, is_free in real)
    total = sum(abs(change) for change, is_free in real if is_free)
    upward = sum(change > 0 for change, _ in real)
    if count < FEWEST or total < LEAST * count or min(upward, len(real) - upward) < ONE_WAY * len(real):
        return 0
    return 1000 * total * total // (count * squared)


def moved(by: int, ups: int, downs: int) -> list[int]:
    return [60 + by] * ups + [60 - by] * downs + [60] * (WIDTH - ups - downs)


SAME = [60] * WIDTH


def test_the_least_share_that_goes_the_other_way_is_enough() -> None:
    ups = round(20 * ONE_WAY)
    assert ups == 20 * ONE_WAY
    assert between(SAME, moved(13, ups, 20 - ups)) == between(SAME, moved(13, 20 - ups, ups)) == PERFECT
    assert between(SAME, moved(13, ups, 21 - ups)) == 0


def test_corners_of_a_box_are_even_however_wide_the_step() -> None:
    for by in (LEAST, 13, 25, 60):
        assert between(SAME, moved(by, 30, 34)) == 1000
        assert between(SAME, moved(by, 10, 10)) == 1000


def test_changes_by_all_kinds_of_amounts_are_not() -> None:
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 128, (200, WIDTH)).tolist()
    noisy = np.clip(60 + rng.normal(0, 12, (200, WIDTH)), 0, 127).astype(int).tolist()
    for rows in (photos, noisy):
        assert max(between(one, other) for one, other in pairwise(rows)) < 870


def test_a_corner_is_as_even_where_the_range_ends() -> None:
    # One feature in four is dark, so that it can move down by 5 only, and one is nearly white.
    scene = [5, 60, 70, 120] * 16
    corner = [min(HIGHEST, max(0, value + (25 if at % 3 else -25))) for at, value in enumerate(scene)]
    assert between(scene, corner) == 1000


def test_of_black_and_white_there_is_nothing_to_tell() -> None:
    assert between([0, HIGHEST] * 32, [HIGHEST, 0] * 32) == 0


def test_a_little_noise_on_all_features_hides_nothing() -> None:
    rng = np.random.default_rng(1)
    hidden = (np.array(moved(25, 15, 15)) + rng.integers(-4, 5, WIDTH)).tolist()
    assert between(SAME, hidden) > 900


@pytest.mark.parametrize("other", [moved(25, 40, 0), moved(25, 0, 64), moved(25, 40, 2)])
def test_light_and_stickers_change_all_one_way_and_do_not_count(other: list[int]) -> None:
    assert between(SAME, other) == 0


def test_a_few_features_are_alike_by_chance() -> None:
    assert between(SAME, moved(25, FEWEST // 2, FEWEST // 2 - 1)) == 0
    assert between(SAME, moved(25, FEWEST // 2, FEWEST // 2)) == 1000


def test_rounding_makes_the_smallest_steps_even_and_they_do_not_count() -> None:
    assert between(SAME, moved(LEAST - 1, 30, 34)) == 0


def test_without_an_earlier_query_or_a_change_there_is_nothing() -> None:
    rows = np.full((2, WIDTH), 60, np.uint8)
    nothing = evenness(rows, np.array([0, 1]), np.array([-1, 0]))
    assert nothing.tolist() == [0, 0]
    assert evenness(rows, np.zeros(0, np.int64), np.zeros(0, np.int64)).tolist() == []


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), width=st.sampled_from([1, 8, 64, 196, 1040]), kinds=st.integers(1, 8))
def test_it_is_what_whole_numbers_give(seed: int, width: int, kinds: int) -> None:
    rng = np.random.default_rng(seed)
    one = rng.integers(0, 128, width)
    other = np.clip(one + rng.choice(rng.integers(-60, 61, kinds), width), 0, 127)
    assert between(one.tolist(), other.tolist()) == slow(one.tolist(), other.tolist())


def test_blocks_make_no_difference() -> None:
    rng = np.random.default_rng(2)
    rows = rng.integers(0, 128, (2 * BLOCK + 7, 8)).astype(np.uint8)
    at, earlier = np.arange(1, len(rows)), np.arange(len(rows) - 1)
    whole = evenness(rows, at, earlier)
    each = [evenness(rows, at[i : i + 1], earlier[i : i + 1])[0] for i in range(len(at))]
    assert whole.tolist() == each


def test_what_is_left_to_a_perfect_step_is_halved_by_four_levels() -> None:
    steps = levels_beyond(900, 16)
    assert steps.tolist()[:5] == [916, 930, 941, 950, 958]
    assert np.searchsorted(steps, [900, 915, 916, 950, 999, PERFECT], side="right").tolist() == [0, 0, 1, 4, 16, 16]


def test_where_perfect_steps_are_usual_no_level_is_reached() -> None:
    assert np.searchsorted(levels_beyond(PERFECT, 4), PERFECT, side="right") == 0


def test_of_wide_inputs_so_many_features_are_looked_at_and_no_more() -> None:
    for width in (1, 8, 64, 96, 97, 196, 256, 500, 784, 1040):
        apart = _apart(width)
        assert apart % 2 == 1
        assert min(width, MOST) / 3 <= -(-width // apart) <= MOST


def test_moved_counts_every_feature_that_differs() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 4, (BLOCK + 20, 300)).astype(np.uint8)
    at, earlier = np.arange(1, len(rows)), np.arange(len(rows) - 1)
    earlier[::7] = -1
    expected = [
        0 if before < 0 else min(COUNTED, int((rows[row] != rows[before]).sum()))
        for row, before in zip(at.tolist(), earlier.tolist(), strict=True)
    ]
    assert features_moved(rows, at, earlier).tolist() == expected


def stood(query: NDArray[np.uint8], at: NDArray[np.int64], reach: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return how many features of rows stand."""
    return np.bitwise_count(standing(query, at, reach)).sum(axis=1, dtype=np.int16)


class TestBetweenness:
    """The oracle is in `test_nearest_query`, where the nearest two are found."""

    def of(self, *rows: list[int]) -> int:
        """Return how much the last of three lies between the others."""
        there = np.array(rows, np.uint8)
        squares = np.square(there[:2].astype(int) - there[2].astype(int)).sum(axis=1)[:, None]
        return int(betweenness(there, np.array([[0], [1]]), squares, np.array([0]))[0])

    def test_right_in_the_middle_is_all_of_it(self) -> None:
        assert self.of(moved(20, 8, 8), moved(-20, 8, 8), SAME) == PERFECT

    def test_steps_straight_on_and_what_has_nothing_to_do_with_each_other_are_no_line(self) -> None:
        assert self.of(moved(20, 8, 8), moved(40, 8, 8), SAME) == 0
        assert self.of(*np.random.default_rng(3).integers(0, 128, (3, 1040)).tolist()) == 0

    def test_at_a_right_angle_begin_lines(self) -> None:
        other = [60] * 16 + [80] * 16 + [60] * (WIDTH - 32)
        assert self.of(moved(20, 8, 8), other, SAME) == RIGHT
        assert self.of(moved(20, 8, 8), [*moved(20, 1, 0)[:1], *other[1:]], SAME) == 0

    def test_growing_light_draws_lines_of_the_other_sign(self) -> None:
        assert self.of(moved(20, 16, 0), moved(-20, 16, 0), SAME) == -PERFECT
        assert self.of(moved(20, 14, 2), moved(-20, 14, 2), SAME) == -PERFECT
        assert self.of(moved(20, 13, 3), moved(-20, 13, 3), SAME) == PERFECT

    @pytest.mark.parametrize("width", [WHOLE // HIGHEST**2, WHOLE // HIGHEST**2 + 1, 3_000])
    def test_the_largest_differences_are_whole(self, width: int) -> None:
        up = [0, HIGHEST] * (width // 2) + [HIGHEST] * (width % 2)
        assert self.of(up, [HIGHEST - one for one in up], [63] * width) == 1000 * HIGHEST**2 // (2 * (63**2 + 64**2))

    def test_of_rows_that_are_not_looked_at_it_says_nothing(self) -> None:
        nobody, far = np.full((2, 3), -1), np.full((2, 3), np.iinfo(np.int64).max)
        assert betweenness(np.zeros((2, 8), np.uint8), nobody, far, np.zeros(0, np.int64)).tolist() == [0, 0, 0]


class TestStood:
    def test_features_are_counted_that_are_what_they_were_in_one_of_the_last_four(self) -> None:
        rows = np.array([[1, 1, 1], [2, 1, 2], [3, 3, 3], [4, 4, 2], [5, 5, 5], [1, 2, 2]], np.uint8)
        assert stood(rows, np.arange(6), np.arange(6)).tolist() == [0, 1, 0, 1, 0, 1]

    def test_callers_do_not_meet(self) -> None:
        rows = np.array([[1, 1], [1, 1], [1, 2]], np.uint8)
        assert stood(rows, np.arange(3), np.array([0, 0, 1])).tolist() == [0, 0, 1]

    def test_blocks_change_nothing(self) -> None:
        rows = np.random.default_rng(0).integers(0, 9, (3 * BLOCK, 5)).astype(np.uint8)
        at = np.arange(7, 3 * BLOCK)
        same = np.any([rows[at] == rows[at - back] for back in range(1, RECENT + 1)], axis=0)
        assert (stood(rows, at, np.full(len(at), 7)) == same.sum(axis=1)).all()

    @pytest.mark.parametrize("seed", range(3))
    def test_rows_that_are_left_out_in_between_change_nothing(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        rows, reach = rng.integers(0, 4, (600, 9)).astype(np.uint8), np.minimum(np.arange(600) % 50, 7)
        at = np.flatnonzero(rng.random(600) < 0.6)
        assert (stood(rows, at, reach[at]) == stood(rows, np.arange(600), reach)[at]).all()
        assert stood(rows, np.array([0, 1, 3]), np.array([0, 1, 3])).tolist() == [
            0,
            *(stood(rows, np.array([one]), np.array([one]))[0] for one in (1, 3)),
        ]
