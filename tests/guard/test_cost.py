"""No body of less than a megabyte takes much memory or time, whatever it unfolds to."""

import gzip
import zlib

import orjson
import pyarrow as pa
import pytest
import zstandard

from caponier.guard.bodies import BINARY_HEADER
from guard.cost import Cost, Sent, costs

MEGABYTES = 200
SECONDS = 3.0
"""Four times what the most costly took; without the limits it is ten times as much and more."""
WIDE = b"[" + b"0," * 20 + b"0]"
SMALL = b'{"instances":[[1.5]]}'


def packed(body: bytes, answer: bool = False) -> Sent:
    zipped = gzip.compress(body, 6)
    said = {b"content-encoding": b"gzip"}
    return Sent(SMALL, {}, zipped, said) if answer else Sent(zipped, said)


def instances(part: bytes, n: int, last: bytes = b"0") -> bytes:
    return b'{"instances":[' + part * n + last + b"]}"


def binary(kind: str, shape: list[int], data: bytes) -> Sent:
    tensor = {"shape": shape, "datatype": kind, "parameters": {"binary_data_size": len(data)}}
    head = orjson.dumps({"inputs": [tensor]})
    return Sent(gzip.compress(head + data), {b"content-encoding": b"gzip", BINARY_HEADER: str(len(head)).encode()})


def tensors(n: int, tensor: bytes = b'{"shape":[1],"datatype":"FP32","data":[1]}') -> bytes:
    return b'{"inputs":[' + (tensor + b",") * (n - 1) + tensor + b"]}"


def text_for_tensors(key: str) -> Sent:
    """One character is two bytes on the wire of a text, and 84 in memory once it stands alone."""
    body = f'{{"{key}":"'.encode() + "\u0100".encode() * 8_380_000 + b'"}'
    coded = {b"content-encoding": b"gzip, gzip", BINARY_HEADER: str(len(body)).encode()}
    return Sent(gzip.compress(gzip.compress(body)), coded)


