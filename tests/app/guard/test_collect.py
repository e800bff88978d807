"""Logs that come over HTTP: requests and responses apart, in any order and form; and no credential on disk."""

import base64
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from caponier.app.guard.collect import MOST_BYTES, Collector
from caponier.app.inference.scan import scan_inference
from caponier.app.workspace.workspace import create_workspace, read_salt, require_workspace
from caponier.errors import InputError
from caponier.records.inventory import Privacy, Workspace
from caponier.telemetry.events import read_events
from caponier.telemetry.principals import principal_of
from caponier.telemetry.rejections import RejectedRows
from guard.loopback import Reply, ask, serving

SECRET = "sk-a-very-secret-key"
STRUCTURED = [("content-type", "application/cloudevents+json")]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    return require_workspace(tmp_path)


@pytest.fixture
def url(workspace: Workspace) -> Iterator[str]:
    with serving(Collector(workspace)) as found:
        yield found


def record(n: int, kind: str, key: str = SECRET, **changes: Any) -> dict[str, Any]:
    asked = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [n, 1]}]}
    said = {"model_name": "m", "outputs": [{"name": "y", "shape": [1], "datatype": "INT64", "data": [n]}]}
    headers = {"Authorization": [f"Bearer {key}"], "X-Forwarded-For": ["203.0.113.7"], "User-Agent": ["tool"]}
    return {
        "specversion": "1.0", "id": f"id-{n}", "type": f"org.kubeflow.serving.inference.{kind}", "source": "s",
        "time": f"2026-12-01T00:{n // 60:02}:{n % 60:02}Z", "inferenceservicename": "m", "namespace": "team",
        "metadata": orjson.dumps(headers).decode(), "data": asked if kind == "request" else said, **changes,
    }  # fmt: skip


def sent(url: str, body: Any, headers: list[tuple[str, str]]) -> Reply:
    return ask(url, "/", body if isinstance(body, bytes) else orjson.dumps(body), headers=headers)


def events(workspace: Workspace) -> list[dict[str, Any]]:
    read = read_events([Path(workspace.lake)], RejectedRows(), salt=read_salt(workspace))
    return [row for part in read for row in part.batch.to_pylist()]


def test_requests_and_responses_that_come_apart_and_in_any_order_are_joined(workspace: Workspace, url: str) -> None:
    records = [record(n, kind) for n in range(20) for kind in ("request", "response")]
    Random(0).shuffle(records)
    for one in records[:10]:
        assert sent(url, one, STRUCTURED).status == 202
    batch = [("content-type", "application/cloudevents-batch+json")]
    assert orjson.loads(sent(url, records[10:], batch).body) == {"taken": 30}
    found = events(workspace)
    assert sorted(row["input"][0] for row in found) == list(range(20))
    assert {row["label"] == f"{row['input'][0]:.0f}" for row in found} == {True}
    assert {row["principal"] for row in found} == {principal_of(SECRET, read_salt(workspace))}
    assert {row["source_ip"] for row in found} == {"203.0.113.7"}
    assert not scan_inference([Path(workspace.lake)], workspace=workspace).rejected.count


def test_the_binary_mode_and_blob_records_are_taken_too(workspace: Workspace, url: str) -> None:
    one = record(1, "request")
    headers = [(f"ce-{name}", str(value)) for name, value in one.items() if name != "data"]
    assert sent(url, one["data"], [*headers, ("content-type", "application/json")]).status == 202
    blob = {"id": "id-2", "reqType": "org.kubeflow.serving.inference.request", "occurrenceTime": "2026-12-01T00:00:02Z",
            "inferenceService": "m", "bytes": base64.b64encode(orjson.dumps(record(2, "request")["data"])).decode(),
            "metadata": {"Authorization": [f"Bearer {SECRET}"]}}  # fmt: skip
    assert sent(url, blob, STRUCTURED).status == 202
    assert [row["input"] for row in events(workspace)] == [[1, 1], [2, 1]]
    assert {row["principal"] for row in events(workspace)} == {principal_of(SECRET, read_salt(workspace))}


def test_no_credential_reaches_the_disk_and_nobody_writes_who_he_is(workspace: Workspace, url: str) -> None:
    forged = record(1, "request", caponier={"principal": "k-somebody-else"})
    assert sent(url, forged, STRUCTURED).status == 202
    assert sent(url, record(2, "request", key="other", extra=SECRET[:3]), STRUCTURED).status == 202
    files = list(Path(workspace.lake).rglob("*.jsonl"))
    assert files
    assert not [file for file in files if SECRET.encode() in file.read_bytes()]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert events(workspace)[0]["principal"] == principal_of(SECRET, read_salt(workspace))


def test_events_in_lines_are_taken_whole_or_not_at_all(workspace: Workspace, url: str) -> None:
    rows = [
        {"time": f"2026-12-01T00:00:0{n}Z", "model": "m", "operation": "predict", "principal": "k-1", "input": [n, 2.0]}
        for n in range(3)
    ]
    lines = b"\n".join(map(orjson.dumps, rows))
    kind = [("content-type", "application/x-ndjson")]
    assert sent(url, lines, kind).status == 202
    assert sent(url, lines + b"\n{broken", kind).status == 400
    assert sent(url, orjson.dumps(rows[0] | {"authorization": SECRET}), kind).status == 400
    assert len(events(workspace)) == 3


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"7", b"\xff", b'{"a":1,"a":2}', b"[" * 100_000])
def test_what_is_something_else_is_refused(url: str, workspace: Workspace, body: bytes) -> None:
    assert sent(url, body, STRUCTURED).status == 400
    assert not list(Path(workspace.lake).rglob("*.jsonl"))


def test_only_who_shows_the_token_may_send(workspace: Workspace) -> None:
    with serving(Collector(workspace, "a-token-of-some-length")) as url:
        good = ("authorization", "Bearer a-token-of-some-length")
        assert sent(url, record(1, "request"), STRUCTURED).status == 401
        assert sent(url, record(1, "request"), [*STRUCTURED, ("authorization", "Bearer x")]).status == 401
        assert sent(url, record(1, "request"), [*STRUCTURED, good]).status == 202
        assert ask(url, "/", headers=[good]).status == 405
        assert orjson.loads(ask(url, "/-/healthz").body) == {"status": "ok", "taken": 1, "refused": 2}


def test_a_lake_that_cannot_be_written_is_told_to_the_sender(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    broken = workspace.model_copy(update={"lake": str(tmp_path / "file")})
    with serving(Collector(broken)) as url:
        assert sent(url, record(1, "request"), STRUCTURED).status == 503
    assert MOST_BYTES > 2**20


@pytest.mark.parametrize("kept", ["digest", "quantised"])
def test_where_inputs_are_not_kept_as_they_come_nothing_is_collected(workspace: Workspace, kept: Any) -> None:
    private = workspace.model_copy(update={"privacy": Privacy(keep_inputs=kept)})
    with pytest.raises(InputError, match=kept) as refused:
        Collector(private)
    assert "caponier.toml: privacy.keep_inputs" in str(refused.value.where)
