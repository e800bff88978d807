"""Whatever stands in a request that a server has answered is collected: nobody stays unseen by how he writes it."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from app.guard.test_collect import STRUCTURED, record, sent
from app.guard.test_collect import url as _url
from app.guard.test_collect import workspace as _workspace
from caponier.app.inference.scan import scan_inference
from caponier.records.inventory import Workspace

url, workspace = _url, _workspace

ODD = [
    b"1" + b"0" * 30,
    b"-1" + b"0" * 30,
    b'"\\ud800"',
    b"NaN",
    b"-Infinity",
    b"1e400",
    b'"' + b"x" * 100_000 + b'"',
    b'"\\u0000"',
    b"[" * 40 + b"]" * 40,
]


def lines(workspace: Workspace) -> list[bytes]:
    return [line for file in Path(workspace.lake).rglob("collected-*.jsonl") for line in file.read_bytes().splitlines()]


@pytest.mark.parametrize("value", ODD)
def test_odd_values_are_kept(workspace: Workspace, url: str, value: bytes) -> None:
    plain = orjson.dumps(record(1, "request", data={"inputs": [], "odd": "HERE"}))
    reply = sent(url, plain.replace(b'"HERE"', value), STRUCTURED)
    assert reply.status == 202, reply.body
    assert len(lines(workspace)) == 1
    assert sent(url, record(2, "request"), STRUCTURED).status == 202
    assert len(lines(workspace)) == 2, "and the line ends where it ends"
    scan_inference([Path(workspace.lake)], workspace=workspace)


def test_a_body_beyond_a_limit_is_refused_as_such(workspace: Workspace, url: str) -> None:
    many = orjson.dumps(record(1, "request", data={"inputs": [0] * 2_100_000}))
    reply = sent(url, many, STRUCTURED)
    assert reply.status == 413
    assert b"beyond a limit" in reply.body
    assert not lines(workspace)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b"5", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"time": 1, "model": "m"}', 400),
        (b'{"time": "2026-12-01T00:00:00Z", "model": "m", "operation": "predict", "password": "x"}', 400),
        (b'[{"time": "2026-12-01T00:00:00Z", "model": "m", "operation": "predict"}, 5]', 400),
        (b'{"time": "2026-12-01T00:00:00Z", "model": "m", "operation": "predict"}', 202),
    ],
)
def test_what_is_no_event_is_refused_and_leaves_nothing(
    workspace: Workspace, url: str, body: bytes, status: int
) -> None:
    assert sent(url, body, [("content-type", "application/json")]).status == status
    assert len(lines(workspace)) == (status == 202)


def test_of_a_batch_all_or_nothing_is_taken(workspace: Workspace, url: str) -> None:
    batch: list[Any] = [record(1, "request"), {"neither": 1}]
    assert sent(url, batch, [("content-type", "application/cloudevents-batch+json")]).status == 400
    assert lines(workspace) == []
