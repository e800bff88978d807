"""Bodies: what model servers understand must not get past detection."""

import asyncio
import gzip
import json
import tracemalloc
import zlib
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from caponier.guard.bodies import BINARY_HEADER, BodyTooLargeError, GoneError, document, read
from caponier.guard.codings import expanded
from caponier.telemetry.body_limits import BodyLimits, UnreadError

zipped = partial(gzip.compress, mtime=0)
"""The same bytes at any time: they are in the names of tests, which every worker must collect alike."""

LIMIT = BodyLimits(expanded=10_000)
BODY = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.0, 2.0]}]}
PLAIN = orjson.dumps(BODY)


def bare(data: bytes) -> bytes:
    """Compress without the frame that the standard asks for."""
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packing.compress(data) + packing.flush()


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
        with pytest.raises(BodyTooLargeError):
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
        (zipped(PLAIN), b"gzip"),
        (zipped(PLAIN), b" X-GZip"),
        (zipped(PLAIN[:9]) + zipped(PLAIN[9:]) + bytes(5), b"gzip"),
        (zlib.compress(PLAIN), b"deflate"),
        (bare(PLAIN), b"deflate"),
        (zstandard.compress(PLAIN[:9]) + zstandard.compress(b"") + zstandard.compress(PLAIN[9:]), b"zstd"),
        (pa.compress(PLAIN, codec="brotli", asbytes=True), b"BR"),
        (zipped(zlib.compress(PLAIN)), b"deflate,, identity , gzip"),
        (PLAIN, b"identity"),
    ],
)
def test_compressed_bodies_are_read(body: bytes, encoding: bytes) -> None:
    assert document(body, [(b"content-encoding", encoding)], LIMIT) == BODY


@pytest.mark.parametrize(
    ("body", "encoding", "why"),
    [
        (zipped(b'"' + b"x" * 10**7 + b'"'), b"gzip", "10,000 bytes"),
        (zipped(zipped(b"x" * 10**7)), b"gzip, gzip", "10,000 bytes"),
        (zlib.compress(b"x" * 10**7), b"deflate", "10,000 bytes"),
        (bare(b"x" * 10**7), b"deflate", "10,000 bytes"),
        (zstandard.compress(b"x" * 10**7), b"zstd", "10,000 bytes"),
        (pa.compress(b"x" * 10**7, codec="brotli", asbytes=True), b"br", "10,000 bytes"),
        (zipped(PLAIN)[:-9], b"gzip", "cut off"),
        (zipped(PLAIN) + b"junk", b"gzip", "broken"),
        (zstandard.compress(PLAIN)[:-1], b"zstd", "cut off"),
        (zlib.compress(PLAIN) + b"junk", b"deflate", "behind"),
        (bare(PLAIN) + b"\0", b"deflate", "behind"),
        (pa.compress(PLAIN, codec="brotli", asbytes=True) + b"junk", b"br", "b"),
        (zstandard.compress(PLAIN) + b"junk", b"zstd", "b"),
        *((PLAIN, coding, "begins like JSON") for coding in (b"gzip", b"deflate", b"br", b"zstd")),
        (b"\xef\xbb\xbf \n[ [1]]", b"deflate", "begins like JSON"),
        (PLAIN.decode().encode("utf-16"), b"br", "begins like JSON"),
        (zipped(PLAIN), b"br, gzip", "begins like JSON"),
        (b"no gzip", b"gzip", "broken"),
        (zipped(b"") * 2_000, b"gzip", "members"),
        (PLAIN, b"compress", "not known"),
        (PLAIN, b"gzip, gzip, gzip, gzip", "codings"),
        (PLAIN, b"identity, x", "not known"),
    ],
)
def test_what_cannot_be_unpacked_is_unread(body: bytes, encoding: bytes, why: str) -> None:
    with pytest.raises(UnreadError, match=why):
        document(body, [(b"content-encoding", encoding)], LIMIT)


