import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from caponier.detect.calibration.judging import (
    FEWEST,
    MAX_BOUND,
    BackTest,
    HorizonMaxima,
    Maxima,
    Threshold,
    back_test,
    threshold,
    triggers,
)
from caponier.records.finding import Basis

NONE = np.zeros(0)


def maxima(full: object, partial: object = ()) -> Maxima:
    return Maxima(np.array(full, np.float64), np.array(partial, np.float64))


def line_at(full: Maxima, bound: float, floor: float = 0.0) -> Threshold:
    line = threshold(full, bound, floor)
    assert line is not None
    return line


class TestThreshold:
    @pytest.mark.parametrize(("n", "bound"), [(50, 0.02), (99, 0.01), (99, 0.02), (300, 0.02), (300, 1 / 301)])
    def test_as_many_benign_subjects_pass_a_promise_as_its_bound_allows(self, n: int, bound: float) -> None:
        line = line_at(maxima(range(n)), bound)
        allowed = math.floor(bound * (n + 1) + 1e-9) - 1
        assert line.basis is Basis.PROMISE
        assert sum(score > line.value for score in range(n)) == allowed

    @given(
        values=st.lists(st.integers(0, 40), min_size=FEWEST, max_size=400),
        bound=st.floats(1e-4, MAX_BOUND),
        newcomer=st.integers(0, 60),
    )
    def test_whoever_passes_a_promise_has_a_p_value_within_the_bound(
        self, values: list[int], bound: float, newcomer: int
    ) -> None:
        known = maxima(values)
        line = line_at(known, bound)
        if line.basis is Basis.PROMISE and newcomer > line.value:
            assert known.p_value(newcomer) <= bound + 1e-9

    @given(values=st.lists(st.floats(0, 1e6), min_size=FEWEST, max_size=300), bound=st.floats(1e-7, 0.004))
    def test_no_benign_subject_passes_an_estimate(self, values: list[float], bound: float) -> None:
        line = line_at(maxima(values), bound)
        if line.basis is Basis.ESTIMATE:
            assert line.value >= max(values)

    def test_an_estimate_is_above_what_benign_subjects_reached_in_any_horizon(self) -> None:
        known, peak = maxima(range(100)), replace(maxima(range(100)), peak=10_000.0)
        assert line_at(known, 1e-4).value < line_at(peak, 1e-4).value == 10_000
        # A promise is counted in one horizon of each subject.
        assert line_at(known, 0.01).value == line_at(peak, 0.01).value
        assert peak.p_value(500) == known.p_value(500)

    def test_a_bound_beyond_the_ranks_is_an_estimate(self) -> None:
        assert line_at(maxima(range(100)), 1 / 101).basis is Basis.PROMISE
        assert line_at(maxima(range(100)), 1 / 102).basis is Basis.ESTIMATE

    def test_a_stricter_bound_never_lowers_the_threshold(self) -> None:
        values = np.random.default_rng(1).exponential(10, 300)
        lines = [line_at(maxima(values), bound).value for bound in (0.02, 0.01, 1 / 301, 1e-3, 1e-4, 1e-6)]
        assert lines == sorted(lines)

    def test_too_few_subjects_give_none(self) -> None:
        assert threshold(maxima(range(FEWEST - 1), range(1000)), 0.02, 0) is None
        assert threshold(maxima(range(FEWEST)), 0.02, 0) is not None

    def test_the_floor_is_the_least(self) -> None:
        assert line_at(maxima([0.0] * 60), 0.02, 64).value == 64
        assert line_at(maxima([0.0] * 60), 1e-5, 64).value == 64

    def test_the_bound_is_never_more_generous_than_the_largest(self) -> None:
        assert line_at(maxima(range(1000)), 0.9).value == line_at(maxima(range(1000)), MAX_BOUND).value
        assert line_at(maxima(range(1000)), 0.9).bound == MAX_BOUND

    def test_nobody_passes_where_all_tie(self) -> None:
        for bound in (0.02, 1e-4):
            assert line_at(maxima([500.0] * 200), bound).value >= 500

    def test_ties_at_the_threshold_do_not_pass(self) -> None:
        values = [1.0] * 100 + [9.0] * 50
        line = line_at(maxima(values), 0.02)
        assert sum(value > line.value for value in values) == 0

    def test_subjects_without_a_whole_horizon_only_speak_against_an_alarm(self) -> None:
        alone = line_at(maxima(range(100)), 0.01)
        louder = line_at(maxima(range(100), [10_000.0]), 0.01)
        quieter = line_at(maxima(range(100), [0.0] * 500), 0.01)
        assert louder.value > alone.value == quieter.value
        assert line_at(maxima(range(100), [10_000.0]), 1e-4).value >= 10_000

    def test_the_tail_of_an_exponential_is_found(self) -> None:
        values = np.random.default_rng(7).exponential(10, 400)
        line = line_at(maxima(values), 1e-4)
        truth = -10 * math.log(1e-4)
        assert truth <= line.value < 2 * truth


