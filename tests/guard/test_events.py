"""Exchanges to events, which can always be read back."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.app.inference.live import subject_of
from caponier.guard.call import Call, call_of
from caponier.guard.events import UNTOLD, Row, events_of, is_unreadable, queries_of, why_unreadable
from caponier.guard.exchange import Caller, Exchange
from caponier.telemetry.body_limits import BodyLimits
from caponier.telemetry.events import read_events
from caponier.telemetry.recorder import EventLog
from caponier.telemetry.rejections import RejectedRows

zipped = partial(gzip.compress, mtime=0)
"""The same bytes at any time: they are in the names of tests, which every worker must collect alike."""

LIMIT = BodyLimits()
REQUEST = {"id": "r-1", "inputs": [{"name": "x", "shape": [2, 3], "datatype": "FP32", "data": [1, 2, 3, 4, 5, 6]}]}
ANSWER = {
    "model_version": "7",
    "outputs": [
        {"name": "p", "shape": [2, 2], "datatype": "FP32", "data": [0.1, 0.9, 0.8, 0.2]},
        {"name": "l", "shape": [2], "datatype": "INT64", "data": [1, 0]},
    ],
}


def exchange(request: Any = REQUEST, answer: Any = ANSWER, status: int = 200, **more: Any) -> Exchange:
    body, said = (one if isinstance(one, bytes) else orjson.dumps(one) for one in (request, answer))
    told = {"call": Call("predict", "m"), "caller": Caller("k-1", "s-1", "10.0.0.1"), "user_agent": "ua"} | more
    return Exchange(**told, arrived=datetime.now(UTC), headers={}, body=body, answer=said, status=status, took_ms=3.0)


def test_one_event_an_example() -> None:
    first, second = events_of(exchange(), LIMIT)
    assert first["input"].tolist() == [1, 2, 3]
    assert second["scores"].tolist() == pytest.approx([0.8, 0.2])
    assert [first["label"], second["label"]] == ["1", "0"]
    shared = {"model": "m", "model_version": "7", "principal": "k-1", "session": "s-1", "source_ip": "10.0.0.1",
              "operation": "predict", "status": 200, "user_agent": "ua", "request_id": "r-1", "input_shape": [3],
              "latency_ms": 3.0}  # fmt: skip
    assert all(shared.items() <= row.items() for row in (first, second))


@pytest.mark.parametrize(
    "request_body",
    [
        b"",
        b"{",
        b"[]",
        {"inputs": []},
        {"inputs": [{"shape": [2, 2], "data": [1]}]},
        {"inputs": [{"data": "x", "shape": [1]}]},
    ],
)
def test_a_request_that_cannot_be_read_is_recorded_without_input(request_body: Any) -> None:
    asked = exchange(request_body)
    (row,) = events_of(asked, LIMIT)
    assert row["principal"] == "k-1"
    assert "input" not in row
    assert queries_of(asked, LIMIT) in (1, 2, LIMIT.rows + 1)


FEW = BodyLimits(expanded=1_000, rows=2, numbers=60)


@pytest.mark.parametrize(
    ("request_body", "headers", "why"),
    [
        ({"instances": [[1], [2], [3]]}, {}, "more than 2 rows"),
        ({"inputs": [{"shape": [3, 1], "data": [1, 2, 3]}]}, {}, "more than 2 rows"),
        ({"instances": [[0] * 70]}, {}, "more than 60 numbers, texts and lists"),
        (zipped(b" " * 1_001), {b"content-encoding": b"gzip"}, "more than 1,000 bytes once it is unpacked"),
        (b"{}", {b"content-encoding": b"lzma"}, "a content coding that is not known"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 429, 500])
def test_a_request_beyond_a_limit_leaves_an_event_that_says_so(
    request_body: Any, headers: dict[bytes, bytes], why: str, status: int
) -> None:
    asked = exchange(request_body, status=status)
    asked.headers = headers
    (row,) = events_of(asked, FEW)
    assert (row["principal"], row["unread"]) == ("k-1", f"request: {why}")
    assert "input" not in row
    assert queries_of(asked, FEW) == 3, "more than may be asked at once: it is no way around a throttle"
    held: list[Any] = []
    read_back([row], lambda batch: held.extend(batch.column("extra").to_pylist()))
    assert orjson.loads(held[0]) == {"unread": f"request: {why}"}


def test_an_answer_beyond_a_limit_leaves_the_inputs_and_says_so() -> None:
    said = {"outputs": [{"shape": [2, 50], "datatype": "FP32", "data": [0.5] * 100}]}
    asked = exchange({"instances": [[1], [2]]}, said)
    for one in events_of(asked, FEW):
        assert (one["label"], one["unread"]) == (None, "answer: more than 60 numbers, texts and lists")
    large = exchange({"instances": [[1], [2]]}, b"")
    large.answer_too_large = True
    assert [row["unread"] for row in events_of(large, FEW)] == ["answer: larger than a body may be"] * 2
    assert "unread" not in events_of(exchange(), LIMIT)[0]


@pytest.mark.parametrize("said", [{"digit": 3}, [1, 2], {}, b"3", b"<html>", {"predictions": [[0.1, 0.9]]}])
def test_a_prediction_in_which_no_answer_is_found_says_so(said: Any) -> None:
    told = events_of(exchange(answer=said), LIMIT)
    assert [(row["label"], row["unread"]) for row in told] == [(None, f"answer: {UNTOLD}")] * 2
    assert all("unread" not in row for row in events_of(exchange(answer=said, status=500), LIMIT))
    assert all("unread" not in row for row in events_of(exchange(answer=b""), LIMIT)), "nobody is told anything"
    explained = exchange(answer=said, call=Call("explain", "m"))
    assert all("unread" not in row for row in events_of(explained, LIMIT)), "it holds neither by its nature"


@pytest.mark.parametrize("status", [401, 403])
def test_whoever_the_model_server_does_not_know_has_no_name(status: int) -> None:
    (row,) = events_of(exchange(status=status), LIMIT)
    assert (row["principal"], row["session"], row["source_ip"]) == (None, None, "10.0.0.1")
    assert "input" not in row


@pytest.mark.parametrize("status", [200, 201, 404, 422, 429, 500, 0])
@pytest.mark.parametrize(("method", "path"), [("POST", "infer"), ("GET", "ready"), ("GET", ""), ("POST", "later")])
def test_a_token_is_evidence_for_its_owner_only_where_a_query_was_answered(status: int, method: str, path: str) -> None:
    """Anybody can put a signature of his own behind another's claims, and be turned away in many ways."""
    call = call_of(method, f"/v2/models/m/{path}")
    proven = path == "infer" and status in (200, 201)
    for unproven in (False, True):
        caller = Caller("k-1", "s-1", "10.0.0.1", unproven=unproven)
        row = events_of(exchange(call=call, caller=caller, status=status), LIMIT)[0]
        named = ("k-1", "s-1") if proven or not unproven else (None, None)
        assert (row["principal"], row["session"]) == named
        assert row["source_ip"] == "10.0.0.1"


