"""Logs in the published form of each source are read without an option, by the map that ships."""

import base64
import os
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest

from caponier.records.inventory import FeatureColumn, FeatureSpec
from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.field_maps.shipped import shipped_maps
from caponier.telemetry.principals import principal_of
from telemetry.conftest import reading

KNOWN = MapChoice(known=shipped_maps())


def rows_of(path: Path, *records: Any) -> list[dict[str, Any]]:
    path.write_bytes(b"".join((one if isinstance(one, bytes) else orjson.dumps(one)) + b"\n" for one in records))
    found = reading(path, maps=KNOWN)
    assert not found.rejected
    return found.rows


def sagemaker(data: str, encoding: str, answer: str) -> dict[str, Any]:
    return {
        "captureData": {
            "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": data, "encoding": encoding},
            "endpointOutput": {
                "observedContentType": "text/csv; charset=utf-8",
                "mode": "OUTPUT",
                "data": answer,
                "encoding": encoding,
            },
        },
        "eventMetadata": {"eventId": "e-1", "inferenceTime": "2026-01-05T12:00:00Z"},
        "eventVersion": "0",
    }


@pytest.mark.parametrize(
    ("data", "encoding", "answer"),
    [
        ("1.5,2\n3,4", "CSV", "0.25\n0.75"),
        ('{"instances": [[1.5, 2], [3, 4]]}', "JSON", '{"predictions": [0.25, 0.75]}'),
        (base64.b64encode(b"1.5,2\n3,4").decode(), "BASE64", base64.b64encode(b"0.25\n0.75").decode()),
    ],
)
def test_sagemaker_data_capture(tmp_path: Path, data: str, encoding: str, answer: str) -> None:
    first, second = rows_of(tmp_path / "a.jsonl", sagemaker(data, encoding, answer))
    assert (first["input"], second["input"]) == ([1.5, 2], [3, 4])
    assert (first["scores"], second["scores"]) == ([0.25], [0.75])
    assert first["request_id"] == "e-1"


@pytest.mark.parametrize(
    ("attributes", "who"),
    [
        (["caller=acme"], "acme"),
        (["trace=7;tenant_id=acme,x=1"], "acme"),
        (['{"user": "acme", "x": 1}'], "acme"),
        (["X-Api-Key: acme"], "acme"),
        (["superuser=acme"], None),
        (["c000b4f9-df62-4c85-a0bf-7c525f9104a4"], None),
        ([], None),
    ],
)
def test_sagemaker_callers_in_custom_attributes(tmp_path: Path, attributes: list[str], who: str | None) -> None:
    row = sagemaker("1.5,2", "CSV", "0.25")
    row["eventMetadata"]["customAttributes"] = attributes
    (event,) = rows_of(tmp_path / "a.jsonl", row)
    assert event["session"] == (who and principal_of(who, b""))


def test_databricks_inference_tables(tmp_path: Path) -> None:
    body = orjson.dumps({"dataframe_split": {"columns": ["b", "a"], "data": [[1, 2], [3, 4]]}}).decode()
    row = {
        "databricks_request_id": "d-1",
        "client_request_id": None,
        "timestamp_ms": 1_767_614_400_000,
        "status_code": 200,
        "execution_time_ms": 5,
        "sampling_fraction": 0.5,
        "request": body,
        "response": '{"predictions": ["x", "y"]}',
        "request_metadata": {"model_name": "fraud", "model_version": "3", "endpoint_name": "e"},
    }
    first, second = rows_of(tmp_path / "a.jsonl", row)
    assert (first["input"], first["label"], second["label"]) == ([2, 1], "x", "y")
    assert (first["model"], first["model_version"], first["status"], first["latency_ms"]) == ("fraud", "3", 200, 5)
    assert orjson.loads(first["extra"]) == {"sampling_fraction": 0.5}


def test_bodies_whose_columns_come_in_an_order_of_their_own_are_events_without_input(tmp_path: Path) -> None:
    rows = [
        {
            "databricks_request_id": f"d-{n}",
            "timestamp_ms": 1_767_614_400_000 + n,
            "status_code": 200,
            "execution_time_ms": 5,
            "request": orjson.dumps({"dataframe_split": {"columns": order, "data": [[1, 2, 3, 4, 5]]}}).decode(),
            "response": '{"predictions": [1]}',
            "request_metadata": {"model_name": "fraud"},
        }
        for n, order in enumerate([list("abcde")] * 60 + [list(order) for order in permutations("abcde")])
    ]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    found = reading(path, maps=KNOWN)
    assert [row["input"] is not None for row in found.rows] == [True] * 61 + [False] * 119
    assert len(found.rejected) == 119
    columns = tuple(FeatureColumn(name=name) for name in "abcde")
    takes = FeatureSpec(kind="numeric", shape=(5,), columns=columns)
    found = reading(path, maps=replace(KNOWN, spec_of=lambda _: takes))
    assert not found.rejected
    assert all(sorted(row["input"]) == [1, 2, 3, 4, 5] for row in found.rows)