class TestSettingAside:
    def test_those_set_aside_are_no_threshold(self) -> None:
        values = [*range(199), np.inf]
        assert line_at(maxima(values), 0.02).value < 199
        assert line_at(maxima(values), 1e-4).value < 1e4

    def test_those_set_aside_cost_their_place_in_the_promise(self) -> None:
        clean, trimmed = maxima(range(199)), maxima([*range(197), np.inf, np.inf])
        assert line_at(clean, 1 / 200).basis is Basis.PROMISE
        assert line_at(trimmed, 1 / 200).basis is Basis.ESTIMATE
        assert line_at(trimmed, 3 / 200).basis is Basis.PROMISE
        assert trimmed.p_value(10_000) == 3 / 200

    def test_they_are_counted(self) -> None:
        known = maxima([1.0, np.inf], [np.inf, 7.0])
        assert (known.aside, known.largest) == (2, 7.0)
        assert maxima([], []).largest == 0.0

    def test_a_threshold_is_finite_even_if_everybody_is_set_aside(self) -> None:
        assert line_at(maxima([np.inf] * 60), 0.02, 5.0).value == 5.0


class TestConfidence:
    def test_a_promise_gives_what_its_rank_gives(self) -> None:
        line = line_at(maxima(range(99)), 0.02)
        assert line.confidence(1000, 0.99) == pytest.approx(0.9)
        assert line.confidence(98, 0.99) == pytest.approx(0.8)

    def test_a_promise_never_exceeds_the_cap_of_its_detector(self) -> None:
        assert line_at(maxima(range(2000)), 0.02).confidence(5000, 0.69) == 0.69

    def test_confidence_is_never_negative(self) -> None:
        assert line_at(maxima(range(60)), 0.02).confidence(-1, 0.99) == 0.0

    @pytest.mark.parametrize(("n", "expected"), [(50, 0.8), (99, 0.9), (2000, 0.9)])
    def test_an_estimate_gives_no_more_than_its_rank_and_at_most_nine_tenths(self, n: int, expected: float) -> None:
        assert line_at(maxima(range(n)), 1e-6).confidence(1e9, 0.99) == expected

    def test_a_cold_start_gives_a_half(self) -> None:
        assert Threshold(480.0, Basis.COLD_START, 0.02, None).confidence(1e9, 0.99) == 0.5


class TestBackTest:
    def folds(self, n: int) -> NDArray[np.int64]:
        return np.arange(n) % 5

    def test_an_honest_tail_is_passed_about_as_often_as_expected(self) -> None:
        seen = [
            back_test(np.random.default_rng(seed).exponential(10, 300), self.folds(300), 0.0).seen for seed in range(20)
        ]
        assert np.mean(seen) <= 3.0
        assert not any(BackTest(0.01, count, 300).failed for count in seen)

    def test_a_heavy_tail_is_told(self) -> None:
        assert BackTest(0.01, 12, 300).failed
        assert not BackTest(0.01, 8, 300).failed
        assert BackTest(0.01, 8, 300).expected == 3.0

    def test_the_floor_keeps_quiet_subjects_quiet(self) -> None:
        assert back_test(np.arange(100.0), self.folds(100), 1e6).seen == 0

    def test_those_set_aside_are_not_tested(self) -> None:
        assert back_test(np.array([np.inf] * 4 + [1.0] * 96), self.folds(100), 0.0) == BackTest(2 / 96, 0, 96)

    @pytest.mark.parametrize("n", [0, 1, 3])
    def test_hardly_anybody_is_no_error(self, n: int) -> None:
        assert back_test(np.zeros(n), self.folds(n), 0.0).of == n


def naive_triggers(scores: list[list[int]], value: float, horizon: int) -> list[tuple[int, int]]:
    found = []
    for subject, line in enumerate(scores):
        seen = set()
        for ordinal, score in enumerate(line, 1):
            turn = (ordinal - 1) // horizon
            if score > value and turn not in seen:
                seen.add(turn)
                found.append((subject, ordinal))
    return found


subjects = st.lists(st.lists(st.integers(0, 9), max_size=20), min_size=1, max_size=4)


