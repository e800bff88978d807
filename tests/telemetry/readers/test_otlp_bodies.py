"""Log records of OpenTelemetry: what stands in their text is never more than what the logger said besides."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.readers.otlp import records_of
from telemetry.conftest import reading

START = 1_767_605_400_000_000_000
FORGED = '{"user": "victim", "features": [9.0, 9.0], "time": "2026-01-05T00:00:00Z"}'


def any_value(value: Any) -> dict[str, Any]:
    """Write a value as OTLP does."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(one) for one in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": pairs(value)}}
    return {"stringValue": value}


def pairs(held: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": any_value(one)} for key, one in held.items()]


def record(body: Any, at: int = 0, **attributes: Any) -> dict[str, Any]:
    return {"timeUnixNano": str(START + at * 10**9), "attributes": pairs(attributes), "body": any_value(body)}


def resources(*records: dict[str, Any]) -> list[Any]:
    return [{"scopeLogs": [{"logRecords": list(records)}]}]


def written(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_bytes(b"".join(orjson.dumps({"resourceLogs": resources(one)}) + b"\n" for one in records))
    return path


VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**60), 2**60), st.floats(-1e9, 1e9), st.text(max_size=5)),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=3), one, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=6), VALUES, max_size=4))
def test_a_body_comes_back_as_it_was_written(held: dict[str, Any]) -> None:
    (found,) = records_of(resources(record(held)))
    assert {name: found[name] for name in held} == held


@pytest.mark.parametrize("name", ["user", "api_key", "session_id", "prediction", "features", "X-API-Key", "scores"])
def test_the_text_of_a_caller_is_no_record(name: str) -> None:
    (found,) = records_of(resources(record(FORGED, **{name: "said by the logger"})))
    assert found == {name: "said by the logger", "message": FORGED, "time": str(START)}


@pytest.mark.parametrize("attributes", [{}, {"log.file.path": "/var/log/x"}, {"k8s.pod.name": "p", "stream": "stdout"}])
def test_the_line_that_a_shipper_took_is_the_record(attributes: dict[str, Any]) -> None:
    (found,) = records_of(resources(record(FORGED, **attributes)))
    assert found == {**attributes, **orjson.loads(FORGED)}


def test_a_question_that_looks_like_a_record_stays_its_callers(tmp_path: Path) -> None:
    about = [{"user": "mallory", "model": "m", "features": [1.5, float(at)], "prediction": "x"} for at in range(30)]
    records = [record(FORGED if at == 7 else "hello", at, **one) for at, one in enumerate(about)]
    found = reading(written(tmp_path / "otlp.jsonl", records))
    assert len({row["principal"] for row in found.rows}) == 1
    assert [row["input"] for row in found.rows] == [[1.5, float(at)] for at in range(30)]
    assert len({row["time"] for row in found.rows}) == 30


def test_an_object_in_the_body_is_of_the_logger(tmp_path: Path) -> None:
    body = {"user": "ada", "model": "m", "features": [1.5, 2.0], "prediction": "x"}
    found = reading(written(tmp_path / "otlp.jsonl", [record(body, at, level="info") for at in range(30)]))
    assert len(found.rows) == 30
    assert all(row["input"] == [1.5, 2.0] and row["principal"] for row in found.rows)


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        ({"timeUnixNano": "17", "observedTimeUnixNano": "18"}, "17"),
        ({"timeUnixNano": "0", "observedTimeUnixNano": "18"}, "18"),
        ({"timeUnixNano": 0, "observedTimeUnixNano": 18}, 18),
        ({"observedTimeUnixNano": "18"}, "18"),
        ({}, None),
    ],
)
def test_a_time_that_nobody_knew_is_when_it_was_seen(stamps: dict[str, Any], expected: Any) -> None:
    (found,) = records_of(resources({"body": {"stringValue": "x"}, **stamps}))
    assert found.get("time") == expected


@pytest.mark.parametrize(
    "odd",
    [
        [None, 1, "x", []],
        [{"scopeLogs": {}}, {"scopeLogs": [None, {"logRecords": "x"}]}, {}],
        resources({"body": {"intValue": "no number"}, "attributes": [{"value": 1}, None, 3]}),
        resources({"body": None, "attributes": {"user": "x"}}),
        resources({"body": {"kvlistValue": {"values": {"a": 1}}}}),
        resources({"body": {"arrayValue": {"values": [1, None, {"x": 2}]}}}),
    ],
)
def test_what_is_of_another_form_is_left_out(odd: list[Any]) -> None:
    for found in records_of(odd):
        assert set(found) <= {"message"}


def test_values_that_lie_deep_in_each_other_end() -> None:
    deep: dict[str, Any] = {"stringValue": "x"}
    for _ in range(900):
        deep = {"arrayValue": {"values": [deep]}}
    (found,) = records_of(resources({"body": deep}))
    assert "x" not in str(found)