def bombs() -> dict[str, Sent]:
    huge = instances(b"0,", 15_000_000)
    edge, one_row = b"1.5," * 1_999_900, b'{"instances":[['
    said = b'{"outputs":[{"datatype":"FP32","shape":[1,%d],"data":['
    big = b"9" * 18
    return {
        "fifteen million instances": packed(huge),
        "of them in zlib": Sent(zlib.compress(huge), {b"content-encoding": b"deflate"}),
        "of them in zstd": Sent(zstandard.compress(huge), {b"content-encoding": b"zstd"}),
        "of them in brotli": Sent(pa.compress(huge, codec="brotli", asbytes=True), {b"content-encoding": b"br"}),
        "of them packed twice": Sent(gzip.compress(gzip.compress(huge)), {b"content-encoding": b"gzip, gzip"}),
        "a hundred million bytes": packed(b"[" * 100_000_000),
        "just as many numbers as are read": packed(one_row + edge + b"0]]}"),
        "one more than are read": packed(one_row + edge + b"0," * 200 + b"0]]}"),
        "just as many rows as are read": packed(instances(b"[1.5,2.5],", 9_999, b"[1,2]")),
        "plain rows": Sent(instances(b"0,", 400_000), {}),
        "plain rows within the limit": Sent(instances(WIDE + b",", 9_999, WIDE), {}),
        "lists in lists": packed(instances(b"[[[[0]]]],", 400_000)),
        "rows of lists in lists": packed(
            instances(b"[" * 15 + b"0" + b"]" * 15 + b",", 9_998, b"[" * 15 + b"0" + b"]" * 15)
        ),
        "rows of lists in many lists": packed(
            instances(b"[" * 61 + b"0" + b"]" * 61 + b",", 9_998, b"[" * 61 + b"0" + b"]" * 61)
        ),
        "keys that fold": packed(b"{" + b",".join('"\u0131%d":0'.encode() % n for n in range(390_000)) + b"}"),
        "objects": packed(instances(b'{"a":1},', 390_000)),
        "empty objects": packed(instances(b"{},", 660_000)),
        "texts": packed(instances(b'"ab",', 660_000)),
        "long texts": packed(b'{"inputs":[{"shape":[1],"data":["' + b"1" * 16_000_000 + b'"]}]}'),
        "many long texts": packed(instances(b'"' + b"1" * 1_600 + b'",', 9_000, b'"1"')),
        "one long text among many short ones": packed(instances(b'"1",', 9_000, b'"' + b"1" * 10_000_000 + b'"')),
        "wide text": packed(b'{"id":"' + b"x" * 16_000_000 + '😀"}'.encode()),
        "wide text that only Python reads": packed(b'{"x":NaN,"id":"' + b"x" * 16_000_000 + '😀"}'.encode()),
        "wide text of as much as Python reads": packed(b'{"x":NaN,"id":"' + b"x" * 8_000_000 + '😀"}'.encode()),
        "numbers that only Python reads": packed(b'{"x":NaN,"instances":[[' + b"1.5," * 999_000 + b"1]]}"),
        "numbers of four thousand digits": packed(instances(b"9" * 4_290 + b",", 1_900)),
        "a number of millions of digits": packed(instances(b"", 0, b"0." + b"1" * 16_000_000)),
        "utf-16": packed(instances(b"0,", 1_990_000).decode().encode("utf-16")),
        "a shape of many sizes": packed(b'{"inputs":[{"shape":[' + (big + b",") * 800_000 + b'2],"data":[1]}]}'),
        "a plain shape of many sizes": Sent(tensors(1, b'{"shape":[%s2],"data":[1]}' % ((big + b",") * 50_000)), {}),
        "a shape that every event repeats": packed(
            b'{"inputs":[{"shape":[9000,' + b"1," * 1_900_000 + b'1],"data":[' + b"1," * 8_999 + b"1]}]}"
        ),
        "many tensors": packed(tensors(120_000)),
        "as many tensors as are read": packed(tensors(10_000)),
        "tensors that differ": packed(tensors(9_000) + b" "),
        "bytes as numbers": binary("UINT8", [1, 16_000_000], bytes(16_000_000)),
        "as many bytes as are read": binary("UINT8", [1, 2_000_000], bytes(2_000_000)),
        "half floats": binary("FP16", [2_000, 1_000], bytes(4_000_000)),
        "empty texts": binary("BYTES", [4_000_000], bytes(16_000_000)),
        "short texts": binary("BYTES", [2_000_000], b"\x02\0\0\0ab" * 2_000_000),
        "a text in place of tensors": text_for_tensors("inputs"),
        "a text in place of outputs": text_for_tensors("outputs"),
        "a long identity": Sent(orjson.dumps({"id": "x" * 900_000, "instances": [0] * 9_999}), {}),
        "an answer of many numbers": packed(said % 1_990_000 + b"0.1," * 1_989_999 + b"0.1]}]}", answer=True),
        "an answer of too many": packed(said % 5_000_000 + b"0," * 4_999_999 + b"0]}]}", answer=True),
        "an answer of many outputs": packed(b'{"outputs":[' + b'{"shape":[1]},' * 190_000 + b"{}]}", answer=True),
        "predictions": packed(b'{"predictions":[' + b"[0]," * 660_000 + b"[0]]}", answer=True),
        "an answer that unfolds": packed(b"x" * 100_000_000, answer=True),
    }


def measured() -> dict[str, Cost]:
    sent = bombs()
    for name, one in sent.items():
        assert len(one.body) < 1_000_000, name
        assert len(one.answer) < 1_000_000, name
    return costs(sent)


@pytest.mark.slow
def test_small_bodies_cost_little_what_is_beyond_a_limit_says_so_and_what_is_not_is_read() -> None:
    # One test: each worker that had a part of it would measure all of them.
    cost = measured()
    assert {name: one for name, one in cost.items() if one.megabytes >= MEGABYTES or one.seconds >= SECONDS} == {}
    assert cost["fifteen million instances"] == Cost(
        cost["fifteen million instances"].megabytes, cost["fifteen million instances"].seconds, 1,
        "request: more than 16,777,216 bytes once it is unpacked",
    )  # fmt: skip
    assert cost["one more than are read"].unread == "request: more than 2,000,000 numbers, texts and lists"
    assert cost["plain rows"].unread == "request: more than 10,000 rows"
    assert cost["bytes as numbers"].unread == "request: more than 2,000,000 numbers"
    assert cost["an answer that unfolds"].unread == "answer: more than 16,777,216 bytes once it is unpacked"
    for name, events in (
        ("just as many numbers as are read", 1), ("just as many rows as are read", 10_000), ("half floats", 2_000),
        ("an answer of many numbers", 1), ("as many bytes as are read", 1),
    ):  # fmt: skip
        assert (cost[name].events, cost[name].unread) == (events, None), name
