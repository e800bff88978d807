"""What a request asks: whatever could be read in two ways is unreadable, and whatever in one way is read."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import orjson
import pytest

from caponier.guard.bodies import BINARY_HEADER
from caponier.guard.call import Call
from caponier.guard.events import events_of, is_unreadable, queries_of, why_unreadable
from caponier.guard.exchange import Caller, Exchange
from caponier.guard.question import UnreadableQueryError, question, repeated
from caponier.records.inventory import FeatureColumn, FeatureSpec
from caponier.telemetry.body_limits import BodyLimits, UnreadError
from caponier.telemetry.column_layouts import STRANGE, ColumnLayouts

LIMIT = BodyLimits()
UNREAD = (UnreadableQueryError, UnreadError)
X = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.0, 2.0]}
ONE = {"inputs": [X]}
PLAIN = orjson.dumps(ONE)
JSON = b"application/json"


def asked(body: Any, **headers: bytes) -> Exchange:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    named = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    caller = Caller("k-1", None, "10.0.0.1")
    return Exchange(Call("predict", "m"), caller, None, datetime.now(UTC), named, body=raw, status=200)


def with_binary(values: bytes, length: bytes | None = None, behind: bytes = b"", **more: Any) -> Exchange:
    tensor = {name: value for name, value in X.items() if name != "data"} | {"parameters": {"binary_data_size": 8}}
    head = orjson.dumps({"inputs": [tensor | more]})
    made = asked(head + values + behind)
    made.headers[BINARY_HEADER] = length or str(len(head)).encode()
    return made


VALUES = bytes.fromhex("0000803f00000040")
DECOY = b'"instances":[[8,9]]'
UNREADABLE = {
    "both protocols": PLAIN[:-1] + b"," + DECOY + b"}",
    "both protocols, by case": PLAIN[:-1] + b"," + DECOY.upper() + b"}",
    "inputs twice": b'{"inputs":[],' + PLAIN[1:],
    "instances twice": b"{" + DECOY + b',"instances":[[1,2]]}',
    "data twice": PLAIN.replace(b'"data"', b'"data":[8,9],"data"'),
    "data twice, one escaped": PLAIN.replace(b'"data"', rb'"d\u0061ta":[8,9],"data"'),
    "data twice, by case": PLAIN.replace(b'"data"', b'"Data":[8,9],"data"'),
    "shape twice": PLAIN.replace(b'"shape"', b'"shape":[2,1],"shape"'),
    "a tensor twice": {"inputs": [X, X]},
    "a row as often as its index is long": {"dataframe_split": {"data": [[1, 2]], "index": [0, 1]}},
    "an index that is no list": {"dataframe_split": {"columns": ["x", "y"], "data": [[1, 2]], "index": "a"}},
    "a tensor more": {"inputs": [X, X | {"name": "y"}]},
    "nested otherwise": {"inputs": [X | {"shape": [3, 2], "data": [[1, 2, 3], [4, 5, 6]]}]},
    "more values than the shape": {"inputs": [X | {"data": [1, 2, 3]}]},
    "another width": {"inputs": [X | {"shape": [2, 1]}]},
    "wrapped around": {"inputs": [X | {"datatype": "UINT8", "data": [257, 2]}]},
    "beyond half a float": {"inputs": [X | {"datatype": "FP16", "data": [70_000, 2]}]},
    "beyond a float": {"inputs": [X | {"data": [1e39, 2]}]},
    "beyond a float, downwards": {"inputs": [X | {"data": [1, -1e39]}]},
    "rounded or cut": {"inputs": [X | {"datatype": "BF16", "data": [1.001, 2]}]},
    "digits in text": {"inputs": [X | {"data": ["1", "2"]}]},
    "two documents": PLAIN + PLAIN,
    "something behind": PLAIN + b" x",
    "no object": b"[[1, 2]]",
    "no JSON": b"\x93NUMPY",
    "nothing": b"",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_what_could_be_read_in_two_ways_or_in_none_is_an_event_without_input(body: Any) -> None:
    exchange = asked(body, content_type=JSON)
    (row,) = events_of(exchange, LIMIT, 2)
    assert row["principal"] == "k-1"
    assert "input" not in row
    assert is_unreadable(exchange, [row])
    assert "few other queries" not in why_unreadable(exchange, LIMIT, 2)


READABLE = {
    "plain": PLAIN,
    "with ids, parameters and outputs": PLAIN[:-1] + b',"id":"a:b","parameters":{"x":1},"outputs":[{"name":"y"}]}',
    "with escapes": PLAIN[:-1] + rb',"id":"\u003a\"\\"}',
    "byte-order mark": b"\xef\xbb\xbf" + PLAIN,
    "utf-16": PLAIN.decode().encode("utf-16"),
    "NaN elsewhere": PLAIN[:-1] + b',"parameters":{"x":NaN}}',
    "space around": b"\n " + PLAIN + b"\n ",
    "the first protocol": {"instances": [[1, 2]]},
    "nested": {"inputs": [X | {"data": [[1, 2]]}]},
    "half a float": {"inputs": [X | {"datatype": "FP16", "data": [1.0001, 1.9999]}]},
    "a float": {"inputs": [X | {"data": [1.00000001, 1.99999999]}]},
    "a short float": {"inputs": [X | {"datatype": "BF16"}]},
    "whole numbers": {"inputs": [X | {"datatype": "UINT8", "data": [1, 2]}]},
    "two tensors": {"inputs": [X | {"shape": [1, 1], "data": [1]}, X | {"name": "y", "shape": [1, 1], "data": [2]}]},
}


@pytest.mark.parametrize("body", READABLE.values(), ids=READABLE)
def test_what_can_be_read_in_one_way_only_is_read(body: Any) -> None:
    exchange = asked(body, content_type=JSON)
    assert question(exchange, LIMIT, 2).rows.tolist() == [[1, 2]]
    rows = events_of(exchange, LIMIT, 2)
    assert [row["input"].tolist() for row in rows] == [[1, 2]]
    assert not is_unreadable(exchange, rows)


def test_numbers_that_are_none_have_one_meaning_and_are_read() -> None:
    found = question(asked(b'{"instances":[[NaN,-Infinity,null,1e400]]}'), LIMIT).rows
    assert json.dumps(found.tolist()) == "[[NaN, -Infinity, NaN, Infinity]]"


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        (b"", True),
        (b"application/json", True),
        (b"Application/JSON; charset=UTF-8", True),
        (b'application/json; charset="utf-8"; x=1', True),
        (b"application/vnd.kserve+json", True),
        (b"application/octet-stream", True),
        (b"text/plain", True),
        (b"application/x-www-form-urlencoded", True),
        (b"application/json; charset=utf-7", False),
        (b"application/json;CHARSET=utf-16", False),
        (b"application/json; charset=", False),
        (b"application/json; charset*=utf-7''utf-7", False),
        (b"application/json; charset*0=utf-; charset*1=7", False),
        (b"multipart/form-data; boundary=x", False),
        (b"text/csv", False),
        (b"application/x-protobuf", False),
        (b"application/json, text/csv", False),
    ],
)
def test_a_content_type_under_which_a_body_means_something_else_is_unreadable(kind: bytes, read: bool) -> None:
    try:
        question(asked(PLAIN, content_type=kind), LIMIT)
    except UnreadableQueryError:
        assert not read
    else:
        assert read


def test_json_that_is_a_form_at_the_same_time_is_unreadable() -> None:
    body = PLAIN[:-1] + b',"id":"&inputs=8,9&"}'
    assert question(asked(body, content_type=JSON), LIMIT)
    with pytest.raises(UnreadableQueryError, match="content type"):
        question(asked(body, content_type=b"application/x-www-form-urlencoded"), LIMIT)


def test_packed_bodies_are_read_unless_something_stands_behind() -> None:
    packed = gzip.compress(PLAIN, mtime=0)
    assert question(asked(packed, content_encoding=b"gzip"), LIMIT).rows.tolist() == [[1, 2]]
    for behind in (b"x", packed):
        with pytest.raises(UNREAD):
            question(asked(packed + behind, content_encoding=b"gzip"), LIMIT)
    with pytest.raises(UNREAD):
        question(asked(PLAIN, content_encoding=b"br"), LIMIT)


def test_binary_tensors_have_their_values_once_and_a_length_that_is_one() -> None:
    assert question(with_binary(VALUES), LIMIT).rows.tolist() == [[1, 2]]
    for bad in (
        with_binary(VALUES, data=[8.0, 9.0]),
        with_binary(VALUES[:4]),
        *(with_binary(VALUES, length) for length in (b"-8", b"+100", b"1_00", b"0x50", b"99999", b"")[:-1]),
    ):
        with pytest.raises(UnreadableQueryError):
            question(bad, LIMIT)


def test_headers_that_say_twice_how_to_read_are_told() -> None:
    assert not repeated([(b"content-type", b"a"), (b"x", b"1"), (b"x", b"2")])
    for name in (b"content-type", b"content-encoding", BINARY_HEADER):
        assert repeated([(name, b"1"), (b"y", b""), (name, b"1")])
        assert repeated([(name.replace(b"-", b"_"), b"1")]), "WSGI makes the same variable of it"
        assert not repeated([(name, b"1")])
    exchange = asked(PLAIN)
    exchange.repeated = True
    with pytest.raises(UnreadableQueryError, match="twice"):
        question(exchange, LIMIT)


def test_a_reason_repeats_nothing_of_what_a_caller_sent() -> None:
    for body in (b'{"inputs": secret}', {"inputs": [X | {"data": ["secret", 1]}]}, {"secret": 1}, {"inputs": "secret"}):
        assert "secret" not in why_unreadable(asked(body), LIMIT)


def test_a_request_that_cannot_be_read_counts_for_a_limit_as_many_examples_as_it_may_have() -> None:
    many = {"inputs": [X | {"shape": [40, 2], "data": [0] * 80}]}
    assert queries_of(asked(many), LIMIT) == 40
    assert queries_of(asked(many | {"instances": [[1, 2]] * 3}), LIMIT) == 40
    assert queries_of(asked(many, content_type=b"text/csv"), LIMIT) == 40
    assert queries_of(asked({"Instance\u017f": [[1, 2]] * 30}), LIMIT) == 30


@pytest.mark.parametrize(
    "exchange",
    [
        asked(b"{"),
        asked(b"[[1,2]]"),
        asked({"instances": [0] * 20_000}, content_type=b"text/csv"),
        asked({"instances": "text"}),
        asked({"inputs": [X, {"name": "y", "data": [1]}]}),
        asked({"inputs": []}),
        asked(b'{"instances":[[1],[2]],"instances":[[1]]}'),
        asked(PLAIN, content_type=b"application/json; charset=latin-1", content_encoding=b"foo"),
        asked(PLAIN, content_type=b"text/csv", content_encoding=b"gzip"),
        asked(b'{"inputs":' + b"[" * 900 + b"]" * 900 + b"}"),
        asked(b'{"x":NaN,"inputs":' + b"[" * 9_000 + b"]" * 9_000 + b"}"),
    ],
)
def test_one_whose_examples_cannot_be_told_counts_for_a_limit_as_more_than_may_be_asked(exchange: Exchange) -> None:
    assert queries_of(exchange, LIMIT) == LIMIT.rows + 1


@pytest.mark.parametrize("body", [b"", b"{}", b'{"text_input":"x"}'])
def test_a_request_without_examples_is_one_query(body: bytes) -> None:
    assert queries_of(asked(body), LIMIT) == 1


@pytest.mark.parametrize(("status", "counted"), [(200, True), (202, True), (400, False), (429, False), (500, False)])
def test_only_what_was_answered_is_counted(status: int, counted: bool) -> None:
    exchange = asked(b"{")
    exchange.status = status
    assert is_unreadable(exchange, events_of(exchange, LIMIT)) is counted


def test_a_body_of_far_more_numbers_than_the_model_takes_is_not_parsed() -> None:
    """Seven kilobytes of gzip held two million numbers for a model of four: a third of a second of everybody's time."""
    body = b'{"instances":[[' + b",".join([b"1.5"] * 300_000) + b"]]}"
    with pytest.raises(UnreadError, match="more than 240,000 numbers"):
        question(asked(body), LIMIT, 4)
    many = orjson.dumps({"instances": [[[[1.5]], [[2.5]], [[3.5]], [[4.5]]]] * LIMIT.rows})
    assert len(question(asked(many), LIMIT, 4).rows) == LIMIT.rows, "as many as are allowed, however they are nested"


