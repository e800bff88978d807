import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.clock import Clock

SECOND = 1_000_000
TIMES = st.lists(st.integers(0, 50), max_size=40)


def late(times: list[int], lateness: float = 5.0) -> list[bool]:
    return Clock(lateness).late(np.array(times, np.int64) * SECOND).tolist()


@given(times=TIMES, cuts=st.lists(st.integers(0, 40), max_size=5))
def test_however_rows_are_cut_the_same_ones_are_late(times: list[int], cuts: list[int]) -> None:
    clock, found = Clock(5.0), []
    for part in np.split(np.array(times, np.int64) * SECOND, sorted(min(cut, len(times)) for cut in cuts)):
        found += clock.late(part).tolist()
    assert found == late(times)


@given(times=TIMES)
def test_rows_in_order_are_never_late(times: list[int]) -> None:
    assert not any(late(sorted(times), 0.0))


def test_a_row_may_be_out_of_order_by_the_lateness_and_no_more() -> None:
    assert late([100, 100, 95, 94]) == [False, False, False, True]


def test_one_row_with_a_date_in_the_future_makes_no_other_row_late() -> None:
    assert not any(late([10, 11, 9_999, 12, 13]))


def test_two_neighbours_that_agree_move_the_clock() -> None:
    assert late([10, 1_000, 1_000, 11]) == [False, False, False, True]


@pytest.mark.parametrize("lateness", [float("inf"), 1e300])
def test_without_a_limit_nothing_is_late(lateness: float) -> None:
    assert not any(late([1_000, 1_000, 0], lateness))


def test_no_rows_are_not_late() -> None:
    assert late([]) == []
