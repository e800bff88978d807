import base64
import sys
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.records.inventory import FeatureColumn, FeatureSpec
from caponier.telemetry import chunk
from caponier.telemetry.column_layouts import STRANGE
from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.principals import principal_of
from caponier.telemetry.readers import kserve
from caponier.telemetry.streams import STDIN
from telemetry.conftest import Reading, plain, reading

Log = Callable[..., Path]
Read = Callable[..., Reading]
Row = dict[str, Any]

SECRET = "Bearer s3cret.t0ken"


def request(key: Any, second: int = 0, data: Any = (1.0, 2.0), **changes: Any) -> Row:
    values = list(data)
    body = {"inputs": [{"name": "x", "shape": [1, len(values)], "datatype": "FP32", "data": values}]}
    return {
        "specversion": "1.0",
        "id": key,
        "type": "org.kubeflow.serving.inference.request",
        "time": plain(second)["time"],
        "inferenceservicename": "digits",
        "namespace": "team",
        "metadata": orjson.dumps({"Authorization": [SECRET]}).decode(),
        "data": body,
    } | changes


def response(key: Any, label: Any = 7, **changes: Any) -> Row:
    body = {"model_name": "digits", "outputs": [{"name": "y", "shape": [1], "datatype": "INT64", "data": [label]}]}
    return {"id": key, "type": "org.kubeflow.serving.inference.response", "time": plain()["time"], "data": body} | (
        changes
    )


def labels(found: Reading) -> list[Any]:
    return [row["label"] for row in found.rows]


def test_requests_and_responses_are_joined_by_their_id(log: Log, read: Read) -> None:
    found = read(log([request("a"), request("b", 1), response("b", 2), response("a", 1)]))
    assert labels(found) == ["1", "2"]
    assert found.lines == [1, 2]
    assert [row["input"] for row in found.rows] == [[1.0, 2.0]] * 2
    assert {row["principal"] for row in found.rows} == {principal_of(SECRET, b"")}
    assert {row["system"] for row in found.rows} == {"team"}
    assert not found.rejected


def test_a_response_may_come_before_its_request(log: Log, read: Read) -> None:
    found = read(log([response("a", 1), request("a"), request("b", 1), response("b", 2)]))
    assert labels(found) == ["1", "2"]
    assert not found.rejected


def test_a_request_without_a_response_keeps_its_place(log: Log, read: Read) -> None:
    late = [request(n, 600 * n) for n in range(5)]
    found = read(log([*late, *[response(n, n) for n in (4, 3, 1, 0)]]))
    assert labels(found) == ["0", "1", None, "3", "4"]
    assert [row["status"] for row in found.rows] == [200, 200, None, 200, 200]
    # Times are in the order of the requests, so none of them is late, however long its answer took.
    assert not found.rejected


def test_responses_of_an_id_that_a_caller_repeats_are_dealt_out_in_turn(log: Log, read: Read) -> None:
    found = read(log([request("x"), request("x", 1), response("x", 1), request("x", 2), response("x", 2)]))
    assert labels(found) == ["1", "2", None]