NAMES = ("age", "height", "income", "weight")
KNOWN = FeatureSpec(kind="numeric", shape=(4,), columns=tuple(FeatureColumn(name=name) for name in NAMES))


def in_any_order() -> list[Exchange]:
    """Ask 96 times for one row, with its columns in every order and in each form that names them."""
    orders = [dict.fromkeys(order, 1) | {"age": 0} for order in permutations(NAMES)]
    forms: list[Callable[[dict[str, int]], Any]] = [
        lambda row: {"inputs": [X | {"name": name, "shape": [1, 1], "data": [row[name]]} for name in row]},
        lambda row: {"inputs": {name: [row[name]] for name in row}},
        lambda row: {"dataframe_records": [row]},
        lambda row: {"dataframe_split": {"columns": [*row], "data": [[*row.values()]]}},
    ]
    return [asked(form(row)) for form in forms for row in orders]


def test_no_query_is_unreadable_for_the_order_of_columns_that_the_model_is_known_to_have() -> None:
    layouts = ColumnLayouts()
    rows = [row for exchange in in_any_order() for row in events_of(exchange, LIMIT, 4, KNOWN, layouts)]
    assert [row["input"].tolist() for row in rows] == [[0, 1, 1, 1]] * 96
    assert not any("columns" in row for row in rows)


def test_where_nobody_has_said_what_columns_the_model_has_rare_orders_are_unreadable() -> None:
    layouts = ColumnLayouts()
    read = ["input" in events_of(exchange, LIMIT, 4, None, layouts)[0] for exchange in in_any_order()]
    assert sum(read) < 10
    other = asked({"inputs": [X | {"name": name, "shape": [1, 1], "data": [1]} for name in "dcba"]})
    assert "input" not in events_of(other, LIMIT, 4, KNOWN, layouts)[0], "none of these is a column of the model's"
    assert why_unreadable(other, LIMIT, 4, KNOWN) == STRANGE
