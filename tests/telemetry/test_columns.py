from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.columns import from_batch, from_rows, shown

VALUES: dict[str, list[Any]] = {
    "time": [1_767_571_200_000, "2026-01-05T00:00:00.123456789Z", "2026-01-05", True, 1.5, None, 2**70, [1]],
    "label": ["7", 7, 0.5, False, None, [1], {"a": 1}, ""],
    "status": [200, "200", 200.0, 200.5, True, "x", None, 2**40],
    "latency_ms": [1, 1.5, "1.5", "x", None, [1], True],
    "input": [[0.5, 1], [[1, 2], [3, 4]], [], [None], ["x"], [1e39], [2**63], [True], "text", {"a": 1}, None, [[1], 2]],
    "input_shape": [[2], [2.0], [2.5], ["x"], None, 2, [None]],
    "signals": [{"near": 0.5}, {"near": "x"}, None, 3, {}],
}
WORST = [{name: value} for name, some in VALUES.items() for value in some] + [{"other": 3}, {"extra": "{}"}, {}]


@given(rows=st.lists(st.sampled_from(WORST), min_size=1, max_size=30), cut=st.integers(0, 30))
def test_a_row_is_converted_alike_whatever_its_neighbours(rows: list[Any], cut: int) -> None:
    whole, faults = from_rows(rows)
    split = [from_rows(part) for part in (rows[:cut], rows[cut:]) if part]
    begin, found = 0, {}
    for columns, some in split:
        found |= {begin + position: reason for position, reason in some.items()}
        for name, column in columns.items():
            np.testing.assert_equal(column.to_pylist(), whole[name].slice(begin, len(column)).to_pylist())
        begin += len(next(iter(columns.values()), []))
    if sum(bool(columns) for columns, _ in split) == len(split):
        assert found == faults


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_read_or_named_as_a_fault(name: str) -> None:
    for value in VALUES[name]:
        columns, faults = from_rows([{name: value}])
        assert (columns[name].null_count == 1) == (value is None or bool(faults))
        assert all(reason.startswith(f"{name} cannot be read: expected ") for reason in faults.values())


def test_a_reason_says_what_was_expected_and_found_in_few_words() -> None:
    faults = from_rows([{"status": "x" * 10_000, "model": "m"}])[1]
    assert faults[0].startswith("status cannot be read: expected a whole number, found 'xxxx")
    assert len(faults[0]) < 120


def test_the_first_column_of_the_schema_gives_the_reason() -> None:
    faults = from_rows([{"status": "x", "time": "x", "cost": "x"}])[1]
    assert faults[0].startswith("time cannot be read")


def deep(levels: int) -> Any:
    return orjson.loads(b"[" * levels + b"]" * levels)


@pytest.mark.parametrize("name", ["input", "label", "input_raw", "time", "signals", "scores"])
def test_a_bomb_of_depth_is_a_fault(name: str) -> None:
    columns, faults = from_rows([{name: deep(1_000)}, {name: None}])
    # Nested lists of nothing are an input of nothing, which the checks reject.
    assert faults or columns[name].to_pylist()[0] == []
    assert len(shown({name: deep(1_000)})) < 200


def test_unknown_columns_go_to_extra_as_one_object() -> None:
    columns, faults = from_rows([{"b": [1], "a": "x", "model": "m"}, {"a": None}, {"c": 1.5}])
    assert columns["extra"].to_pylist() == ['{"a":"x","b":[1]}', None, '{"c":1.5}']
    assert not faults


@pytest.mark.parametrize("given", ['{"b":1,"a":2}', {"b": 1, "a": 2}])
def test_a_column_extra_is_taken_apart(given: Any) -> None:
    assert from_rows([{"extra": given, "a": 3}])[0]["extra"].to_pylist() == ['{"a":3,"b":1}']