def test_whose_credential_is_unclear_is_known_by_the_address_alone() -> None:
    """Or whoever shows junk beside the key would be somebody else with every name that he gives himself."""
    seen = set()
    for n in range(3):
        caller = Caller(None, f"s-{n}", "10.0.0.1", possible=("k-1",))
        (first, _) = events_of(exchange(caller=caller, user_agent=f"ua-{n}", unclear=True), LIMIT)
        assert len(first["input"]) == 3
        seen.add(subject_of(first))
    assert len(seen) == 1


@pytest.mark.parametrize(
    "answer", [b"data: %s\n\n", b': hi\r\n\r\nevent: x\r\ndata:{"error":1}\r\n\r\nid: 1\r\ndata: %s\r\n\r\n']
)
@pytest.mark.parametrize("kind", [b"text/event-stream", b"Text/Event-Stream; charset=utf-8"])
def test_an_answer_may_come_as_events(answer: bytes, kind: bytes) -> None:
    asked = exchange(answer=answer % orjson.dumps(ANSWER), call=call_of("POST", "/v2/models/m/infer_stream"))
    asked.answer_headers = [(b"content-type", kind)]
    assert [row["label"] for row in events_of(asked, LIMIT)] == ["1", "0"]
    asked.answer = b"data: {}\n\n" * 1_001
    assert [row["unread"] for row in events_of(asked, LIMIT)] == ["answer: more than 1,000 events in a stream"] * 2
    asked.answer = b"data: {"
    assert [row["label"] for row in events_of(asked, LIMIT)] == [None, None]


