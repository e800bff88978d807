"""Quantiles of few numbers are NumPy's, to the last bit."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caponier.detect.calibration.quantiles import median, quantile, quantiles

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@given(values=NUMBERS)
@example(values=[1.0])
@example(values=[0.1, 0.2])
def test_a_median_is_that_of_numpy(values: Sequence[float]) -> None:
    assert median(np.array(values)) == np.median(values)


@given(values=NUMBERS, shares=st.lists(st.floats(0, 1), max_size=4))
@example(values=[0.3, 0.1, 0.7], shares=[0.0, 0.5, 0.9, 1.0])
@example(values=[5.0], shares=[0.25])
def test_quantiles_are_those_of_numpy(values: Sequence[float], shares: Sequence[float]) -> None:
    assert quantiles(np.array(values), shares).tolist() == np.quantile(values, shares).tolist()
    assert [quantile(np.sort(values), share) for share in shares] == np.quantile(values, shares).tolist()


def test_they_leave_the_values_as_they_are() -> None:
    values = np.array([3.0, 1.0, 2.0])
    assert median(values) == 2.0
    assert quantiles(values, [0.5]).tolist() == [2.0]
    assert values.tolist() == [3.0, 1.0, 2.0]


@pytest.mark.parametrize("rows", [1, 2, 7, 100])
def test_all_the_same_is_what_they_are(rows: int) -> None:
    values = np.full(rows, 0.1)
    assert median(values) == 0.1
    assert quantiles(values, [0.3, 0.9]).tolist() == [0.1, 0.1]