def test_codings_over_two_headers_are_undone_in_turn() -> None:
    headers = [(b"content-encoding", b"zstd"), (b"x", b"y"), (b"content-encoding", b"gzip")]
    assert document(zipped(zstandard.compress(PLAIN)), headers, LIMIT) == BODY


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"{", b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe"])
def test_what_is_no_object_is_none(body: bytes) -> None:
    assert document(body, [], BodyLimits()) is None


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
    assert document(head + values.tobytes() + label + b"\0", headers, LIMIT) is None, "something behind the last tensor"
    assert document(head, [(BINARY_HEADER, b"-1")], LIMIT) is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"instances":[' + b"0," * 50 + b"0]}",
        b'{"inputs":' + b"[" * 60 + b"]" * 60 + b"}",
        b'{"a":[' + b'"x",' * 20 + b'""]}',
        ('{"instances":[' + "0," * 60 + "0]}").encode("utf-16"),
    ],
)
def test_json_with_too_many_parts_is_not_parsed(body: bytes) -> None:
    with pytest.raises(UnreadError, match="more than 50 numbers"):
        document(body, [], BodyLimits(numbers=50))


def test_what_only_python_reads_may_be_half_as_much() -> None:
    body = b'{"instances":[[NaN' + b",0" * 30 + b"]]}"
    assert document(body, [], BodyLimits(numbers=80))
    with pytest.raises(UnreadError, match="20 numbers"):
        document(body, [], BodyLimits(numbers=40))
    with pytest.raises(UnreadError, match="too large to be read key by key"):
        document(body, [], BodyLimits(expanded=100))


def tensors(*parts: tuple[Any, bytes, str]) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    told = [{"shape": [1], "datatype": kind, "parameters": {"binary_data_size": size}} for size, _, kind in parts]
    head = orjson.dumps({"inputs": told})
    return head + b"".join(data for _, data, _ in parts), [(BINARY_HEADER, str(len(head)).encode())]


@pytest.mark.parametrize("size", [-1, -8, 9, 2**62, 8.0, "8", True, [8], {}])
def test_a_size_that_the_bytes_do_not_have_is_none(size: Any) -> None:
    assert document(*tensors((size, b"\0" * 8, "FP32")), LIMIT) is None


@pytest.mark.parametrize("data", [b"\x04\0\0\0cat", b"\xff\xff\xff\xff", b"\x01"])
def test_a_text_that_is_cut_off_is_none(data: bytes) -> None:
    assert document(*tensors((len(data), data, "BYTES")), LIMIT) is None


def test_tensors_are_counted_together() -> None:
    body = tensors((60, bytes(60), "UINT8"), (60, bytes(60), "INT8"))
    assert document(*body, BodyLimits(numbers=120))
    with pytest.raises(UnreadError, match="119 numbers"):
        document(*body, BodyLimits(numbers=119))
    with pytest.raises(UnreadError, match="16 texts"):
        document(*tensors((160, bytes(160), "BYTES")), BodyLimits(numbers=100))


def test_two_lengths_of_the_json_are_unread() -> None:
    body, headers = tensors((4, bytes(4), "FP32"))
    assert document(body, [*headers, *headers], LIMIT)
    with pytest.raises(UnreadError, match="two lengths"):
        document(body, [*headers, (BINARY_HEADER, b"2")], LIMIT)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"gzip", b"deflate", b"zstd", b"br", b"x", b"gzip,gzip"]),
    st.sampled_from([None, b"5", b"-5", b"x"]),
)
def test_no_body_is_an_error(body: bytes, encoding: bytes, length: bytes | None) -> None:
    headers = [(b"content-encoding", encoding), *([(BINARY_HEADER, length)] if length else [])]
    with suppress(UnreadError):
        assert isinstance(document(body, headers, LIMIT), dict | None)


def test_what_is_unpacked_is_held_once() -> None:
    size = 8 * 2**20
    packed = gzip.compress(b" " * size, 1)
    tracemalloc.start()
    try:
        assert len(expanded(packed, [b"gzip"], size)) == size
        assert tracemalloc.get_traced_memory()[1] < 1.3 * size
    finally:
        tracemalloc.stop()