@pytest.mark.parametrize("path", ["/v2/models/m/infer_later", "/score", "/v2/models/m"])
def test_what_is_sent_to_a_path_that_is_not_known_may_be_a_query(path: str) -> None:
    asked = exchange(call=call_of("POST", path))
    rows = events_of(asked, LIMIT)
    assert ["input" in row for row in rows] == [False]
    assert is_unreadable(asked, rows)
    assert why_unreadable(asked, LIMIT) == "it went to a path that is not known"
    assert queries_of(asked, LIMIT) == 2
    for harmless in (call_of("GET", path), call_of("POST", "/v2/repository/models/m/load")):
        asked = exchange(call=harmless)
        assert not is_unreadable(asked, events_of(asked, LIMIT))


def test_a_refused_query_keeps_its_input() -> None:
    rows = events_of(exchange(answer=b"", status=429), LIMIT)
    assert [(row["label"], len(row["input"])) for row in rows] == [(None, 3), (None, 3)]
    assert queries_of(exchange(), LIMIT) == 2


def test_numbers_that_are_no_float32_become_the_nearest_and_what_is_missing_stays_so() -> None:
    body = b'{"instances": [[1e39, -1e400, NaN]]}'
    (row,) = events_of(exchange(body, {"predictions": [[0.5, 1.0]]}), LIMIT)
    widest = np.finfo(np.float32).max
    assert row["input"][:2].tolist() == [widest, -widest]
    assert np.isnan(row["input"][2])


def test_scores_that_are_no_numbers_are_left_out() -> None:
    rows = events_of(
        exchange(answer=b'{"outputs":[{"shape":[2,2],"datatype":"FP32","data":[0.1,NaN,0.8,0.2]}]}'), LIMIT
    )
    assert [row["scores"] for row in rows] == [None, None]


NUMBERS = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.integers(-(2**70), 2**70))
TEXT = st.text(max_size=300)
ANY = st.recursive(
    st.one_of(NUMBERS, TEXT, st.none(), st.booleans()), lambda one: st.lists(one, max_size=3), max_leaves=8
)


def tensor(data: st.SearchStrategy[Any], kinds: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    shape = st.lists(st.integers(0, 3), max_size=3)
    return st.fixed_dictionaries({"datatype": st.sampled_from(kinds), "shape": shape, "data": data})


def numbers(shape: list[int]) -> st.SearchStrategy[list[Any]]:
    return st.lists(NUMBERS, min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))


RIGHT = st.lists(st.integers(1, 3), min_size=1, max_size=3).flatmap(
    lambda shape: numbers(shape).map(lambda data: {"datatype": "FP32", "shape": shape, "data": data})
)
REQUESTS = st.fixed_dictionaries(
    {}, optional={"id": ANY, "inputs": st.lists(st.one_of(RIGHT, tensor(ANY, ["FP32"])), max_size=2), "instances": ANY}
)
ANSWERS = st.fixed_dictionaries(
    {}, optional={"model_version": ANY, "predictions": ANY,
                  "outputs": st.lists(st.one_of(RIGHT, tensor(ANY, ["FP32", "BYTES", "INT64"])), max_size=2)}
)  # fmt: skip


def dumped(value: Any) -> bytes:
    """Write JSON as Python does, NaN and halves of surrogate pairs included."""
    return json.dumps(value).encode()


@settings(max_examples=150, deadline=None)
@given(
    request=REQUESTS,
    answer=ANSWERS,
    path=st.one_of(TEXT, TEXT.map(lambda name: f"/v2/models/{name}/versions/{name}/infer")),
    agent=st.one_of(st.none(), st.binary(max_size=300).map(lambda raw: raw.decode("latin-1"))),
    status=st.sampled_from([200, 400, 401, 404, 429, 500, 0]),
)
def test_whatever_is_sent_the_log_can_be_read(
    request: Any, answer: Any, path: str, agent: str | None, status: int
) -> None:
    rows = events_of(
        exchange(dumped(request), dumped(answer), status, call=call_of("POST", path), user_agent=agent), LIMIT
    )
    read = read_back(rows)
    assert read == len(rows) >= 1


def read_back(rows: list[Row], look: Callable[[Any], None] = lambda _: None) -> int:
    with TemporaryDirectory() as folder, RejectedRows(Path(folder) / "rejected.jsonl") as rejected:
        log = Path(folder) / "log.jsonl"
        with EventLog(log) as stream:
            stream.record([{name: value for name, value in row.items() if value is not None} for row in rows])
        events = list(read_events([log], rejected, reader="events"))
        assert not rejected.count, rejected.reasons
        for one in events:
            look(one.batch)
    return sum(one.batch.num_rows for one in events)
