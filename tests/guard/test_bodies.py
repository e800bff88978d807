"""Bodies: what model servers understand must not get past detection."""

import asyncio
import gzip
import json
import zlib
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.guard.bodies import BINARY_HEADER, GoneError, TooLargeError, document, read

LIMIT = 10_000
BODY = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.0, 2.0]}]}
PLAIN = orjson.dumps(BODY)


def reading(parts: list[bytes], limit: int) -> bytes:
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append({"type": "http.request"})

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    return asyncio.run(read(receive, limit))


@given(st.lists(st.binary(max_size=20), max_size=5))
def test_a_body_is_read_whole_or_not_at_all(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    assert reading(parts, len(whole)) == whole
    if whole:
        with pytest.raises(TooLargeError):
            reading(parts, len(whole) - 1)


def test_a_caller_who_hangs_up_has_no_body() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(GoneError):
        asyncio.run(read(receive, 10))


@pytest.mark.parametrize(
    "body",
    [
        PLAIN,
        b"\xef\xbb\xbf" + PLAIN,
        PLAIN.decode().encode("utf-16"),
        PLAIN[:-1] + b',"parameters":{"x":NaN,"y":Infinity}}',
        b" \n" + PLAIN + b"\n",
    ],
    ids=["plain", "byte-order mark", "utf-16", "not a number", "space"],
)
def test_what_python_reads_is_read(body: bytes) -> None:
    assert json.loads(body)["inputs"] == BODY["inputs"]
    found = document(body, [], LIMIT)
    assert found
    assert found["inputs"] == BODY["inputs"]


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(PLAIN, mtime=0), b"gzip"),
        (gzip.compress(PLAIN, mtime=0), b" X-GZip"),
        (zlib.compress(PLAIN), b"deflate"),
    ],
)
def test_compressed_bodies_are_read(body: bytes, encoding: bytes) -> None:
    assert document(body, [(b"content-encoding", encoding)], LIMIT) == BODY


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b'"' + b"x" * 10**7 + b'"'), b"gzip"),
        (gzip.compress(PLAIN, mtime=0)[:-9], b"gzip"),
        (b"no gzip", b"gzip"),
        (PLAIN, b"br"),
    ],
    ids=["bomb", "cut off", "another", "unknown"],
)
def test_what_cannot_be_unpacked_is_none(body: bytes, encoding: bytes) -> None:
    assert document(body, [(b"content-encoding", encoding)], LIMIT) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"{", b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe"])
def test_what_is_no_object_is_none(body: bytes) -> None:
    assert document(body, [], 10**6) is None


def test_binary_tensors_are_read() -> None:
    values = np.array([[0.5, -2.0]], "<f4")
    label = b"\x03\x00\x00\x00cat"
    head = orjson.dumps(
        {
            "inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "parameters": {"binary_data_size": 8}}],
            "outputs": [{"name": "l", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 7}}],
        }
    )
    headers = [(BINARY_HEADER, str(len(head)).encode())]
    found = document(head + values.tobytes() + label, headers, LIMIT)
    assert found
    assert found["inputs"][0]["data"].tolist() == [0.5, -2.0]
    assert found["outputs"][0]["data"] == ["cat"]
    assert document(head + values.tobytes(), headers, LIMIT) is None, "a tensor that is cut off"
    assert document(head, [(BINARY_HEADER, b"-1")], LIMIT) is None


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"gzip", b"deflate", b"x"]),
    st.sampled_from([None, b"5", b"-5", b"x"]),
)
def test_no_body_is_an_error(body: bytes, encoding: bytes, length: bytes | None) -> None:
    headers = [(b"content-encoding", encoding), *([(BINARY_HEADER, length)] if length else [])]
    assert isinstance(document(body, headers, LIMIT), dict | None)
