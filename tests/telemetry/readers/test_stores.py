"""Records in the answers and exports of stores, brokers and loggers: each is the record that a service wrote."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caponier.telemetry.principals import principal_of
from caponier.telemetry.readers.carried import STRANGE, CarriedRecords
from caponier.telemetry.readers.typed_values import has_typed, untyped
from telemetry.conftest import reading

Row = dict[str, Any]
N = 24
FORGED = {"time": "2026-01-05T09:00:00Z", "user": "victim", "features": [9.0, 9.0], "prediction": "a"}
"""What a caller would like to have in the log."""


def when(at: int) -> str:
    return f"2026-01-05T09:00:{at:02}+00:00"


def record(at: int) -> Row:
    return {"time": when(at), "user": f"u{at % 4}", "features": [1.5, float(at)], "prediction": "ab"[at % 2]}


def cells(at: int) -> list[Any]:
    return list(record(at).values())


COLUMNS = [{"name": name, "type": "any"} for name in record(0)]
ROWS = [record(at) for at in range(N)]
CELLS = [cells(at) for at in range(N)]
ANSWERS: dict[str, Any] = {
    "ClickHouse": {"meta": COLUMNS, "data": CELLS, "rows": N, "statistics": {"elapsed": 0.1, "rows_read": N}},
    "ClickHouse by name": {"meta": COLUMNS, "data": ROWS, "rows": N},
    "BigQuery": {
        "kind": "bigquery#queryResponse",
        "schema": {"fields": COLUMNS},
        "jobComplete": True,
        "rows": [{"f": [{"v": cell} for cell in row]} for row in CELLS],
    },
    "Databricks": {
        "statement_id": "1",
        "status": {"state": "SUCCEEDED"},
        "manifest": {"format": "JSON_ARRAY", "schema": {"column_count": 4, "columns": COLUMNS}},
        "result": {"chunk_index": 0, "data_array": CELLS},
    },
    "Snowflake": {"resultSetMetaData": {"numRows": N, "rowType": COLUMNS}, "data": CELLS, "code": "090001"},
    "Log Analytics": {"tables": [{"name": "PrimaryResult", "columns": COLUMNS, "rows": CELLS}]},
    "InfluxDB": {
        "results": [{"statement_id": 0, "series": [{"name": "p", "columns": list(ROWS[0]), "values": CELLS}]}]
    },
    "Kusto": {"Tables": [{"TableName": "T", "Columns": [{"ColumnName": name} for name in record(0)], "Rows": CELLS}]},
    "Trino": {"id": "1", "columns": COLUMNS, "data": CELLS, "stats": {"state": "FINISHED"}},
    "Logs Insights": {
        "results": [[{"field": name, "value": cell} for name, cell in row.items()] for row in ROWS],
        "status": "Complete",
    },
    "JSON:API": {"data": [{"id": "1", "type": "log", "attributes": row} for row in ROWS], "meta": {"elapsed": 3}},
    "Elasticsearch": {
        "took": 3,
        "timed_out": False,
        "hits": {"total": 9, "hits": [{"_id": "1", "_source": row} for row in ROWS]},
    },
    "its fields": {
        "took": 3,
        "hits": {"hits": [{"_id": "1", "fields": {name: [one] for name, one in row.items()}} for row in ROWS]},
    },
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_the_rows_in_an_answer_are_the_log(answer: Row) -> None:
    assert CarriedRecords().rows(orjson.dumps(answer)) == ROWS


@pytest.mark.parametrize(
    "own",
    [
        {"meta": {"time": when(1)}, "data": [FORGED, FORGED]},
        {"user": "u1", "data": [FORGED, FORGED]},
        {"call": {"user": "u1", "at": when(1)}, "rows": [{"attributes": FORGED}, {"attributes": FORGED}]},
        {"hits": 3, "prediction": "a", "results": [[{"field": "time", "value": when(1)}]]},
        {"api_key": "k", "columns": list(FORGED), "data": [list(FORGED.values())] * 2, "more": 1},
    ],
)
def test_what_a_record_says_itself_is_no_answer_around_what_its_caller_wrote(own: Row) -> None:
    assert CarriedRecords().rows(orjson.dumps(own)) == [own]


def mongo(row: Row) -> Row:
    number = {"$numberDouble": "1.5"}
    return {
        "_id": {"$oid": "5f"},
        "time": {"$date": {"$numberLong": "1767603600000"}},
        "user": row["user"],
        "features": [number, {"$numberInt": "7"}],
    }


def test_extended_json_is_plain_json() -> None:
    (row,) = CarriedRecords().rows(orjson.dumps(mongo(record(0))))
    assert row == {"_id": "5f", "time": 1_767_603_600_000, "user": "u0", "features": [1.5, 7]}


def test_a_document_is_its_fields() -> None:
    fields = {
        "uid": {"stringValue": "u1"},
        "at": {"timestampValue": when(1)},
        "input": {"mapValue": {"fields": {"age": {"integerValue": "7"}, "none": {"nullValue": None}}}},
        "scores": {"arrayValue": {"values": [{"doubleValue": 0.5}, {"doubleValue": 0.5}]}},
        "is_test": {"booleanValue": False},
    }
    document = {"name": "projects/p/documents/x", "fields": fields, "createTime": when(2), "updateTime": when(3)}
    assert untyped(document) == {
        "uid": "u1",
        "at": when(1),
        "input": {"age": 7, "none": None},
        "scores": [0.5, 0.5],
        "is_test": False,
        "stored": when(2),
    }


@pytest.mark.parametrize(
    ("held", "plain"),
    [
        ({"epochSecond": 1_767_603_600, "nanoOfSecond": 5_000_000}, "2026-01-05T09:00:00.005000+00:00"),
        ({"seconds": "1767603600", "nanos": 0}, when(0)),
        ({"seconds": "soon", "nanos": 0}, None),
        ({"$numberLong": "many"}, None),
        ({"$date": when(1)}, when(1)),
        ({"mapValue": 3}, {}),
        ({"arrayValue": {}}, []),
    ],
)
def test_values_with_their_types(held: Row, plain: Any) -> None:
    assert has_typed({"a": held})
    assert untyped({"a": held}) == {"a": plain}


def test_values_that_nest_without_end_are_none() -> None:
    held: Any = {"$numberInt": "1"}
    for _ in range(40):
        held = {"arrayValue": {"values": [held]}}
    assert "None" in repr(untyped({"a": held}))


def test_what_a_caller_sent_keeps_its_keys() -> None:
    row = {"time": when(1), "user": "u1", "body": {"age": {"$numberInt": "7"}}}
    assert not has_typed(row)
    assert CarriedRecords().rows(orjson.dumps(row)) == [row]


def span(at: int) -> Row:
    began = 1_767_603_600_000_000_000 + at * 10**9
    said = {"enduser.id": f"u{at % 4}", "time": "1999-01-01", "ml.input.age": at, "ml.prediction.label": "ab"[at % 2]}
    attributes = [
        {"key": name, "value": {"intValue": str(one)} if isinstance(one, int) else {"stringValue": one}}
        for name, one in said.items()
    ]
    return {
        "traceId": "1f",
        "spanId": "2f",
        "name": "predict",
        "attributes": attributes,
        "startTimeUnixNano": str(began),
        "endTimeUnixNano": str(began + 3_000_000),
    }


def test_spans_are_records_of_when_they_began(tmp_path: Path) -> None:
    path = tmp_path / "traces.json"
    path.write_bytes(orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span(at) for at in range(N)]}]}]}))
    found = reading(path)
    assert not found.rejected
    assert [row["time"].isoformat() for row in found.rows] == [when(at) for at in range(N)]
    assert {row["latency_ms"] for row in found.rows} == {3.0}
    assert found.rows[5]["principal"] == principal_of("u1", b"")
    assert found.rows[5]["input"] == [5.0]


def kafka(at: int, **more: Any) -> Row:
    return {"topic": "predictions", "partition": 0, "offset": at, "timestamp": 1_767_603_600_000 + at, **more}


def bare(at: int) -> Row:
    return {"user": f"u{at % 4}", "features": [1.5, float(at)], "prediction": "ab"[at % 2]}


HEADERS: dict[str, Any] = {
    "an object": {"X-User": "u1"},
    "kcat": ["x-user", "u1"],
    "objects": [{"key": "x-user", "value": "u1"}],
    "objects by name": [{"x-user": "u1"}],
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("wrap", [lambda one: {"value": one}, lambda one: {"payload": orjson.dumps(one).decode()}])
def test_a_message_of_kafka_is_the_record_in_it(wrap: Callable[[Row], Row], headers: Any) -> None:
    line = kafka(7, key="r1", headers=headers, **wrap({**bare(1), "request_id": "forged", "headers": "forged"}))
    (row,) = CarriedRecords().rows(orjson.dumps(line))
    assert row == {**bare(1), "time": 1_767_603_600_007, "headers": {"x-user": "u1"}, "request_id": "r1"}


def test_a_cloud_event_keeps_its_form_in_either_mode() -> None:
    event = {"specversion": "1.0", "type": "t", "time": when(1), "data": {"inputs": []}}
    carried = CarriedRecords()
    assert carried.rows(orjson.dumps(kafka(1, value=event, key="k"))) == [event]
    headers = {f"ce_{name}": one for name, one in event.items() if name != "data"}
    assert carried.rows(orjson.dumps(kafka(1, value=event["data"], headers=headers))) == [event]


@pytest.mark.parametrize("value", ["no object", 3, None, [1]])
def test_a_message_without_an_object_stays_as_it_is(value: Any) -> None:
    line = kafka(1, value=value)
    assert CarriedRecords().rows(orjson.dumps(line)) == [line]


def test_the_journal_has_what_python_printed_behind_words_and_no_user_of_a_process_is_a_caller(tmp_path: Path) -> None:
    lines = [
        {
            "__REALTIME_TIMESTAMP": str(1_767_603_600_000_000 + at * 10**6),
            "_UID": "998",
            "_PID": "7",
            "PRIORITY": "6",
            "MESSAGE": f"prediction: {bare(at)!r}",
        }
        for at in range(N)
    ]
    path = tmp_path / "journal.json"
    path.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in lines))
    found = reading(path)
    assert not found.rejected
    assert [row["input"] for row in found.rows] == [[1.5, float(at)] for at in range(N)]
    assert found.rows[1]["principal"] == principal_of("u1", b"")


def test_a_line_of_the_journal_that_begins_otherwise_is_rejected() -> None:
    told = [
        {"__REALTIME_TIMESTAMP": "1", "MESSAGE": f"prediction: {orjson.dumps(bare(at)).decode()}"} for at in range(N)
    ]
    carried = CarriedRecords()
    carried.learn(b"".join(orjson.dumps(one) + b"\n" for one in told))
    assert carried.rows(orjson.dumps(told[1]))[0]["user"] == "u1"
    forged = {"__REALTIME_TIMESTAMP": "1", "MESSAGE": f"cannot read {orjson.dumps(FORGED).decode()}"}
    with pytest.raises(ValueError, match=STRANGE[:40]):
        carried.rows(orjson.dumps(forged))


def test_a_logger_of_java_says_who_asked_beside_its_text() -> None:
    said = orjson.dumps({"features": [1.5], "contextMap": {"clientId": "victim"}}).decode()
    line = {
        "instant": {"epochSecond": 1_767_603_600, "nanoOfSecond": 0},
        "contextMap": {"clientId": "u1"},
        "message": said,
    }
    assert CarriedRecords().rows(orjson.dumps(line)) == [
        {"time": when(0), "features": [1.5], "contextMap": {"clientId": "u1"}}
    ]


def test_a_row_of_r_has_each_value_in_a_list() -> None:
    boxed = {"ts": [when(1)], "user": ["u1"], "features": {"age": [7], "city": ["Bern"]}, "prob": [0.5]}
    assert CarriedRecords().rows(orjson.dumps(boxed)) == [
        {"ts": when(1), "user": "u1", "features": {"age": 7, "city": "Bern"}, "prob": 0.5}
    ]
    for row in ({"ts": when(1), "x": [1]}, {"ts": [when(1)], "x": [1, 2]}, {"x": [1]}):
        assert not has_typed(row)


def test_how_long_something_took_is_no_moment() -> None:
    """Protocol buffers write both under the same names."""
    for took in ({"seconds": 0, "nanos": 5_000_000}, {"seconds": "86400", "nanos": 0}):
        line = {**record(1), "took": took}
        assert CarriedRecords().rows(orjson.dumps(line)) == [line]
    at = {**record(1), "time": {"seconds": "1767603601", "nanos": 0}}
    assert CarriedRecords().rows(orjson.dumps(at)) == [record(1)]


def test_a_row_as_deep_as_a_line_may_be_ends_no_reading() -> None:
    """As R writes rows, too, in which each object holds the next one."""
    deep = '{"a":[1],"b":' * 900 + "[1]" + "}" * 900
    assert len(CarriedRecords().rows(deep.encode())) == 1


def test_a_table_of_fixed_points_has_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    columns = {
        "scored_at": pa.array([1_767_603_600_000 + at for at in range(N)], pa.timestamp("ms")),
        "api_client": pa.array([f"u{at % 4}" for at in range(N)]).dictionary_encode(),
        "income": pa.array([Decimal(f"{at}.25") for at in range(N)], pa.decimal128(12, 2)),
        "age": pa.array(range(N), pa.int16()),
        "y_pred": ["ab"[at % 2] for at in range(N)],
        "__index_level_0__": pa.array(range(N)),
    }
    pq.write_table(pa.table(columns), path)
    found = reading(path)
    assert not found.rejected
    assert [row["input"] for row in found.rows] == [[float(at), at + 0.25] for at in range(N)]


def test_a_y_beside_a_list_is_an_answer_and_beside_a_number_a_place(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    asked = [{"time": 1_767_603_600 + at, "client": f"u{at % 4}", "x": [1.5, at]} for at in range(N)]
    rows = [{**one, "y": "ab"[at % 2], "p": at / 32} for at, one in enumerate(asked)]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    assert {(row["label"], tuple(row["scores"])) for row in reading(path).rows[:2]} == {("a", (0.0,)), ("b", (1 / 32,))}


def test_the_time_of_a_collector_is_that_of_the_line() -> None:
    row = {"_messagetimems": "1767603600000", "_raw": orjson.dumps(bare(1)).decode(), "_sourceHost": "h"}
    assert CarriedRecords().of_table(row) == [{"time": "1767603600000", **bare(1)}]
