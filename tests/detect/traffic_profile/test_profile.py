from dataclasses import replace

import numpy as np
import pytest

from caponier.detect.batch import EventBatch
from caponier.detect.similarity.nearest_query import FAR
from caponier.detect.traffic_profile.profile import MOST_ANSWERS, MOST_CALLERS, TRAITS, TrafficProfile
from caponier.detect.traffic_profile.profile_windows import COUNTS, DIRECTIONS
from detect.traffic_profile.profiles import profile


def sample(labels: list[int], width: int = 4) -> EventBatch:
    n = len(labels)
    return EventBatch(
        offsets=np.array([0, n]),
        time=np.arange(n),
        source=np.zeros(n, np.int32),
        seq=np.arange(n),
        query=(np.arange(n * width).reshape(n, width) % 128).astype(np.uint8),
        key=np.arange(n, dtype=np.uint64) + 1,
        label=np.array(labels, np.uint64),
        signals={"squared": np.where(np.arange(n), 16, FAR), "flip": np.zeros(n, bool)},
    )


def no_profile(benign: EventBatch, size: int = 4) -> TrafficProfile:
    """Return a profile of nobody yet, whose windows are short."""
    return replace(TrafficProfile.blank(benign), size=size)


def sums(blank: TrafficProfile, n: int = 1, **counts: int) -> np.ndarray:
    row = dict.fromkeys(COUNTS, 0) | counts
    found = np.zeros((n, len(COUNTS) + DIRECTIONS + len(blank.answers) + 1), np.int64)
    found[:, : len(COUNTS)] = list(row.values())
    return found


class TestBlank:
    def test_it_tells_the_most_frequent_answers_apart(self) -> None:
        labels = [answer for answer in range(1, MOST_ANSWERS + 5) for _ in range(answer)]
        blank = TrafficProfile.blank(sample(labels))
        assert blank.answers.tolist() == list(range(5, MOST_ANSWERS + 5))
        assert blank.rows.shape == (0, len(TRAITS) + DIRECTIONS + MOST_ANSWERS)

    def test_no_answers_and_no_inputs_are_no_error(self) -> None:
        blank = TrafficProfile.blank(sample([0, 0], width=0))
        assert (len(blank.answers), blank.width) == (0, 0)


class TestTraits:
    def test_they_are_shares_of_what_was_counted(self) -> None:
        blank = no_profile(sample([1, 2]))
        one = sums(blank, queries=4, events=5, steps=3, step_sum=96, flips=1, gaps=4, gap_bits=80, quick=2, together=1)
        one[0, len(COUNTS)] = 160
        one[0, -3:] = 3, 1, 0
        found = dict(zip(blank.columns, blank.traits(one)[0].tolist(), strict=True))
        assert found["step"] == pytest.approx(2.0)
        assert found["flips"] == pytest.approx(1 / 3)
        assert found["repeats"] == pytest.approx(0.2)
        assert (found["one answer"], found["answer 1"], found["answer 2"]) == (0.75, 0.75, 0.25)
        assert (found["pace"], found["quick"], found["together"]) == (20.0, 0.5, 0.25)
        assert found["level"] == 10.0

    def test_what_cannot_be_told_is_no_number(self) -> None:
        blank = no_profile(sample([1, 2]))
        found = blank.traits(sums(blank, queries=4, events=4))[0]
        assert np.isnan(found[blank.columns.index("step")])
        assert np.isnan(found[blank.columns.index("answer 1")])


class TestOf:
    def test_of_very_many_callers_evenly_many_are_kept(self) -> None:
        blank = no_profile(sample([1, 2]))
        many = sums(blank, 2 * MOST_CALLERS + 1, queries=4, events=4)
        made, chosen = blank.of(many)
        assert len(made.rows) == len(chosen) <= MOST_CALLERS
        assert chosen[-1] >= 2 * MOST_CALLERS - 2
        assert len(set(np.diff(chosen))) == 1

    def test_nobody_is_an_empty_profile(self) -> None:
        made, chosen = (blank := no_profile(sample([1, 2]))).of(sums(blank, 0))
        assert (len(made.rows), len(chosen)) == (0, 0)

    def test_what_single_queries_do_not_have_is_spread_as_callers_are(self) -> None:
        blank = no_profile(sample([1, 2, 1, 2]))
        place = blank.columns.index("repeats")
        assert np.isnan(blank.spread[place])
        many = np.concatenate([sums(blank, 5, queries=4, events=4), sums(blank, 5, queries=4, events=8)])
        assert blank.of(many)[0].spread[place] == pytest.approx(0.25)


class TestFile:
    def test_it_comes_back_as_it_was(self) -> None:
        made = profile(30)
        again = TrafficProfile.read(made.arrays())
        assert (again.width, again.size) == (made.width, made.size)
        for name, array in made.arrays().items():
            np.testing.assert_array_equal(again.arrays()[name], array)

    @pytest.mark.parametrize(
        ("name", "array"),
        [
            ("rows", np.zeros((3, 4), np.float32)),
            ("rows", np.zeros((3, 17), np.float64)),
            ("rows", np.zeros(17, np.float32)),
            ("rows", np.full((3, 17), np.inf, np.float32)),
            ("answers", np.zeros(2, np.int64)),
            ("glance", np.array([4, 0])),
            ("glance", np.array([-1, 50])),
            ("glance", np.array([4])),
            ("spread", np.zeros(3, np.float32)),
        ],
    )
    def test_what_is_no_profile_is_refused(self, name: str, array: np.ndarray) -> None:
        with pytest.raises(ValueError, match="profile"):
            TrafficProfile.read(profile(3).arrays() | {name: array})

    def test_a_missing_part_is_refused(self) -> None:
        with pytest.raises(KeyError):
            TrafficProfile.read({"rows": np.zeros((3, 17), np.float32)})
