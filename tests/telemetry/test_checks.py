from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from caponier.telemetry import checks
from caponier.telemetry.checks import NAME_LIMIT, check
from caponier.telemetry.columns import Columns, from_rows
from caponier.telemetry.rejections import NUMBER

GOOD = {"time": "2026-01-05T00:00:00Z", "model": "m", "operation": "predict"}
LONG = "x" * (NAME_LIMIT + 1)
WIDEST = float(np.finfo(np.float32).max)


def checked(*rows: dict[str, Any]) -> tuple[Columns, dict[int, str]]:
    columns, faults = from_rows(list(rows))
    assert not faults
    faults, lacking = check(columns, len(rows))
    assert not faults.keys() & lacking.keys()
    return columns, faults | lacking


def reason(**changes: Any) -> str:
    """The reason for a row with these changes, which its good neighbours must not share."""
    faults = checked(GOOD, GOOD | changes, GOOD)[1]
    assert set(faults) <= {1}
    return faults.get(1, "")


@pytest.mark.parametrize(
    ("changes", "begin"),
    [
        ({}, ""),
        ({"time": None}, "no time"),
        ({"model": None}, "no model"),
        ({"model": ""}, "no model"),
        ({"operation": None}, "no operation"),
        ({"operation": "Predict"}, "unknown operation: expected one of predict"),
        ({"time": 1_767_571_200}, "time outside 1990 to next year: whole numbers are milliseconds"),
        ({"time": -1}, "time outside"),
        ({"time": "1700-01-01T00:00:00Z"}, "time outside"),
        ({"time": "2200-01-01T00:00:00Z"}, "time outside"),
        ({"principal": LONG}, "principal longer than 1024: cut"),
        ({"model": LONG}, "model longer than 1024: cut"),
        ({"input": [0.5, None]}, ""),
        ({"input": [float("nan")]}, ""),
        ({"input": [float("-inf")]}, NUMBER),
        ({"input": [3.5e38]}, NUMBER),
        ({"input": [3.4e38]}, ""),
        ({"input": []}, "input is empty"),
        ({"scores": [None]}, "scores holds NaN"),
        ({"scores": []}, ""),
        ({"input": [1, 2, 3, 4], "input_shape": [2, 2]}, ""),
        ({"input": [1, 2, 3, 4], "input_shape": [4]}, ""),
        ({"input": [1, 2, 3, 4], "input_shape": [3]}, "input_shape does not fit the input"),
        ({"input": [1, 2, 3, 4], "input_shape": [-2, -2]}, "input_shape does not fit"),
        ({"input": [1, 2, 3, 4], "input_shape": [None]}, "input_shape does not fit"),
        ({"input": [1, 2, 3, 4], "input_shape": [2**31 - 1] * 50}, "input_shape does not fit"),
        ({"input": [1, 2, 3, 4], "input_shape": []}, ""),
        ({"input_shape": [0]}, "input_shape does not fit"),
        ({"input_shape": [8, 8]}, ""),
    ],
)
def test_a_row_of_no_use_is_found_and_its_neighbours_are_not(changes: dict[str, Any], begin: str) -> None:
    found = reason(**changes)
    assert found.startswith(begin) if begin else not found


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"input": [float("-inf"), 3.5e38]}, [-WIDEST, WIDEST]),
        ({"input": []}, None),
        ({"input": [0.5], "scores": [None, 0.5]}, [0.5]),
        ({"input": [0.5], "input_shape": [3]}, [0.5]),
        ({"input": [0.5], "principal": LONG}, [0.5]),
    ],
)
def test_what_a_caller_can_put_into_a_row_costs_that_value_alone(changes: dict[str, Any], left: Any) -> None:
    """Else whoever asks could keep each of his rows from being looked at."""
    columns, _ = from_rows([GOOD | {"input": [0.25]}, GOOD | changes])
    faults, lacking = check(columns, 2)
    assert (faults, list(lacking)) == ({}, [1])
    assert columns["input"].to_pylist() == [[0.25], left]
    assert columns.get("scores", pa.nulls(2)).to_pylist() == [None, None]
    assert columns.get("input_shape", pa.nulls(2)).to_pylist() == [None, None]


def test_a_file_without_a_required_column_has_no_good_row() -> None:
    assert checked({"model": "m"}, {"model": "n"})[1] == {0: "no time", 1: "no time"}


def test_what_a_caller_may_choose_is_cut_and_never_hides_its_row() -> None:
    columns, faults = checked(GOOD | {"user_agent": LONG, "session": LONG, "source_ip": "10.0.0.1"}, GOOD)
    assert not faults
    assert columns["user_agent"].to_pylist() == [LONG[:NAME_LIMIT], None]
    assert columns["session"].to_pylist() == [LONG[:NAME_LIMIT], None]
    assert columns["source_ip"].to_pylist() == ["10.0.0.1", None]


def test_empty_text_is_absent() -> None:
    columns, faults = checked(GOOD | {"principal": "", "label": ""}, GOOD | {"principal": "k-1"})
    assert not faults
    assert columns["principal"].to_pylist() == [None, "k-1"]
    assert columns["label"].to_pylist() == [None, None]


def test_the_end_of_time_is_a_year_ahead_even_on_a_leap_day(monkeypatch: pytest.MonkeyPatch) -> None:
    class LeapDay(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime(2028, 2, 29, tzinfo=tz)

    monkeypatch.setattr(checks, "datetime", LeapDay)
    leap = datetime(2028, 2, 29, tzinfo=UTC)
    assert not reason(time=(leap + timedelta(days=365)).isoformat())
    assert reason(time=(leap + timedelta(days=367)).isoformat()).startswith("time outside")


def test_no_rows_have_no_faults() -> None:
    columns, faults = checked()
    assert not faults
    assert len(columns["time"]) == 0
