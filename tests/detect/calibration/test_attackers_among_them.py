"""Attackers in the benign log: a few far above everybody deafen neither a detector nor all of them together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from caponier.detect.calibration.joint_tail import BELIEVED, OUTLIERS, UNIT, JointTail
from caponier.detect.calibration.lives import Lives
from caponier.detect.calibration.tail_ranks import APART, FEW_APART, TailRanks
from detect.calibration.test_joint_tail import calibrated
from detect.calibration.test_tail_ranks import of, rarity

AT_ONCE = np.array([0])
few = settings(max_examples=40, deadline=None)


def calm(n: int, seed: int = 0) -> NDArray[np.float64]:
    """Draw benign scores (n,): many small ones, and none that stands apart from the next."""
    return np.sort(np.floor(np.random.default_rng(seed).exponential(6.0, n)).clip(0, 25))


def among(n: int, attackers: int, score: float, seed: int = 0) -> TailRanks:
    scores = calm(n, seed)
    scores[:attackers] = score
    return of(scores)


class TestOneDetector:
    @few
    @given(n=st.integers(100, 600), seed=st.integers(0, 20), score=st.integers(200, 10**6), share=st.floats(0, 1))
    def test_up_to_one_in_a_hundred_far_above_is_still_found(self, n: int, seed: int, score: int, share: float) -> None:
        attackers = max(1, int(share * FEW_APART * n))
        taught = among(n, attackers, float(score), seed)
        assert taught.apart.tolist() == [attackers]
        # Whoever does the same is as rare as if nobody had been in the log who did, but for their own number.
        (seen,), (never,) = rarity(taught, score), rarity(of(calm(n, seed)[attackers:]), score)
        assert seen > 1.5 * np.log(n / attackers)
        assert seen >= never - np.log(1 + attackers) - 0.05 * never

    def test_what_it_takes_hardly_rises_with_them(self) -> None:
        (clean,), (mixed,) = (ranks.score_at(7.0, AT_ONCE) for ranks in (of(calm(400)[4:]), among(400, 4, 5_000.0)))
        assert clean <= mixed < 3 * clean

    def test_more_than_one_in_a_hundred_are_what_benign_callers_are_like(self) -> None:
        attackers = 12
        assert attackers > FEW_APART * 400
        taught = among(400, attackers, 5_000.0)
        assert taught.apart.tolist() == [0]
        assert rarity(taught, 5_000.0) == pytest.approx([-np.log((1 + attackers) / 401)])

    @few
    @given(n=st.integers(100, 400), seed=st.integers(0, 20))
    def test_nobody_stands_apart_where_each_is_near_the_next(self, n: int, seed: int) -> None:
        assert of(calm(n, seed) + 10).apart.tolist() == [0]

    @pytest.mark.parametrize(("times", "apart"), [(np.exp(APART) * 1.02, 1), (np.exp(APART) * 0.98, 0)])
    def test_apart_begins_at_four_times_the_next(self, times: float, apart: int) -> None:
        scores = np.linspace(1, 99, 200)
        scores[0] = 100 * times - 1
        assert of(scores).apart.tolist() == [apart]

    def test_how_far_apart_they_stand_makes_no_difference(self) -> None:
        near, far = (among(300, 2, score).score_at(8.0, AT_ONCE) for score in (1e3, 1e9))
        assert near.tolist() == far.tolist()

    def test_that_there_were_some_is_counted_all_the_same(self) -> None:
        """A report says how many reached as much: it does not hide them."""
        assert among(300, 2, 1e3).above(np.array([900, 30]), np.zeros(2, np.int64)).tolist() == [2, 2]

    def test_one_who_comes_to_stand_apart_late_is_apart_from_then_on(self) -> None:
        x = np.tile(np.log1p(calm(200))[:, None], (1, 30))
        x[0, 15:] = np.log1p(9_000.0)
        taught = TailRanks.of(Lives(x, np.full(200, 29)), 20)
        assert taught.apart[0] == 0
        assert taught.apart[-1] == 1

    @pytest.mark.parametrize("n", [1, 2, 3])
    def test_of_a_handful_somebody_is_left_to_compare_with(self, n: int) -> None:
        scores = np.zeros(n)
        scores[0] = 1e6
        taught = of(scores)
        assert taught.apart[0] < n
        assert np.isfinite(rarity(taught, 1e6, 1, 0)).all()


class TestAllTogether:
    @few
    @given(
        n=st.integers(100, 1_000),
        seed=st.integers(0, 20),
        height=st.integers(30, 500),
        share=st.floats(0, 1),
    )
    def test_a_hundredth_at_the_top_moves_the_level_by_little(
        self, n: int, seed: int, height: int, share: float
    ) -> None:
        attackers = max(1, int(share * OUTLIERS * n))
        plain = calibrated(n, seed)
        mixed = np.sort(plain)
        mixed[-attackers:] = height * UNIT
        low, high = (JointTail.of(one).level(0.01) for one in (plain, mixed))
        assert high <= low + 1.5 * UNIT
        # And they themselves would be told of.
        assert high < height * UNIT

    @few
    @given(n=st.integers(100, 600), seed=st.integers(0, 20), one=st.integers(30, 400), other=st.integers(30, 400))
    def test_how_high_they_come_makes_no_difference(self, n: int, seed: int, one: int, other: int) -> None:
        attackers = max(1, int(OUTLIERS * n))
        levels = []
        for height in (one, other):
            mixed = np.sort(calibrated(n, seed))
            mixed[-attackers:] = height * UNIT
            levels.append(JointTail.of(mixed).level(0.01))
        assert levels[0] == levels[1]

    def test_many_of_them_do_raise_it(self) -> None:
        """One in ten is no outlier: if so many benign callers come so high, nobody is to be told of for that."""
        plain = np.sort(calibrated(300))
        mixed = plain.copy()
        mixed[-30:] = 40 * UNIT
        assert JointTail.of(mixed).level(0.01) > JointTail.of(plain).level(0.01) + 10 * UNIT

    def test_no_level_lies_where_a_detector_says_nothing(self) -> None:
        silent = JointTail.of(np.zeros(500, np.int64))
        assert silent.level(0.01) > BELIEVED
        assert silent.level(1.0) == BELIEVED + 1
