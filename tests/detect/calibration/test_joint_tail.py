"""One evidence over all detectors, and how rare it is among benign callers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from caponier.detect.calibration.joint_tail import BELIEVED, UNIT, JointTail, evidence, whole

few = settings(max_examples=80, deadline=None)
thousandths = st.integers(0, 30 * UNIT)
known = st.integers(1, 3).flatmap(
    lambda r: st.integers(1, 150).flatmap(
        lambda n: st.lists(st.lists(thousandths, min_size=n, max_size=n), min_size=r, max_size=r)
    )
)
rows = st.integers(1, 5).flatmap(
    lambda d: st.lists(st.lists(thousandths, min_size=d, max_size=d), min_size=1, max_size=9)
)


def calibrated(n: int, seed: int = 0) -> NDArray[np.int64]:
    """Draw the evidence (n,) of benign callers whose rarity is calibrated."""
    return whole(np.random.default_rng(seed).exponential(1.0, n))


class TestEvidence:
    @given(found=rows)
    def test_the_strongest_counts_and_the_second_a_little(self, found: list[list[int]]) -> None:
        rarities = np.array(found, np.int64)
        for one, total in zip(rarities, evidence(rarities), strict=True):
            *_, second, first = [0, *sorted(one.tolist())]
            assert total == first + max(0, second - BELIEVED) * 3 // 10
            assert first <= total <= 1.3 * first

    @given(found=rows, data=st.data())
    def test_the_order_of_detectors_is_none(self, found: list[list[int]], data: st.DataObject) -> None:
        rarities = np.array(found, np.int64)
        order = data.draw(st.permutations(range(rarities.shape[1])))
        assert np.array_equal(evidence(rarities), evidence(rarities[:, order]))

    @given(found=rows, more=st.integers(0, 9 * UNIT), data=st.data())
    def test_no_detector_takes_anything_away(self, found: list[list[int]], more: int, data: st.DataObject) -> None:
        rarities = np.array(found, np.int64)
        louder = rarities.copy()
        louder[:, data.draw(st.integers(0, rarities.shape[1] - 1))] += more
        assert (evidence(louder) >= evidence(rarities)).all()

    def test_what_many_benign_callers_reach_adds_nothing(self) -> None:
        assert evidence(np.array([[9_000, BELIEVED], [9_000, BELIEVED + 1_000]])).tolist() == [9_000, 9_300]


class TestShare:
    @few
    @given(found=known, one=st.integers(0, 10**6), other=st.integers(0, 10**6))
    def test_more_evidence_is_never_more_common(self, found: list[list[int]], one: int, other: int) -> None:
        tail, (low, high) = JointTail.of(np.array(found)), sorted((one, other))
        assert 0 < tail.share(high) <= tail.share(low) + 1e-12
        assert tail.share(low) <= 1
        assert tail.above(high) <= tail.above(low)

    @few
    @given(found=known, value=st.integers(0, 40 * UNIT))
    def test_a_share_lies_between_its_limits_and_is_put_upwards(self, found: list[list[int]], value: int) -> None:
        tail = JointTail.of(np.array(found))
        low, high = tail.interval(value)
        assert 0 < low <= tail.share(value) <= high + 1e-12

    @few
    @given(found=known, alpha=st.floats(1e-4, 0.3))
    def test_the_level_is_the_least_that_keeps_alpha(self, found: list[list[int]], alpha: float) -> None:
        tail = JointTail.of(np.array(found))
        level = tail.level(alpha)
        assert level > BELIEVED
        assert tail.share(level) <= alpha or level == 1_000 * UNIT
        assert level == BELIEVED + 1 or tail.share(level - 1) > alpha

    @few
    @given(found=known, one=st.floats(1e-4, 0.3), other=st.floats(1e-4, 0.3))
    def test_whoever_allows_less_asks_for_more(self, found: list[list[int]], one: float, other: float) -> None:
        tail, (strict, generous) = JointTail.of(np.array(found)), sorted((one, other))
        assert tail.level(strict) >= tail.level(generous)

    @few
    @given(found=known, data=st.data())
    def test_the_order_of_callers_is_none(self, found: list[list[int]], data: st.DataObject) -> None:
        mixed = [data.draw(st.permutations(row)) for row in found]
        assert np.array_equal(JointTail.of(np.array(found)).evidence, JointTail.of(np.array(mixed)).evidence)

    def test_one_caller_at_thirty_times_the_others_deafens_nobody(self) -> None:
        plain = calibrated(300)
        odd = plain.copy()
        odd[odd.argmax()] = 30 * plain.max()
        levels = [JointTail.of(one).level(0.01) for one in (plain, odd)]
        assert levels[1] < levels[0] + UNIT

    def test_the_few_who_speak_where_all_others_are_silent_are_no_outliers(self) -> None:
        """Ten of three hundred reach what nobody else does: at a hundredth, most of them are not to be told of."""
        few_speak = np.zeros(300, np.int64)
        few_speak[:10] = np.linspace(3_500, 6_000, 10)
        assert (few_speak >= JointTail.of(few_speak).level(0.01)).sum() <= 6

    def test_an_outlier_counts_as_much_at_any_distance(self) -> None:
        plain = calibrated(200)
        far, farther = plain.copy(), plain.copy()
        far[far.argmax()], farther[farther.argmax()] = 100 * UNIT, 500 * UNIT
        assert JointTail.of(far).level(0.01) == JointTail.of(farther).level(0.01)

    @pytest.mark.parametrize("n", [100, 300, 1_000])
    def test_calibrated_rarities_keep_alpha_on_callers_that_nobody_has_seen(self, n: int) -> None:
        passed = [
            (calibrated(2_000, 1_000 + seed) >= JointTail.of(calibrated(n, seed)).level(0.01)).mean()
            for seed in range(40)
        ]
        assert np.mean(passed) <= 0.01

    def test_more_callers_ask_for_less(self) -> None:
        levels = [np.mean([JointTail.of(calibrated(n, s)).level(0.003) for s in range(20)]) for n in (60, 300, 3_000)]
        assert levels == sorted(levels, reverse=True)

    def test_few_callers_leave_wider_limits(self) -> None:
        widths = []
        for n in (60, 3_000):
            low, high = JointTail.of(calibrated(n)).interval(9 * UNIT)
            widths.append(high / low)
        assert widths[0] > widths[1]

    def test_divisions_are_averaged(self) -> None:
        one, other = np.full(100, 1_000), np.full(100, 2_000)
        tail = JointTail.of(np.array([one, other]))
        assert tail.above(1_500) == 50
        assert len(tail) == 100

    def test_nobody_is_everybody(self) -> None:
        nobody = JointTail.of(np.zeros((1, 0), np.int64))
        assert len(nobody) == 0
        assert nobody.share(10**6) == 1
