"""In enforce mode nothing passes that the guard reads otherwise than the model server, or not at all."""

import asyncio
import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import orjson
import pytest

from caponier.guard import exchange, query_reader, question
from caponier.guard.events import events_of
from caponier.guard.exchange import Exchange
from caponier.guard.middleware import Middleware
from caponier.guard.query_reader import QueryReader
from caponier.guard.verdict import PASS
from caponier.records.inventory import FeatureColumn, FeatureSpec
from caponier.telemetry.body_limits import LIMITS
from caponier.telemetry.column_layouts import ColumnLayouts

INFER = "/v2/models/m/infer"
TENSOR = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}
GOOD = orjson.dumps({"inputs": [TENSOR]})
JSON = (b"content-type", b"application/json")


def sent(
    path: str,
    body: bytes,
    *headers: tuple[bytes, bytes],
    server: str | None = None,
    passed: tuple[str, ...] = (),
    method: str = "POST",
    **options: Any,
) -> tuple[int, Exchange, bytes]:
    """Return the status that the caller gets, the exchange, and what came back."""
    asked: list[bytes] = []
    seen: list[Exchange] = []
    back: list[dict[str, Any]] = []

    async def app(_: Any, receive: Any, send: Any) -> None:
        asked.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: dict[str, Any]) -> None:
        back.append(message)

    layouts, takes, arrived = (options.pop(name, None) for name in ("layouts", "takes", "arrived"))
    reader = QueryReader(LIMITS, {"m": 2}.get, lambda _: takes, server, passed, layouts)  # type: ignore[arg-type]
    guard = Middleware(
        app, decide=lambda *_: PASS, record=seen.append, principal_of=lambda key: key,
        reader=reader, **{"enforce": True, **options},
    )  # fmt: skip
    scope = {"type": "http", "method": method, "path": path, "headers": list(headers), "client": ("a", 1)}
    scope |= {exchange.ARRIVED: arrived}
    asyncio.run(guard(scope, receive, send))
    assert bool(asked) == (back[0]["status"] == 200)
    return back[0]["status"], seen[0], back[1]["body"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}],"instances":[[3,4]]}', ()),
        (b'{"inputs":[],"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}]}', ()),
        (orjson.dumps({"inputs": [TENSOR, TENSOR | {"name": "y"}]}), ()),
        (orjson.dumps({"inputs": [TENSOR | {"shape": [2, 1]}]}), ()),
        (orjson.dumps({"inputs": [TENSOR | {"data": ["1", "2"]}]}), ()),
        (orjson.dumps({"inputs": [TENSOR | {"data": [1]}]}), ()),
        (GOOD + b"{}", ()),
        (GOOD[:-1], ()),
        (b"", ()),
        (b"[[1,2]]", ()),
        (GOOD, ((b"content-type", b"text/csv"),)),
        (GOOD, (JSON, JSON)),
        (GOOD, ((b"content-encoding", b"gzip"),)),
        (gzip.compress(GOOD, mtime=0), ()),
        (gzip.compress(GOOD, mtime=0) + b"x", ((b"content-encoding", b"gzip"),)),
        (orjson.dumps({"specversion": "1.0", "data": {"inputs": [TENSOR]}}), ()),
        (orjson.dumps({"inputs": [TENSOR], "data": "W10="}), ()),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(body: bytes, headers: Any) -> None:
    status, exchange, back = sent(INFER, body, *headers)
    assert (status, exchange.status) == (400, 400)
    assert b"cannot be read" in back
    assert exchange.unread
    assert sent(INFER, body, *headers, enforce=False)[0] == 200, "observing changes nothing"
    assert sent("/v2/models/other/infer", body, *headers)[0] == 200, "nobody looks at what this model is asked"