@pytest.fixture
def streamed(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Reads a log from standard input, which gives it only once."""

    def stream(path: Path, **options: Any) -> Reading:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", TextIOWrapper(BytesIO(path.read_bytes())))
            return reading(STDIN, **options)

    return stream


@pytest.mark.parametrize("answered", [True, False])
def test_only_so_many_requests_wait(log: Log, streamed: Read, answered: bool) -> None:
    n = kserve.PENDING + 1
    rows = [request(key, data=[1.0]) for key in range(n)]
    found = streamed(log([*rows, *([response(0), response(1)] if answered else [])]))
    assert len(found.rows) == n
    assert found.lines == list(range(1, n + 1))
    assert labels(found)[:3] == ([None, "7", None] if answered else [None] * 3)
    assert found.rejected == ([(n + 1, "bad KServe record: a response without a request")] if answered else [])


def test_only_so_many_responses_wait(log: Log, streamed: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kserve, "PENDING", 3)
    found = streamed(log([*[response(key) for key in range(5)], request(0), request(4)]))
    assert labels(found) == [None, "7"]
    assert sorted(line for line, _ in found.rejected) == [1, 2, 3, 4]


def test_large_requests_and_responses_do_not_wait_for_long(
    log: Log, streamed: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kserve, "PENDING_BYTES", 1_400)
    rows = [request(key, data=[1.0] * 100) for key in range(5)]
    assert labels(streamed(log([*rows, *[response(key) for key in range(5)]]))) == [None, None, None, None, "7"]
    early = [response(key, "x" * 400) for key in range(5)]
    assert labels(streamed(log([*early, *rows]))).count(None) == 3


def test_in_files_a_response_is_found_wherever_it_stands(log: Log, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector writes by id, by kind, or into a file each: with two of each in memory nothing may be lost."""
    monkeypatch.setattr(kserve, "PENDING", 2)
    asked, said = [request(n, n) for n in range(40)], [response(n, n) for n in range(40)]
    shuffled = Random(0).sample([*asked, *said], 80)
    for rows in ([*asked, *said], [*said, *asked], [*reversed(asked), *said], shuffled):
        found = read(log(rows))
        assert {row["request_id"]: row["label"] for row in found.rows} == {str(n): str(n) for n in range(40)}
        assert not found.rejected


@pytest.mark.parametrize("order", [1, -1])
def test_a_response_may_be_in_another_file(log: Log, tmp_path: Path, order: int) -> None:
    asked = log([request(n, n) for n in range(9)]).rename(tmp_path / "asked.jsonl")
    said = log([response(n, n) for n in [*range(9), 70]]).rename(tmp_path / "said.jsonl")
    found = reading(*[asked, said][::order])
    assert labels(found) == [str(n) for n in range(9)]
    assert found.rejected == [(10, "bad KServe record: a response without a request")]


def test_logs_of_other_kinds_beside_it_are_read_as_ever(log: Log, tmp_path: Path) -> None:
    other = log([plain(n) for n in range(3)]).rename(tmp_path / "plain.jsonl")
    asked = log([request(0), response(0)]).rename(tmp_path / "asked.jsonl")
    found = reading(other, asked)
    assert labels(found)[3:] == ["7"]
    assert not found.rejected


EVENTS = [request(n % 4, n) for n in range(6)] + [response(n % 4, n) for n in range(6)]
EVENTS += [{"id": "x"}, request("bad", data=["text"]), response(1, {"deep": []})]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(order=st.permutations(EVENTS), rows=st.integers(1, 5))
def test_the_join_does_not_depend_on_the_chunks(
    tmp_path_factory: pytest.TempPathFactory, order: list[Row], rows: int
) -> None:
    path = tmp_path_factory.mktemp("join") / "log.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in order))
    found = reading(path, reader="kserve", lateness=1e9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunk, "CHUNK_ROWS", rows)
        again = reading(path, reader="kserve", lateness=1e9)
    assert again.rows == found.rows
    assert again.lines == found.lines
    assert sorted(again.rejected) == sorted(found.rejected)
    # Every request is there, in its order, whatever became of its response.
    asked = [n for n, row in enumerate(order, 1) if row.get("inferenceservicename")]
    assert found.lines == asked


def binary(record: Row) -> Row:
    headers = {f"ce-{name}": value for name, value in record.items() if name != "data"}
    return {"headers": headers, "body": orjson.dumps(record["data"]).decode()}


def blob(record: Row) -> Row:
    names = {"type": "reqType", "time": "occurrenceTime", "inferenceservicename": "inferenceService"}
    kept = {names.get(name, name): value for name, value in record.items() if name not in ("data", "metadata")}
    kept["metadata"] = orjson.loads(record["metadata"]) if "metadata" in record else {}
    return kept | {"bytes": base64.b64encode(orjson.dumps(record["data"])).decode()}


def encoded(record: Row) -> Row:
    kept = {name: value for name, value in record.items() if name != "data"}
    return kept | {"data_base64": base64.b64encode(orjson.dumps(record["data"])).decode()}


@pytest.mark.parametrize("form", [binary, blob, encoded])
@pytest.mark.parametrize("batch", [False, True])
def test_every_form_gives_the_same_events(log: Log, read: Read, form: Callable[[Row], Row], batch: bool) -> None:
    records = [request("a"), response("a", 1), request("b", 1), response("b", 2)]
    expected = read(log(records))
    formed = [form(record) for record in records]
    # The blob logger writes an object for a batch of one and an array for a larger one.
    found = read(log([orjson.dumps(formed)] if batch else formed))
    assert found.rows == expected.rows
    assert not found.rejected


BAD = [
    {"id": "a"},
    {"type": "org.kubeflow.serving.inference.request"},
    {"id": "a", "type": "org.example.other"},
    {"id": "a", "type": ["list"]},
    request("c", data=["private"]),
    request("c", data=[[1, 2], [3]]),
    request("c", time=None),
    request("c", metadata="no JSON"),
    request("c", metadata=[1]),
    request("c", data={}),
    request("c", data="no JSON"),
    response("nobody"),
    response("b", {"deep": "private"}),
    response("b", data={"error": "private"}),
    {"headers": {"ce-type": 7}, "body": 7},
]


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_record_is_named_and_leaves_the_others_alone(log: Log, read: Read, bad: Row) -> None:
    if bad.get("id") == "b":
        found = read(log([request("b"), bad]))
        assert labels(found) == [None]
    else:
        found = read(log([request("a"), bad, response("a")]))
        assert labels(found)[0] == "7"
        assert all(row["input"] is None for row in found.rows[1:])
    assert [line for line, _ in found.rejected] == [2]
    assert "private" not in found.reasons[0]


BOTH = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1]}], "instances": [[2]]}
TWICE = b'{"instances":[[1.0]],"instances":[[2.0]]}'


