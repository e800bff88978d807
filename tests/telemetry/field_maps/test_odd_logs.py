"""What people write is read as they mean it, or told as not understood; never as something else."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from caponier.telemetry.events import read_events
from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.field_maps.shipped import shipped_maps
from caponier.telemetry.rejections import RejectedRows
from telemetry.native_logs.traffic import Query, traffic

Row = dict[str, Any]
ABOUT: Callable[[Query], Row] = lambda q: {"ts": q.iso, "user": q.caller}  # noqa: E731
NOTHING: dict[str, Any] = {"input": None, "input_raw": None}


def read(tmp_path: Path, rows: list[Row]) -> tuple[list[Row], str]:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    report, found = RejectedRows(), []
    for events in read_events([path], report, maps=MapChoice(known=shipped_maps())):
        found += events.batch.to_pylist()
    return found, " ".join(report.told)


def x(q: Query) -> list[float]:
    return list(q.x)


def pairs(q: Query) -> list[Row]:
    return [{"name": key, "value": value} for key, value in q.named.items()]


CASES: dict[str, tuple[Callable[[Query], Row], Callable[[Query], Row]]] = {
    "probabilities as predictions": (
        lambda q: {"inputs": [x(q)], "predictions": [list(q.scores)]},
        lambda q: {"input": x(q), "scores": list(q.scores), "label": str(int(q.label == "ok"))},
    ),
    "columns of one": (
        lambda q: {"features": {key: [value] for key, value in q.named.items()}, "prediction": [q.label]},
        lambda q: {"input": x(q), "label": q.label},
    ),
    "names and values": (
        lambda q: {"features": pairs(q), "prediction": q.label},
        lambda q: {"input": x(q), "label": q.label},
    ),
    "caller within the request": (
        lambda q: {"request": {"ip": q.address, "user": q.caller, "data": q.named}, "response": {"label": q.label}},
        lambda q: {"input": x(q), "source_ip": q.address, "label": q.label},
    ),
    "rows of TensorFlow Serving": (
        lambda q: {
            "request": {"signature_name": "serving_default", "instances": [{"x": x(q)}]},
            "response": {"predictions": [list(q.scores)]},
        },
        lambda q: {"input": x(q), "scores": list(q.scores)},
    ),
    "labels with scores": (
        lambda q: {
            "text": f"hello {q.at}",
            "output": [{"label": "fraud", "score": q.scores[0]}, {"label": "ok", "score": q.scores[1]}],
        },
        lambda q: {"input_raw": f"hello {q.at}", "scores": list(q.scores), "label": q.label},
    ),
    "a digest of a picture": (
        lambda q: {"image_sha256": f"{q.at:064x}", "prediction": q.label},
        lambda q: {"input_digest": f"{q.at:064x}", "input": None, "label": q.label},
    ),
    "an answer called y": (
        lambda q: {**{f"x{at}": value for at, value in enumerate(q.x)}, "y": q.label},
        lambda q: {"input": x(q), "label": q.label},
    ),
    "a place in x and y": (
        lambda q: {"x": q.x[0], "y": q.x[1], "prediction": q.label},
        lambda q: {"input": list(q.x[:2]), "label": q.label},
    ),
    "columns of whylogs": (
        lambda q: {"input.a": q.x[0], "input.b": q.x[1], "output.prediction": q.label, "output.score": q.scores[0]},
        lambda q: {"input": list(q.x[:2]), "label": q.label, "scores": [q.scores[0]]},
    ),
    "a caller in an object": (
        lambda q: {"caller": {"id": q.caller}, "user": None, "io": {"inputs": q.named, "outputs": {"class": q.label}}},
        lambda q: {"input": x(q), "label": q.label},
    ),
    "bodies of Bunyan": (
        lambda q: {"req": {"body": {"features": x(q)}}, "res": {"statusCode": 200, "body": {"prediction": q.label}}},
        lambda q: {"input": x(q), "label": q.label, "status": 200},
    ),
    "a span of OpenTelemetry": (
        lambda q: {
            "ts": None,
            "startTimeUnixNano": str(int(q.epoch * 1e6) * 1_000),
            "endTimeUnixNano": str(int(q.epoch * 1e6) * 1_000 + 9),
            "attributes": {"enduser.id": q.caller, "input": str(x(q)), "output": q.label},
        },
        lambda q: {"input": x(q), "label": q.label, "time": q.time},
    ),
    "pixels of a picture": (
        lambda q: {"image": [[[q.x[0], q.x[1]], [q.x[2], q.x[3]]]], "prediction": q.label},
        lambda q: {"input": x(q), "label": q.label},
    ),
    "an access log of Caddy": (
        lambda q: {
            "request": {"remote_ip": q.address, "proto": "HTTP/2.0", "method": "POST", "uri": "/v1/models/m:predict"},
            "status": 200,
            "size": 10,
        },
        lambda q: {**NOTHING, "source_ip": q.address, "status": 200, "model": "m", "operation": "predict"},
    ),
    "an access log of nginx as JSON": (
        lambda q: {
            "remote_addr": q.address,
            "request": "POST /v1/models/m:predict?a=1 HTTP/1.1",
            "query": "a=1",
            "status": "200",
            "body_bytes_sent": 31,
            "http_referer": "",
        },
        lambda q: {**NOTHING, "source_ip": q.address, "status": 200, "model": "m", "operation": "predict"},
    ),
    "an access log of Envoy": (
        lambda q: {
            "method": "POST",
            "path": "/v2/models/fraud/infer",
            "response_code": 200,
            "duration": 12,
            "x_forwarded_for": q.address,
            "bytes_sent": 5,
        },
        lambda q: {**NOTHING, "source_ip": q.address, "status": 200, "model": "fraud"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_people_write_is_read_as_they_mean_it(name: str, tmp_path: Path) -> None:
    write, wanted = CASES[name]
    queries = traffic()
    found, _ = read(tmp_path, [{**ABOUT(q), **write(q)} for q in queries])
    assert len(found) == len(queries)
    for row, query in zip(found, queries, strict=True):
        want = wanted(query)
        assert {key: row[key] for key in want} == want
        assert row["principal"].startswith("k-")


def test_an_address_of_mail_is_hashed(tmp_path: Path) -> None:
    found, _ = read(tmp_path, [{"ts": q.iso, "email": "ada@x.org", "features": x(q), "label": "a"} for q in traffic()])
    assert "ada" not in str(found)


@pytest.mark.parametrize("held", [lambda at: bytes([at]) * 40, lambda at: b"\x93NUMPY\x01\0" + bytes([at]) * 99])
def test_base64_is_told_and_taken_for_no_text(held: Callable[[int], bytes], tmp_path: Path) -> None:
    rows = [{**ABOUT(q), "input": base64.b64encode(held(q.at)).decode(), "prediction": q.label} for q in traffic()]
    found, told = read(tmp_path, rows)
    assert all(row["input"] is None and row["input_raw"] is None and row["label"] for row in found)
    assert "input holds base64, which is not read" in told


def test_answers_to_several_examples_as_objects(tmp_path: Path) -> None:
    rows = [
        {**ABOUT(q), "instances": [q.named, q.named], "predictions": [{"label": "a"}, {"label": "b"}]}
        for q in traffic()
    ]
    found, _ = read(tmp_path, rows)
    assert [row["label"] for row in found] == ["a", "b"] * len(rows)


@pytest.mark.parametrize("held", ["s3://bucket/{}.png", "/data/in/{}.jpg", "in-{}.jpeg", "https://x.org/i?id={}"])
def test_where_a_picture_is_is_told_and_taken_for_no_text(held: str, tmp_path: Path) -> None:
    rows = [{**ABOUT(q), "image": held.format(q.at), "prediction": q.label} for q in traffic()]
    found, told = read(tmp_path, rows)
    assert all(row["input"] is None and row["input_raw"] is None and row["label"] for row in found)
    assert "image says where inputs are" in told


def test_what_is_not_understood_is_told(tmp_path: Path) -> None:
    rows = [{**ABOUT(q), "payload": {"a": {"b": [[{"c": 1}]]}}, "prediction": q.label} for q in traffic()]
    found, told = read(tmp_path, rows)
    assert all(row["input"] is None for row in found)
    assert "payload holds is not understood as an input" in told