@pytest.mark.parametrize("headers", [(), (JSON,), ((b"content-encoding", b"gzip"),)])
def test_what_is_read_passes_and_is_read_once(headers: Any) -> None:
    packed = gzip.compress(GOOD, mtime=0) if headers and headers[0][1] == b"gzip" else GOOD
    status, exchange, _ = sent(INFER, packed, *headers)
    assert status == 200
    assert exchange.query is not None
    assert exchange.query.rows.tolist() == [[1, 2]]


def test_a_large_body_is_read_beside_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LARGE", 10)
    assert sent(INFER, GOOD)[0] == 200
    assert sent(INFER, b"{" * 100)[0] == 400


@pytest.mark.parametrize("path", ["/score", "/V2/Models/m/Infer", "/v2/models/m/infer_later", "/v1/models/m:guess"])
def test_a_path_that_is_not_known_passes_only_where_the_server_is_not(path: str) -> None:
    assert sent(path, GOOD)[0] == 200
    assert sent(path, GOOD, server="mlserver")[0] == 400
    assert sent(path, GOOD, server="mlserver", passed=(path,))[0] == 200
    assert sent(path, b"", server="mlserver", method="GET")[0] == 200, "it asks for what is there"


def test_rows_are_refused_where_the_server_does_not_take_them_from() -> None:
    body = b'{"instances":[[1,2]]}'
    assert sent(INFER, body)[0] == 200
    assert sent(INFER, body, server="mlserver")[0] == 400