@pytest.mark.parametrize(
    "body",
    [
        {"data": BOTH},
        {"data": {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": ["1"]}]}},
        {"data": TWICE.decode()},
        {"data_base64": base64.b64encode(TWICE).decode()},
        {"data": "no JSON"},
        {"data": [1]},
    ],
)
def test_a_request_that_cannot_be_read_stays_an_event_of_its_caller_and_is_named(
    log: Log, read: Read, body: Row
) -> None:
    asked = {name: value for name, value in request("b").items() if name != "data"} | body
    found = read(log([request("a"), asked, response("b"), response("a")]))
    assert labels(found) == ["7", None]
    assert [row["input"] for row in found.rows] == [[1.0, 2.0], None]
    assert found.rows[1]["principal"] == principal_of(SECRET, b"")
    assert found.rows[1]["status"] == 200
    assert [line for line, _ in found.rejected] == [2]


def test_a_bomb_of_depth_is_named(log: Log, read: Read) -> None:
    deep = b"[" * 900 + b"]" * 900
    kind = b'"type":"org.kubeflow.serving.inference.request"'
    lines = [
        b'{"id":%s,%s}' % (deep, kind),
        b'{"id":"a",%s,"data":{"inputs":%s}}' % (kind, deep),
        b'{"id":"a",%s,"data":{"id":%s,"instances":[[1]]}}' % (kind, deep),
        b'{"id":"a","type":"org.kubeflow.serving.inference.response","data":%s}' % deep,
        b'{"id":"a","type":"org.kubeflow.serving.inference.response","data":{"x":%s}}' % deep,
        b'{"id":"a","type":%s}' % deep,
    ]
    found = read(log([request("a"), *lines, response("a")]))
    assert labels(found) == ["7"] or labels(found) == [None]
    assert len(found.rows) == 1
    assert {line for line, _ in found.rejected} >= {2, 3, 4, 5, 7}


def test_many_examples_in_one_request_do_not_make_a_chunk_too_large(
    log: Log, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunk, "CHUNK_ROWS", 10)
    body = {"instances": [[n] for n in range(8)]}
    path = log([request(key, data=body) | {"data": body} for key in range(6)])
    found = read(path)
    assert len(found.rows) == 48
    assert found.lines == [line for line in range(1, 7) for _ in range(8)]


@pytest.mark.parametrize("reader", ["auto", "kserve"])
def test_the_credential_goes_nowhere(log: Log, read: Read, reader: str) -> None:
    whole = orjson.dumps(request("z"))
    broken = [
        whole[:-9],
        b"{" + whole,
        orjson.dumps(request("c", data="no JSON")),
        orjson.dumps(request("d", time="never")),
        orjson.dumps(request("e", metadata={"Authorization": {"nested": SECRET}})),
        orjson.dumps(request("f", data=[None])),
    ]
    for lines in ([*broken, request("a"), response("a")], [request("a"), *broken, response("a")]):
        found = read(log(lines), reader=reader)
        assert "7" in labels(found)
        assert len(found.rejected) >= 4
        said = [*map(str, found.rows), *found.reasons, *map(str, found.raws)]
        assert not [text for text in said if "t0ken" in text]


def test_a_kserve_log_read_as_events_does_not_leak_either(log: Log, read: Read) -> None:
    found = read(log([request("a"), response("a")]), reader="events")
    assert len(found.rejected) == 2
    assert "t0ken" not in str(found.raws)


def test_another_log_passes_through(log: Log, read: Read) -> None:
    rows = [b"{", plain(), b"{bad", plain(1)]
    found = read(log(rows))
    assert found.lines == [2, 4]
    # Before the first row it could be any log; from then on lines are shown.
    assert found.raws == [None, "{bad"]
    assert read(log(rows), reader="kserve").lines == []


def test_the_salt_of_the_workspace_keys_the_principals(log: Log, read: Read) -> None:
    path = log([request("a")])
    assert read(path, salt=b"salt").rows[0]["principal"] == principal_of(SECRET, b"salt")


def hidden(body: bytes, kind: str = "request") -> Row:
    """A record whose body says nothing of its parts while it is encoded."""
    kept = {name: value for name, value in request("a").items() if name != "data"}
    return kept | {"type": f"org.kubeflow.serving.inference.{kind}", "data_base64": base64.b64encode(body).decode()}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (hidden(b'{"instances":[' + b"[]," * 1_100_000 + b"[]]}"), "more than 2,000,000 numbers, texts and lists"),
        (hidden(b'{"outputs":[' + b"[]," * 1_100_000 + b"[]]}", "response"), "more than 2,000,000 numbers"),
        (request("a", data=[]) | {"data": {"instances": [0] * 10_001}}, "more than 10,000 rows"),
        (request("a", metadata="," * 2_000_001), "more than 2,000,000 numbers"),
        (request("a", time=[1, 2]), "neither text nor a number"),
        (request("a", namespace={"a": 1}), "neither text nor a number"),
    ],
)
def test_a_record_beyond_a_limit_is_rejected_and_says_so(log: Log, read: Read, row: Row, why: str) -> None:
    found = read(log([request("b"), row, request("c")]))
    assert [line for line, _ in found.rejected] == [2]
    assert why in found.rejected[0][1]
    assert [row["request_id"] for row in found.rows if row["input"] is not None] == ["b", "c"]


