import warnings
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.digests import BLOCK, NO_INPUT, event_id, input_digest, row_keys

VALUES = st.floats(width=32, allow_nan=False, allow_infinity=False)
ROWS = st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=12)


@given(rows=ROWS, salt=st.binary(max_size=64))
def test_equal_rows_have_equal_keys_and_different_rows_different_ones(rows: list[Any], salt: bytes) -> None:
    keys = row_keys(np.array(rows, np.float32), salt)
    # -0.0 and 0.0 are one value to a model, as they are to ==.
    assert len(set(keys.tolist())) == len(set(rows))
    assert (keys != NO_INPUT).all()


@given(rows=ROWS, cut=st.integers(0, 12))
def test_keys_do_not_depend_on_the_batch(rows: list[Any], cut: int) -> None:
    batch = np.array(rows, np.float32)
    parts = [row_keys(part) for part in (batch[:cut], batch[cut:])]
    assert np.concatenate(parts).tolist() == row_keys(batch).tolist()


def test_more_rows_than_are_worked_through_at_a_time_have_their_own_keys() -> None:
    rows = np.arange(3 * (2 * BLOCK + 5), dtype=np.float32).reshape(-1, 3)
    keys = row_keys(rows, b"salt")
    assert len(set(keys.tolist())) == len(rows)
    assert keys[[0, BLOCK, -1]].tolist() == row_keys(rows[[0, BLOCK, -1]], b"salt").tolist()


def test_minus_zero_is_zero() -> None:
    zeros = np.array([[-0.0, 1.0], [0.0, 1.0]], np.float32)
    first, second = row_keys(zeros)
    assert first == second
    assert input_digest(zeros[0]) == input_digest(zeros[1])


def test_two_spellings_of_a_number_are_one_row() -> None:
    rows = np.array([orjson.loads("[0.5, 1]"), orjson.loads("[0.50, 1.0]")], np.float32)
    assert len(set(row_keys(rows).tolist())) == 1


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "float16", "float64"])
def test_keys_are_those_of_the_dtype_of_the_model(dtype: str) -> None:
    near = np.array([[1.0], [1.0 + 1e-6]], np.float32).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keys = row_keys(near)
    assert (keys[0] == keys[1]) == (near[0, 0] == near[1, 0])


def test_keys_and_digests_differ_by_salt() -> None:
    row = np.ones((1, 4), np.float32)
    assert row_keys(row, b"a") != row_keys(row, b"b")
    assert input_digest(row[0], b"a") != input_digest(row[0], b"b")
    assert event_id({"model": "m"}, b"a") != event_id({"model": "m"}, b"b")


def test_no_rows_have_no_keys() -> None:
    assert row_keys(np.zeros((0, 3), np.float32)).tolist() == []


def test_a_view_that_is_not_contiguous_has_the_keys_of_its_rows() -> None:
    rows = np.arange(24, dtype=np.float32).reshape(4, 6)
    assert row_keys(rows[:, ::2]).tolist() == row_keys(rows[:, ::2].copy()).tolist()


def test_an_event_keeps_its_id_when_what_is_no_content_changes() -> None:
    content = {"time": datetime(2026, 1, 5, tzinfo=UTC), "model": "m", "input": [0.5, 1.0], "label": None}
    moved = {"label": None, "input": [0.5, 1.0], "model": "m", "time": content["time"]}
    moved |= {"seq": 9, "line": 4, "source": 2, "event_id": "e-old", "signals": [("near", 1.0)]}
    assert event_id(moved) == event_id(content)
    assert event_id(content | {"label": "7"}) != event_id(content)
