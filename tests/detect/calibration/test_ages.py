import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.detect.calibration.ages import AGES, AHEAD, LATER, OLDEST, RATIO, step_of


def step(age: int) -> int:
    return int(step_of(np.array([age]))[0])


@given(age=st.integers(1, 10 * OLDEST))
def test_an_age_lies_in_the_step_that_begins_last_before_it(age: int) -> None:
    at = step(age)
    assert AGES[at] <= age
    assert at == len(AGES) - 1 or age < AGES[at + 1]


@given(one=st.integers(1, 2 * OLDEST), other=st.integers(1, 2 * OLDEST))
def test_whoever_is_older_is_in_no_earlier_step(one: int, other: int) -> None:
    young, old = sorted((one, other))
    assert step(young) <= step(old)


def test_steps_grow_by_a_constant_ratio_from_the_first_query_on() -> None:
    assert AGES[0] == 1
    assert (np.diff(AGES) > 0).all()
    late = AGES[AGES > 100]
    assert late[1:] / late[:-1] == pytest.approx(RATIO, rel=0.02)


def test_beyond_the_oldest_age_all_are_of_one_step() -> None:
    assert AGES[-1] <= OLDEST
    assert step(OLDEST) == step(100 * OLDEST) == len(AGES) - 1


def test_a_score_is_ranked_among_scores_of_a_later_age_that_lies_on_the_grid() -> None:
    assert (np.arange(len(AGES)) <= AHEAD).all()
    assert (np.diff(AHEAD) >= 0).all()
    assert AHEAD.max() == len(AGES) - 1
    inside = AGES * LATER < OLDEST
    assert (AGES[AHEAD[inside]] <= AGES[inside] * LATER).all()