def test_databricks_ai_gateway(tmp_path: Path) -> None:
    row = {
        "databricks_request_id": "d-1",
        "request_time": "2026-01-05T12:00:00.000Z",
        "requester": "ada@example.org",
        "status_code": 200,
        "execution_duration_ms": 5,
        "request": '{"inputs": [[1, 2]]}',
        "response": '{"predictions": [1]}',
        "served_entity_id": "m-1",
    }
    (only,) = rows_of(tmp_path / "a.jsonl", row)
    assert (only["principal"], only["input"], only["label"]) == (principal_of("ada@example.org", b""), [1, 2], "1")


def test_azure_ml_inputs(tmp_path: Path) -> None:
    row = {
        "specversion": "1.0",
        "id": "i-1",
        "type": "azureml.inference.inputs",
        "time": "2026-01-05T12:00:00Z",
        "data": [{"label": "DRUG", "age": 3}, {"label": "FOOD", "age": 4}],
        "correlationid": "c-1",
        "modelversion": "2",
        "collectdatatype": "pandas.core.frame.DataFrame",
    }
    first, second = rows_of(tmp_path / "a.jsonl", row)
    assert orjson.loads(first["input_raw"]) == {"age": 3, "label": "DRUG"}
    assert (second["request_id"], second["model_version"]) == ("c-1", "2")


def test_vertex_request_response(tmp_path: Path) -> None:
    row = {
        "endpoint": "projects/1/endpoints/2",
        "deployed_model_id": "7",
        "logging_time": "2026-01-05 12:00:00.5 UTC".replace(" UTC", "+00:00"),
        "request_id": 5,
        "request_payload": ["[1.5, 2.0]", "[3.0, 4.0]"],
        "response_payload": ['"a"', '"b"'],
    }
    first, second = rows_of(tmp_path / "a.jsonl", row)
    assert (first["input"], first["label"], second["label"]) == ([1.5, 2], "a", "b")
    assert first["model"] == "projects/1/endpoints/2"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            b'10.0.0.1 - ada [05/Jan/2026:13:00:00 +0100] "POST /v2/models/fraud/infer HTTP/1.1" 200 15 "-" "curl/8"',
            {
                "source_ip": "10.0.0.1",
                "principal": principal_of("ada", b""),
                "model": "fraud",
                "operation": "predict",
                "status": 200,
                "user_agent": "curl/8",
            },
        ),
        (
            b'10.0.0.1 - - [05/Jan/2026:12:00:00 +0000] "GET / HTTP/1.1" 404 15',
            {"principal": None, "model": "unknown", "operation": "other", "status": 404, "user_agent": None},
        ),
        (
            b'[2026-01-05T12:00:00.000Z] "POST /v1/models/fraud:predict HTTP/2" 200 - 154 0 226 100 "10.0.0.1" "curl" '
            b'"id-1" "host" "tcp://10.0.2.1:80"',
            {
                "source_ip": "10.0.0.1",
                "model": "fraud",
                "operation": "predict",
                "latency_ms": 226.0,
                "request_id": "id-1",
            },
        ),
        (
            b"2026-01-05 12:00:00,000 [INFO ] BackendWorker-9000 ACCESS_LOG - /10.0.0.1:64003 "
            b'"POST /predictions/resnet-18 HTTP/1.1" 200 118',
            {"source_ip": "10.0.0.1", "model": "resnet-18", "operation": "predict", "status": 200, "latency_ms": 118.0},
        ),
    ],
)
def test_access_logs(tmp_path: Path, line: bytes, expected: dict[str, Any]) -> None:
    (row,) = rows_of(tmp_path / "access.log", line)
    assert row["time"] == datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert {name: row[name] for name in expected} == expected


def test_a_line_of_another_form_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    line = b'10.0.0.1 - - [05/Jan/2026:12:00:00 +0000] "GET / HTTP/1.1" 404 15\n'
    path.write_bytes(line * 20 + b"oops\n" + line)
    found = reading(path, maps=KNOWN)
    assert len(found.rows) == 21
    assert found.rejected == [(21, "a line of another kind")]


def test_a_named_pipe_is_read_once(tmp_path: Path) -> None:
    path, line = tmp_path / "a.jsonl", b'{"time":"2026-01-05T12:00:00Z","model":"m","operation":"predict"}\n'
    os.mkfifo(path)
    writer = Thread(target=lambda: path.write_bytes(line * 50), daemon=True)
    writer.start()
    assert len(reading(path, maps=KNOWN).rows) == 50