class TestTriggers:
    @given(scores=subjects, value=st.integers(0, 8), horizon=st.integers(1, 7), cut=st.integers(0, 20))
    def test_one_a_horizon_however_the_scores_are_cut(
        self, scores: list[list[int]], value: int, horizon: int, cut: int
    ) -> None:
        fired, found = np.zeros(len(scores), np.int64), []
        for begin, end in ((0, cut), (cut, 10**6)):
            parts = [line[begin:end] for line in scores]
            flat = np.array([score for line in parts for score in line], np.int64)
            ordinal = np.array([begin + i + 1 for line in parts for i in range(len(line))], np.int64)
            owner = np.array([i for i, line in enumerate(parts) for _ in line], np.int64)
            rows, fired = triggers(flat, ordinal, owner, fired, value, horizon)
            found += [(int(owner[row]), int(ordinal[row])) for row in rows]
        assert sorted(found) == sorted(naive_triggers(scores, value, horizon))

    @given(scores=subjects, value=st.integers(-1, 9), horizon=st.integers(1, 7), cuts=st.lists(st.integers(0, 20)))
    def test_a_lasting_alert_is_told_once(
        self, scores: list[list[int]], value: int, horizon: int, cuts: list[int]
    ) -> None:
        fired = np.zeros(len(scores), np.int64)
        found = []
        for begin, end in pairwise(sorted({0, 20, *cuts})):
            parts = [line[begin:end] for line in scores]
            flat = np.array([score for line in parts for score in line], np.int64)
            ordinal = np.array([begin + i + 1 for line in parts for i in range(len(line))], np.int64)
            owner = np.array([i for i, line in enumerate(parts) for _ in line], np.int64)
            rows, fired = triggers(flat, ordinal, owner, fired, value, horizon, lasting=True)
            found += [(int(owner[row]), int(ordinal[row])) for row in rows]
        every = naive_triggers(scores, value, horizon)
        turns = {(subject, (ordinal - 1) // horizon) for subject, ordinal in every}
        assert sorted(found) == [
            (subject, ordinal) for subject, ordinal in every if (subject, (ordinal - 1) // horizon - 1) not in turns
        ]

    def test_only_above_the_threshold(self) -> None:
        one = np.ones(1, np.int64)
        assert triggers(one * 5, one, one - 1, one - 1, 5, 10)[0].size == 0
        assert triggers(one * 6, one, one - 1, one - 1, 5, 10)[0].size == 1

    def test_the_next_horizon_may_fire_again(self) -> None:
        n = 10
        rows, after = triggers(np.full(n, 9), np.arange(1, n + 1), np.zeros(n, np.int64), np.zeros(1, np.int64), 1.0, 5)
        assert rows.tolist() == [0, 5]
        assert after.tolist() == [2]

    def test_what_fired_before_is_not_changed_in_place(self) -> None:
        fired = np.zeros(1, np.int64)
        triggers(np.array([9]), np.array([1]), np.array([0]), fired, 1.0, 5)
        assert fired.tolist() == [0]


class TestHorizonMaxima:
    @given(scores=subjects, horizon=st.integers(1, 7), cut=st.integers(0, 20))
    def test_maxima_do_not_depend_on_the_cuts(self, scores: list[list[int]], horizon: int, cut: int) -> None:
        whole, parts = HorizonMaxima(horizon), HorizonMaxima(horizon)
        self.fill(whole, scores, 0, 10**6)
        self.fill(parts, scores, 0, cut)
        self.fill(parts, scores, cut, 10**6)
        assert whole.by_subject() == parts.by_subject()
        assert whole.horizons == parts.horizons == sum(-(-len(line) // horizon) for line in scores)

    def fill(self, gathered: HorizonMaxima, scores: list[list[int]], begin: int, end: int) -> None:
        parts = [line[begin:end] for line in scores]
        gathered.add(
            [f"s{i}" for i in range(len(parts))],
            np.array([score for line in parts for score in line], np.int64),
            np.array([begin + i + 1 for line in parts for i in range(len(line))], np.int64),
            np.array([i for i, line in enumerate(parts) for _ in line], np.int64),
        )

    @pytest.mark.parametrize(
        ("scores", "value", "whole"),
        [([3, 1], 3.0, False), ([3, 1, 2], 3.0, True), ([9, 0, 0, 1, 2, 3], 3.0, True), ([9, 0, 0, 1], 9.0, True)],
    )
    def test_one_horizon_a_subject_and_a_whole_one_if_there_is_one(
        self, scores: list[int], value: float, whole: bool
    ) -> None:
        gathered = HorizonMaxima(3)
        self.fill(gathered, [scores], 0, 100)
        assert gathered.by_subject() == {"s0": (value, whole)}

    def test_the_loudest_of_many_horizons_is_not_the_one_that_counts(self) -> None:
        gathered = HorizonMaxima(1)
        self.fill(gathered, [[5, 6, 7, 8, 1000]], 0, 100)
        assert gathered.by_subject() == {"s0": (7.0, True)}

    @pytest.mark.parametrize(
        ("scores", "value", "whole", "remembered"),
        [
            # Two horizons of two begin before three queries are remembered.
            ([0, 0, 0, 5, 7, 8, 1, 2], 2.0, True, 1),
            ([9, 0, 0, 5, 7, 8], 8.0, True, 1),
            ([0, 0, 0, 5, 7], 7.0, True, 0),
            ([0, 3, 0, 0], 3.0, True, 0),
            ([6], 6.0, False, 0),
        ],
    )
    def test_short_horizons_do_not_count_while_little_is_remembered(
        self, scores: list[int], value: float, whole: bool, remembered: int
    ) -> None:
        gathered = HorizonMaxima(2, memory=3)
        self.fill(gathered, [scores], 0, 100)
        assert gathered.by_subject() == {"s0": (value, whole)}
        assert gathered.remembered == remembered

    def test_what_was_asked_beyond_a_horizon_that_is_a_little_longer_counts_too(self) -> None:
        short, long = HorizonMaxima(3, memory=2), HorizonMaxima(4, memory=2)
        for gathered in (short, long):
            self.fill(gathered, [[1, 1, 1, 1, 9]], 0, 100)
        assert short.by_subject() == {"s0": (9.0, True)}
        assert long.by_subject() == {"s0": (1.0, True)}
        assert short.remembered == long.remembered == 1

    @given(scores=subjects, horizon=st.integers(1, 7), memory=st.integers(0, 9), cut=st.integers(0, 20))
    def test_the_peak_of_a_subject_is_the_largest_of_all_it_scored(
        self, scores: list[list[int]], horizon: int, memory: int, cut: int
    ) -> None:
        gathered = HorizonMaxima(horizon, memory)
        self.fill(gathered, scores, 0, cut)
        self.fill(gathered, scores, cut, 10**6)
        peaks = {f"s{i}": float(max(0, *line)) for i, line in enumerate(scores) if line}
        assert gathered.peaks() == peaks
        assert all(value <= peaks[name] for name, (value, _) in gathered.by_subject().items())

    def test_nobody_has_no_peak(self) -> None:
        assert HorizonMaxima().peaks() == {}

    @given(scores=subjects, horizon=st.integers(1, 7), memory=st.integers(1, 9))
    def test_a_short_horizon_never_makes_more_subjects_whole(
        self, scores: list[list[int]], horizon: int, memory: int
    ) -> None:
        plain, short = HorizonMaxima(horizon), HorizonMaxima(horizon, memory)
        for gathered in (plain, short):
            self.fill(gathered, scores, 0, 10**6)
        assert {name: whole for name, (_, whole) in plain.by_subject().items()} == {
            name: whole for name, (_, whole) in short.by_subject().items()
        }
        assert short.remembered <= sum(whole for _, whole in short.by_subject().values())

    def test_a_subject_that_comes_back_keeps_its_whole_horizons(self) -> None:
        gathered = HorizonMaxima(2)
        self.fill(gathered, [[1, 2]], 0, 100)
        self.fill(gathered, [[9]], 0, 100)
        assert gathered.by_subject() == {"s0": (9.0, True)}

    def test_a_subject_that_comes_back_within_a_batch_is_the_same(self) -> None:
        gathered = HorizonMaxima(2)
        scores, ordinal, subject = np.array([4, 3, 7, 8]), np.array([1, 1, 2, 1]), np.array([0, 1, 1, 2])
        gathered.add(["b", "a", "b"], scores, ordinal, subject)
        assert gathered.by_subject() == {"b": (8.0, False), "a": (7.0, True)}
        assert gathered.horizons == 2

    def test_a_maximum_is_never_negative(self) -> None:
        gathered = HorizonMaxima(2)
        self.fill(gathered, [[-5, -1, -3]], 0, 100)
        assert gathered.by_subject() == {"s0": (0.0, True)}


def test_held_out_subjects_do_not_pass_below_the_start_of_the_tail() -> None:
    full = np.array([6.0] * 57 + [5.0, 4.0, 50.0])
    assert back_test(full, np.arange(60) % 5, 1.0).seen <= 1
