import numpy as np
import pytest

from caponier.detect.traffic_profile.drift import (
    BINS,
    FEWEST,
    LEAST,
    LEAST_ANSWER,
    Drift,
    TraitChange,
    TraitHistogram,
    compare,
)
from caponier.detect.traffic_profile.profile import TrafficProfile
from detect.traffic_profile.profiles import profile


def seen(known: TrafficProfile, found: TrafficProfile) -> Drift:
    return compare(known, TraitHistogram.over(known).with_rows(known, found.rows))


class TestCompare:
    def test_the_same_kind_of_callers_are_no_drift(self) -> None:
        stale = [seen(profile(300, 2 * turn), profile(100, 2 * turn + 1)).stale for turn in range(40)]
        assert stale == [False] * 40

    def test_a_large_and_sure_change_is(self) -> None:
        drift = seen(profile(300), profile(100, 1, level=0.9, flips=0.2))
        assert drift.stale
        assert [change.trait for change in drift.changes] == ["level", "flips"]
        level = drift.changes[0]
        assert (level.before, level.after) == (pytest.approx(0.5, abs=0.01), pytest.approx(0.9, abs=0.01))
        assert level.moved == pytest.approx(2, abs=0.05)
        assert level.p_value < 1e-9

    def test_a_sure_but_small_change_is_not(self) -> None:
        small = 0.5 + 0.2 * (LEAST - 0.05)
        assert seen(profile(5000), profile(5000, 1, level=small)).stale is False
        assert seen(profile(5000), profile(5000, 1, level=0.5 + 0.2 * (LEAST + 0.05))).stale is True

    def test_a_large_change_of_few_is_not_sure(self) -> None:
        found = profile(100, 1)
        found.rows[:10, found.columns.index("level")] = 9.0
        assert seen(profile(300), found).stale is False

    def answered(self, shares: list[float], seed: int = 0) -> TrafficProfile:
        """Return callers with their shares of the first answer, over and over, of whom none differs otherwise."""
        known = profile(300, seed)
        known.rows[:, known.columns.index("answer 1")] = np.resize(shares, 300)
        return known

    def test_an_answer_that_few_callers_still_get_is_drift(self) -> None:
        # The mean hardly moves, since the callers who get nothing else are as many as before.
        before, after = [1.0] + [0.02] * 8 + [0.0], [1.0] + [0.02] * 2 + [0.0] * 7
        drift = seen(self.answered(before), self.answered(after, 1))
        assert [change.trait for change in drift.changes] == ["answer 1"]
        assert drift.changes[0].moved < LEAST
        assert drift.changes[0].p_value < 1e-9
        assert seen(self.answered(after), self.answered(before, 1)).stale is True

    def test_an_answer_that_more_than_half_as_many_get_is_none(self) -> None:
        before, after = [0.02] * 8 + [0.0] * 2, [0.02] * 5 + [0.0] * 5
        assert seen(self.answered(before), self.answered(after, 1)).stale is False

    def test_more_callers_of_one_class_are_none_but_another_mix_of_everybody_is(self) -> None:
        before = [1.0] + [0.1] * 9
        assert seen(self.answered(before), self.answered([1.0, *before], 1)).stale is False
        mixed = [0.1 + 0.2 * (LEAST_ANSWER + 0.1)]
        assert seen(self.answered([0.1]), self.answered(mixed, 1)).stale is True
        assert seen(self.answered([0.1]), self.answered([0.1 + 0.2 * (LEAST_ANSWER - 0.1)], 1)).stale is False

    def test_pace_is_not_compared(self) -> None:
        assert seen(profile(300), profile(100, 1, pace=40.0, quick=1.0, together=1.0)).stale is False

    @pytest.mark.parametrize(("known", "found"), [(FEWEST - 1, 300), (300, FEWEST - 1), (0, 300), (300, 0)])
    def test_too_few_callers_say_nothing(self, known: int, found: int) -> None:
        assert seen(profile(known), profile(found, 1, level=9.0)).stale is None

    def test_what_nobody_shows_is_not_compared(self) -> None:
        nan = profile(300, step=np.nan)
        assert seen(nan, profile(300, 1)).stale is False
        assert seen(profile(300), profile(300, 1, step=np.nan)).stale is False


class TestTally:
    def test_parts_add_up_to_the_whole_in_any_order(self) -> None:
        known, found = profile(300), profile(90, 1)
        empty = TraitHistogram.over(known)
        whole = empty.with_rows(known, found.rows)
        parts = [empty.with_rows(known, found.rows[begin : begin + 30]) for begin in (60, 0, 30)]
        joint = parts[0].plus(parts[1]).plus(parts[2])
        np.testing.assert_array_equal(joint.counts, whole.counts)
        np.testing.assert_array_equal(joint.totals, whole.totals)
        assert whole.callers == 90

    def test_it_is_no_larger_for_more_callers(self) -> None:
        known = profile(300)
        assert TraitHistogram.over(known).with_rows(known, profile(5000, 1).rows).counts.shape == (14, BINS + 1)

    def test_an_empty_one_has_no_callers(self) -> None:
        assert TraitHistogram.over(profile(0)).callers == 0


def test_the_most_changed_trait_comes_first() -> None:
    drift = seen(profile(300), profile(100, 1, flips=0.9, level=0.6))
    assert [type(change) for change in drift.changes] == [TraitChange, TraitChange]
    assert drift.changes[0].trait == "flips"