def test_what_nobody_has_thought_of_is_no_way_past(monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(query_reader, "question", odd)
    told: list[Exception] = []
    status, _, back = sent(INFER, GOOD, on_failure=told.append)
    assert status == 400
    assert b"thought of" in back
    assert told


def test_a_length_beside_a_transfer_coding_is_refused_in_both_modes() -> None:
    both = ((b"content-length", b"5"), (b"transfer-encoding", b"chunked"))
    for enforce in (True, False):
        assert sent("/v2/models/other/infer", GOOD, *both, enforce=enforce)[0] == 400


def test_columns_that_are_called_otherwise_with_each_query_do_not_pass() -> None:
    """Some servers take tensors as they stand: whoever names them anew would show the guard other rows."""
    layouts, random = ColumnLayouts(), Random(0)

    def ask(names: list[str]) -> int:
        tensors = [{"name": name, "shape": [1, 1], "datatype": "FP32", "data": [1]} for name in names]
        status, exchange, _ = sent(INFER, orjson.dumps({"inputs": tensors}), JSON, layouts=layouts)
        events_of(exchange, LIMITS, 2, None, layouts)
        return status

    assert [ask(["age", "height"]) for _ in range(40)] == [200] * 40
    drawn = [ask([str(random.random()), str(random.random())]) for _ in range(40)]
    assert set(drawn[8:]) == {400}
    assert ask(["age", "height"]) == 200


def test_of_one_caller_one_order_of_columns_passes_also_before_anything_was_looked_at() -> None:
    """Whoever sends several at once must not have each of them be his first."""
    layouts = ColumnLayouts()

    def ask(*names: str, key: bytes = b"eve") -> tuple[int, Exchange]:
        tensors = [{"name": name, "shape": [1, 1], "datatype": "FP32", "data": [1]} for name in names]
        body = orjson.dumps({"inputs": tensors} if names else {"inputs": [TENSOR]})
        status, exchange, _ = sent(INFER, body, JSON, (b"x-api-key", key), layouts=layouts)
        return status, exchange

    done = [ask("a", "b"), ask("b", "a"), ask(), ask("b", "a", key=b"bob"), *(ask("b", "a") for _ in range(9))]
    assert [status for status, _ in done] == [200, 400, 400, 200] + [400] * 9
    read = ["input" in events_of(exchange, LIMITS, 2, None, layouts)[0] for _, exchange in done]
    assert read == [True, False, False, True] + [False] * 9
    assert ask("a", "b")[0] == 200, "nothing is counted twice, and nothing that was refused"


def test_of_columns_that_the_model_has_one_caller_keeps_one_order_too() -> None:
    """A model that was taught without names takes them as they stand, whatever its log calls them."""
    takes = FeatureSpec(kind="numeric", shape=(2,), columns=(FeatureColumn(name="a"), FeatureColumn(name="b")))
    layouts = ColumnLayouts()

    def ask(body: Any, key: bytes) -> int:
        status, exchange, _ = sent("/invocations", orjson.dumps(body), JSON, (b"x-api-key", key), layouts=layouts,
                                   takes=takes, model="m")  # fmt: skip
        if status == 200:
            assert [row["input"].tolist() for row in events_of(exchange, LIMITS, 2, takes, layouts)] == [[1, 2]]
        return status

    own = {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}}
    turned = {"dataframe_records": [{"b": 2, "a": 1}]}
    assert [ask(body, b"k-1") for body in (own, {"inputs": [[1, 2]]}, turned, own)] == [200, 200, 400, 200]
    assert [ask(body, b"k-2") for body in (turned, turned, own)] == [200, 200, 400]


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"{", ()), (gzip.compress(b" " * LIMITS.expanded + GOOD), [(b"content-encoding", b"gzip")])],
    ids=["broken", "bomb"],
)
def test_what_was_refused_unread_is_not_read_again(body: bytes, headers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    status, seen, _ = sent(INFER, body, JSON, *headers)
    assert status == 400
    anew = events_of(replace(seen, unreadable=None), LIMITS, 2)
    monkeypatch.setattr(question, "opened", None)
    assert events_of(seen, LIMITS, 2) == anew
    assert seen.unreadable is not None
    assert seen.unreadable.__traceback__ is None, "it holds on to nothing of the body"


def test_who_leaves_columns_out_asks_in_no_other_order() -> None:
    """Clients leave out what they do not know; a model that goes by the order would get too few values."""
    takes = FeatureSpec(kind="numeric", shape=(3,), columns=tuple(FeatureColumn(name=name) for name in "abc"))
    layouts = ColumnLayouts()

    def ask(record: dict[str, float]) -> int:
        body = orjson.dumps({"dataframe_records": [record]})
        return sent("/invocations", body, JSON, (b"x-api-key", b"k"), layouts=layouts, takes=takes, model="m")[0]

    assert [ask(one) for one in ({"a": 1, "b": 2, "c": 3}, {"a": 1, "c": 3}, {"b": 2, "c": 3}, {"c": 3})] == [200] * 4
    assert [ask(one) for one in ({"c": 3, "a": 1}, {"x": 9, "a": 1, "b": 2})] == [400] * 2


def test_where_the_order_does_not_matter_nobody_has_to_keep_to_one() -> None:
    for names in ("ab", "ba", "ba", "ab"):
        tensors = [{"name": name, "shape": [1, 1], "datatype": "FP32", "data": [ord(name)]} for name in names]
        body = orjson.dumps({"inputs": tensors})
        status, exchange, _ = sent(INFER, body, JSON, (b"x-api-key", b"k"), layouts=None, server="triton")
        assert status == 200
        assert events_of(exchange, LIMITS, 2, None, None, "triton")[0]["input"].tolist() == [97, 98]


def test_a_client_that_was_changed_is_let_in_again_after_a_day() -> None:
    """Nobody has to start the guard anew for one caller, whose client sorts its columns since a new release."""
    layouts, begun = ColumnLayouts(), datetime(2026, 5, 1, tzinfo=UTC)
    tensors = [{"name": name, "shape": [1, 1], "datatype": "FP32", "data": [1]} for name in ("b", "a")]
    got = []
    for hour in range(30):
        body = orjson.dumps({"inputs": tensors if hour < 3 else tensors[::-1]})
        at = begun + timedelta(hours=hour)
        key = (b"x-api-key", b"ann")
        status, seen, _ = sent(INFER, body, JSON, key, layouts=layouts, arrived=at)
        assert (status == 200) == ("input" in events_of(seen, LIMITS, 2, None, layouts)[0])
        got.append(status)
    assert got == [200] * 3 + [400] * 24 + [200] * 3
