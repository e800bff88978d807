from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from caponier.records.event import EVENT_SCHEMA
from caponier.telemetry.conversion import TIME, WORDS, Unreadable, bent, cast, converter

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
FAILURES = (pa.ArrowException, TypeError, ValueError, OverflowError)


def times(*values: Any) -> list[Any]:
    return converter(TIME)(list(values)).to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-05T12:00:00Z", NOON),
        ("2026-01-05T12:00Z", NOON),
        ("2026-01-05 12:00:00+00:00", NOON),
        ("2026-01-05T13:30:00+01:30", NOON),
        ("2026-01-05T12:00:00.25Z", NOON.replace(microsecond=250_000)),
        ("2026-01-05T12:00:00.123456789Z", NOON.replace(microsecond=123_456)),
    ],
)
def test_times_are_rfc_3339(text: str, time: datetime) -> None:
    assert times(text, None) == [time, None]
    assert cast(pa.array([text]), TIME).to_pylist() == [time]


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-05T12:00:00",
        "2026-01-05",
        "noon",
        "",
        "1600-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-05T12:00:60Z",
        True,
        1.7e12,
        float("nan"),
        2**63,
        10**18,
        [1],
        {"t": 1},
    ],
)
def test_what_is_no_time_is_refused(value: Any) -> None:
    with pytest.raises(FAILURES):
        times(value)


def test_whole_numbers_are_milliseconds() -> None:
    millis = int(NOON.timestamp() * 1000)
    assert times(millis, -1) == [NOON, datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)]
    for kind in (pa.int64(), pa.uint64()):
        assert cast(pa.array([millis], kind), TIME).to_pylist() == [NOON]


def test_forms_of_time_are_not_mixed_in_one_go() -> None:
    """A whole number next to a float would else be read with it, and be refused alone."""
    with pytest.raises(TypeError):
        times(1, 2.0)
    with pytest.raises(TypeError):
        times(1, "2026-01-05T12:00:00Z")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", None])
def test_timestamps_of_every_unit_are_times(unit: str, zone: str | None) -> None:
    seconds = pa.array([int(NOON.timestamp())], pa.timestamp("s", tz=zone))
    assert cast(seconds.cast(pa.timestamp(unit, tz=zone)), TIME).to_pylist() == [NOON]


@pytest.mark.parametrize("array", [pa.array([1.7e12]), pa.array([True]), pa.array([NOON.date()]), pa.array([[1]])])
def test_columns_of_other_types_are_no_times(array: pa.Array) -> None:
    with pytest.raises(pa.ArrowException):
        cast(array, TIME)


def test_a_timestamp_that_overflows_is_refused() -> None:
    with pytest.raises(pa.ArrowInvalid):
        cast(pa.array([2**62], pa.timestamp("s", tz="UTC")), TIME)


def test_text_that_is_not_utf_8_is_refused() -> None:
    bad = pa.array([b"good", b"M\xfcller"])
    with pytest.raises(pa.ArrowInvalid):
        cast(bad, pa.string())
    unchecked = pa.Array.from_buffers(pa.string(), 2, bad.buffers())
    with pytest.raises(pa.ArrowInvalid):
        cast(unchecked, pa.string())


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())])
def test_other_kinds_of_text_are_text(kind: pa.DataType) -> None:
    assert cast(pa.array(["a", None]).cast(kind), pa.string()).to_pylist() == ["a", None]


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("label", 7, "7"),
        ("label", 0.5, "0.5"),
        ("label", True, "true"),
        ("label", "7", "7"),
        ("label", [7], [7]),
        ("input_raw", {"age": 3}, '{"age":3}'),
        ("input_raw", ["a", 1], '["a",1]'),
        ("status", "200", 200),
        ("status", "200.5", "200.5"),
        ("status", "ok", "ok"),
        ("cost", "0.5", 0.5),
        ("cost", "much", "much"),
        ("time", " 2026-01-05t12:00:00z ", "2026-01-05T12:00:00Z"),
        ("time", 7, 7),
        ("input", [[0.5, 1], [2, True]], [0.5, 1.0, 2.0, 1.0]),
        ("input", [[[2**63]]], [2.0**63]),
        ("input", [[1], 2], [[1], 2]),
        ("input", [], []),
        ("input", "text", "text"),
        ("input", None, None),
        ("input_shape", ["8"], ["8"]),
        ("signals", "{}", "{}"),
    ],
)
def test_what_is_right_in_substance_is_bent_and_the_rest_left_alone(name: str, value: Any, result: Any) -> None:
    bend = bent(name, value, EVENT_SCHEMA.field(name).type)
    assert bend == result
    assert type(bend) is type(result)


def test_a_row_that_is_nested_too_deeply_for_json_is_left_alone() -> None:
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    assert bent("input_raw", deep, pa.string()) is deep


def test_what_cannot_be_read_is_left_alone_and_says_so() -> None:
    nothing = Unreadable()
    assert bent("label", nothing, pa.string()) is nothing
    assert "UTF-8" in str(nothing)
    with pytest.raises(FAILURES):
        converter(pa.string())([nothing])


def test_every_type_of_the_schema_has_words() -> None:
    assert {field.type for field in EVENT_SCHEMA} == set(WORDS)
