from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.float_lists import flattened, holders, lengths, narrowed, whole

FLOATS = st.floats(allow_nan=False) | st.none()
LISTS = st.lists(st.none() | st.lists(FLOATS, max_size=4), max_size=8)


def narrow(value: float | None) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(np.nan if value is None else value))


@given(lists=LISTS, cut=st.integers(0, 8))
def test_narrowing_is_that_of_each_value_whatever_the_slice(lists: list[Any], cut: int) -> None:
    array = narrowed(pa.array(lists, pa.list_(pa.float64())).slice(cut))
    assert array.type == pa.list_(pa.float32())
    expected = [None if part is None else [narrow(value) for value in part] for part in lists[cut:]]
    np.testing.assert_equal(array.to_pylist(), expected)


@given(lists=LISTS, cut=st.integers(0, 8))
def test_holders_are_the_lists_of_the_bad_values(lists: list[Any], cut: int) -> None:
    array = pa.array(lists, pa.list_(pa.float64())).slice(cut)
    bad = np.isnan(array.flatten().to_numpy(zero_copy_only=False))
    assert holders(array, bad).tolist() == [part is not None and None in part for part in lists[cut:]]


def test_lengths_of_nothing_are_zero() -> None:
    assert lengths(pa.array([[1.0, 2.0], None, []])).tolist() == [2, 0, 0]


NESTED = [[[1, 0], [1, 1]], None, [[0, 0], [0, 1]]]


@pytest.mark.parametrize(
    "array",
    [
        pa.array(NESTED, pa.list_(pa.list_(pa.float32()))),
        pa.array(NESTED, pa.large_list(pa.list_(pa.int64()))),
        pa.array(NESTED, pa.list_(pa.list_(pa.int8(), 2), 2)),
        pa.array([[part] if part else None for part in NESTED], pa.list_(pa.list_(pa.list_(pa.float64())))),
    ],
)
def test_nested_lists_are_flattened_row_major(array: pa.Array) -> None:
    assert flattened(array).to_pylist() == [[1, 0, 1, 1], None, [0, 0, 0, 1]]
    assert flattened(array.slice(2)).to_pylist() == [[0, 0, 0, 1]]


def test_halves_and_booleans_are_numbers() -> None:
    assert flattened(pa.array([[np.float16(0.5)]], pa.list_(pa.float16()))).to_pylist() == [[0.5]]
    assert flattened(pa.array([[True, False]])).to_pylist() == [[1, 0]]


@pytest.mark.parametrize("values", [[["0.5"]], ["text"], [{"a": 1}], [1.0]])
def test_what_is_no_list_of_numbers_is_refused(values: list[Any]) -> None:
    with pytest.raises(pa.ArrowTypeError):
        flattened(pa.array(values))


def test_whole_numbers_beyond_float64_lose_their_last_digits() -> None:
    assert flattened(pa.array([[2**60 + 1]])).to_pylist() == [[float(2**60)]]


def test_whole_numbers_stay_what_they_are() -> None:
    assert whole(pa.array([[8.0, 8.0], None, []])).to_pylist() == [[8, 8], None, []]


@pytest.mark.parametrize("values", [[[0.5]], [[2**31]], [8], [["x"]]])
def test_what_is_no_list_of_whole_numbers_is_refused(values: list[Any]) -> None:
    with pytest.raises(pa.ArrowException):
        whole(pa.array(values))
