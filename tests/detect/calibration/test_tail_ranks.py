"""How rare a score is: by rank among benign callers of its age, by a tail beyond them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from caponier.detect.calibration.ages import AHEAD
from caponier.detect.calibration.lives import Lives
from caponier.detect.calibration.tail_ranks import KEPT, MARGIN, POSITIVE, SCALE, THINNED, TailRanks

few = settings(max_examples=60, deadline=None)
ONE_AGE = np.array([0])


def of(scores: NDArray[np.float64], steps: int = 1) -> TailRanks:
    """Rank callers (n,) who had their score from the first query on, and were seen for long."""
    n = len(scores)
    reach = int(AHEAD[steps - 1]) + 1
    x = np.tile(np.log1p(scores.astype(np.float64))[:, None], (1, reach))
    return TailRanks.of(Lives(x, np.full(n, reach - 1)), steps)


def rarity(ranks: TailRanks, *scores: float, step: int = 0) -> list[float]:
    return [float(one) for one in ranks.rarity(np.array(scores), np.full(len(scores), step))]


benign = st.lists(st.integers(0, 60), min_size=1, max_size=120).map(lambda found: np.array(found, np.float64))


@few
@given(scores=benign, one=st.integers(0, 10**6), other=st.integers(0, 10**6))
def test_a_higher_score_is_never_less_rare(scores: NDArray[np.float64], one: int, other: int) -> None:
    low, high = rarity(of(scores), *sorted((one, other)))
    assert 0 <= low <= high


@few
@given(scores=benign, score=st.integers(1, 60))
def test_within_the_data_the_rank_says_how_rare(scores: NDArray[np.float64], score: int) -> None:
    ranks = of(scores)
    at_or_above = int((scores >= score).sum())
    assert ranks.above(np.array([score]), ONE_AGE).tolist() == [at_or_above]
    if at_or_above:
        assert rarity(ranks, score) == pytest.approx([-np.log((1 + at_or_above) / (len(scores) + 1))])


@few
@given(scores=benign, wanted=st.floats(0.01, 30))
def test_the_least_score_that_is_rare_enough_is_told(scores: NDArray[np.float64], wanted: float) -> None:
    ranks = of(scores)
    (least,) = ranks.score_at(wanted, ONE_AGE)
    if least < 1e30:
        assert rarity(ranks, np.ceil(least)) >= [wanted - 1e-6]
        below = np.ceil(least) - 1
        if below > 0:
            assert rarity(ranks, below) < [wanted + 1e-6]


def test_no_score_is_not_rare_even_where_nobody_has_one() -> None:
    assert rarity(of(np.zeros(100)), 0.0) == [0.0]
    assert rarity(of(np.zeros(100)), 1.0) == pytest.approx([np.log(101)])


def test_without_callers_nothing_is_rare() -> None:
    nobody = TailRanks.of(Lives(np.zeros((0, 1)), np.zeros(0, np.int64)), 3)
    assert nobody.above(np.array([7]), ONE_AGE).tolist() == [0]
    assert rarity(nobody, 7.0) == [0.0]


def test_where_hardly_anybody_scored_there_is_a_margin_before_the_tail() -> None:
    one = np.zeros(200)
    one[: POSITIVE - 1] = 10
    ranks = of(one)
    assert ranks.margins.tolist() == pytest.approx([MARGIN])
    assert ranks.scales.tolist() == pytest.approx([SCALE])
    inside = 11 * np.exp(MARGIN) - 1
    assert rarity(ranks, inside - 1e-3)[0] == pytest.approx(np.log(201))
    assert rarity(ranks, 2 * inside)[0] > np.log(201) + 1


def test_one_caller_far_beyond_all_others_makes_no_wide_tail() -> None:
    plain = np.random.default_rng(1).exponential(20, 300).round()
    odd = plain.copy()
    odd[odd.argmax()] *= 1_000
    assert of(odd).scales[0] < 1.25 * of(plain).scales[0]


def test_scores_at_an_age_are_ranked_among_those_of_that_age() -> None:
    rising = np.tile(np.log1p(np.arange(30.0)), (100, 1))
    ranks = TailRanks.of(Lives(rising, np.full(100, 29)), 10)
    told = ranks.rarity(np.full(10, 12.0), np.arange(10))
    assert (np.diff(told) <= 0).all()
    assert told[0] > told[-1] == 0


def test_later_ages_count_as_the_last_that_is_known() -> None:
    ranks = of(np.arange(50.0), 4)
    assert ranks.steps == 4
    assert ranks.rarity(np.array([40.0]), np.array([60])) == ranks.rarity(np.array([40.0]), np.array([3]))


def test_of_many_callers_the_highest_are_kept_and_of_the_others_a_few() -> None:
    scores = np.random.default_rng(2).permutation(5_000).astype(np.float64)
    ranks = of(scores)
    assert ranks.scores.shape == (1, KEPT + THINNED)
    assert ranks.counts[:KEPT].tolist() == list(range(1, KEPT + 1))
    assert ranks.counts[-1] == 5_000
    for score in (4_999, 4_900, 4_745):
        assert ranks.above(np.array([score]), ONE_AGE).tolist() == [5_000 - score]
    # Between those that are kept the count is that of the next one above: who is common looks a little rarer.
    for score in range(10, 4_700, 97):
        (above,) = ranks.above(np.array([score]), ONE_AGE)
        assert 0 <= (5_000 - score) - above <= 5_000 / THINNED + 1


def test_the_tail_goes_on_at_the_slope_of_the_highest() -> None:
    heavy = np.expm1(np.random.default_rng(3).exponential(0.8, 4_000) + 2)
    light = np.expm1(np.random.default_rng(3).exponential(0.1, 4_000) + 2)
    ten_times = [rarity(of(one), 10 * one.max())[0] for one in (heavy, light)]
    assert ten_times[0] < ten_times[1]