@pytest.mark.parametrize("given", ["no JSON", "[1]", 7])
def test_a_column_extra_that_is_no_object_is_kept_as_it_is(given: Any) -> None:
    text = from_rows([{"extra": given}])[0]["extra"].to_pylist()[0]
    assert orjson.loads(text) == {"extra": given}


def test_unknown_columns_that_are_nested_too_deeply_are_a_fault() -> None:
    columns, faults = from_rows([{"other": deep(1_000)}, {"other": 1}])
    assert list(faults) == [0]
    assert columns["extra"].to_pylist() == [None, '{"other":1}']


def test_many_different_unknown_columns_do_not_multiply() -> None:
    rows = [{f"c{row}-{column}": 1 for column in range(40)} for row in range(3_000)]
    extras = from_rows(rows)[0]["extra"]
    assert len(orjson.loads(extras[0].as_py())) == 40


def test_no_rows_have_no_columns() -> None:
    assert from_rows([]) == ({}, {})


def test_a_batch_and_its_rows_are_the_same() -> None:
    table = {
        "label": pa.array([7, 8, None]),
        "input": pa.array([[[1, 2], [3, 4]], None, [[5, 6], [7, 8]]], pa.list_(pa.list_(pa.int32()))),
        "status": pa.array(["200", "x", None]),
        "cost": pa.array([1, None, 3], pa.int16()),
        "signals": pa.array([[("near", 0.5)], None, []], pa.map_(pa.string(), pa.float64())),
        "mine": pa.array(["a", None, "c"]),
        "void": pa.nulls(3),
        "extra": pa.array(['{"z":1}', "text", None]),
    }
    batch = pa.RecordBatch.from_pydict(table)
    of_batch, batch_faults = from_batch(batch)
    of_rows, row_faults = from_rows(batch.to_pylist())
    assert of_batch.keys() | {"void"} == of_rows.keys() | {"void"}
    for name, column in of_batch.items():
        assert column.to_pylist() == of_rows[name].to_pylist(), name
    assert batch_faults == row_faults
    assert list(row_faults) == [1]


def unchecked(*values: bytes) -> pa.Array:
    return pa.Array.from_buffers(pa.string(), len(values), pa.array(values).buffers())


def test_text_in_a_batch_that_is_not_utf_8_is_a_fault_of_its_row() -> None:
    columns, faults = from_batch(pa.RecordBatch.from_pydict({"principal": unchecked(b"ann", b"\xff", b"bob")}))
    assert columns["principal"].to_pylist() == ["ann", None, "bob"]
    assert "UTF-8" in faults[1]
    assert list(faults) == [1]
    other, faults = from_batch(pa.RecordBatch.from_pydict({"mine": unchecked(b"ann", b"\xff")}))
    assert orjson.loads(other["extra"][1].as_py())["mine"].startswith("no UTF-8")
    assert not faults


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("time", pa.array([1.5, 2.5])),
        ("time", pa.array([2**62, 2**62], pa.timestamp("s"))),
        ("input", pa.array([["0.5"], ["x"]])),
        ("input", pa.array([{"a": 1}, {"a": 2}])),
        ("label", pa.array([[1], [2]])),
        ("scores", pa.array([1.0, 2.0])),
        ("input_shape", pa.array([[0.5], [1.5]])),
        ("signals", pa.array(["x", "y"])),
    ],
)
def test_a_column_of_a_wrong_type_is_a_fault_of_every_row(name: str, array: pa.Array) -> None:
    columns, faults = from_batch(pa.RecordBatch.from_pydict({name: array}))
    assert sorted(faults) == [0, 1]
    assert columns[name].null_count == 2


def test_rows_are_shown_as_json() -> None:
    assert shown({"model": "m", "label": None, "input": [1.0]}) == '{"model":"m","input":[1.0]}'
    assert shown(pa.RecordBatch.from_pydict({"model": ["m"], "label": [None], "d": [b"\xff"]})).startswith(
        '{"model":"m"'
    )