def test_many_large_requests_do_not_come_out_at_once() -> None:
    rows = [request(n, data=[]) | {"data": {"instances": [0] * 1_000}} for n in range(200)]
    rows += [response(n) for n in range(199, -1, -1)]
    given = chunk.Chunk(rows=rows, lines=list(range(400)))
    sizes = [len(one.rows) for one in kserve.joined(iter([given]), b"")]
    assert sum(sizes) == 200_000
    assert max(sizes) < chunk.CHUNK_ROWS + 1_000


def test_what_waits_is_counted_with_its_answer(log: Log, streamed: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first has no answer; the others have large ones, and must not wait for it for long."""
    monkeypatch.setattr(kserve, "PENDING_BYTES", 1_000)
    rows = [request(n) for n in range(4)]
    large = [response(n, "x" * 600) for n in range(1, 4)]
    join = kserve._Join(b"")
    for at, row in enumerate([*rows, *large]):
        list(join.take(chunk.Chunk(rows=[row], lines=[at])))
        assert join.asked <= 1_000
    assert len(streamed(log([*rows, *large])).rows) == 4


def test_small_responses_without_a_request_do_not_pile_up() -> None:
    join = kserve._Join(b"")
    many = [response("a") | {"data": {}} for _ in range(1_000)]
    list(join.take(chunk.Chunk(rows=many, lines=list(range(1_000)))))
    assert join.answered >= 1_000 * kserve.OVERHEAD
    more = [response("a") | {"data": {}} for _ in range(9_000)]
    list(join.take(chunk.Chunk(rows=more, lines=list(range(9_000)))))
    assert max(len(one.rejections) for one in join.rest()) <= chunk.CHUNK_ROWS
    assert join.answered == 0


def test_long_names_are_cut_before_they_are_repeated(log: Log, read: Read) -> None:
    found = read(log([request("x" * 100_000, data=[]) | {"data": {"id": "y" * 100_000, "instances": [0] * 3}}]))
    assert {len(row["request_id"]) for row in found.rows} == {1_024}


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ({"Authorization": ["bearer\t\ts3cret.t0ken"]}, True),
        ({"Authorization": [SECRET], "X-Api-Key": ["s3cret.t0ken"]}, True),
        ({"Authorization": [SECRET, "Bearer other"]}, False),
        ({"Authorization": [SECRET], "X-Api-Key": ["other"]}, False),
        ({"Authorization": [SECRET], "authorization": "Bearer other"}, False),
        ({"Authorization": [f"{SECRET} junk"]}, False),
    ],
)
def test_one_credential_names_the_caller(log: Log, read: Read, headers: dict[str, Any], named: bool) -> None:
    found = read(log([request("a", metadata=orjson.dumps(headers).decode())]))
    assert [row["principal"] for row in found.rows] == [principal_of(SECRET, b"") if named else None]


def test_columns_in_any_order_are_one_row_where_the_model_is_known_and_unreadable_where_it_is_not(log: Log) -> None:
    def asking(key: int, order: tuple[str, ...]) -> Row:
        tensors = [{"name": name, "shape": [1, 1], "datatype": "FP32", "data": [ord(name)]} for name in order]
        return request(key, key, data=()) | {"data": {"inputs": tensors}}

    path = log([asking(key, order) for key, order in enumerate(permutations("abcde"))])
    columns = tuple(FeatureColumn(name=name) for name in "ebcda")
    takes = FeatureSpec(kind="numeric", shape=(5,), columns=columns)
    known = reading(path, maps=MapChoice(spec_of=lambda _: takes))
    assert [row["input"] for row in known.rows] == [[ord(name) for name in "ebcda"]] * 120
    assert not known.rejected
    unknown = reading(path)
    assert sum(row["input"] is not None for row in unknown.rows) < 10
    assert {reason for _, reason in unknown.rejected} == {f"bad KServe record: {STRANGE}"}
