"""Any kind of JSON value in any place of a body: it is told before anything is made of it, and costs little."""

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from caponier.guard.bodies import BINARY_HEADER
from caponier.guard.call import Call
from caponier.guard.events import events_of, queries_of
from caponier.guard.exchange import Caller, Exchange
from caponier.guard.rounding import rounded
from caponier.telemetry.body_limits import BodyLimits, UnreadError
from caponier.telemetry.inference_body import tensors_of

LIMIT = BodyLimits()
WIDE = "\u0100" * 200_000
"""Each of its characters is an object of 76 bytes once it stands alone."""
MOST = 20
"""Bytes of memory for a byte of a body: the parser needs twelve; one object a character would be 42."""
KINDS: dict[str, Any] = {
    "null": None, "true": True, "number": 7, "fraction": 1.5, "text": WIDE, "no text": "", "no list": [], "list": [1],
    "texts": [WIDE, WIDE[:9]], "nested": [[WIDE]], "no object": {}, "object": {WIDE: WIDE},
    "objects": [{}, {"name": WIDE}],
}  # fmt: skip
TENSOR: dict[str, Any] = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.0, 2.0]}
PARTS = ("name", "shape", "datatype", "data", "parameters")


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, value in KINDS.items():
        for key in ("inputs", "instances", "outputs", "predictions", "id", "model_version"):
            yield f"{kind} as {key}", {"inputs": [TENSOR], "outputs": [TENSOR]} | {key: value}
        for key in PARTS:
            yield (
                f"{kind} as {key} of a tensor",
                {"inputs": [TENSOR | {key: value}], "outputs": [TENSOR | {key: value}]},
            )
        sized = {name: part for name, part in TENSOR.items() if name != "data"}
        told = {"inputs": [sized | {"parameters": {"binary_data_size": value}}]}
        yield f"{kind} as a size", told


def exchange(body: bytes, answer: bytes = b"", **headers: bytes) -> Exchange:
    named = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    caller = Caller("k-1", None, "10.0.0.1")
    asked = Exchange(Call("predict", "m"), caller, None, datetime.now(UTC), named, body=body, status=200)
    asked.answer, asked.answer_headers = answer, list(named.items())
    return asked


@pytest.mark.parametrize("framed", [False, True], ids=["plain", "with a length"])
def test_no_value_in_any_place_costs_more_than_its_bytes_say_or_raises(framed: bool) -> None:
    for name, body in bodies():
        raw = orjson.dumps(body)
        headers = {BINARY_HEADER.decode(): str(len(raw)).encode()} if framed else {}
        for asked in (exchange(raw, **headers), exchange(orjson.dumps({"inputs": [TENSOR]}), raw)):
            tracemalloc.start()
            try:
                assert events_of(asked, LIMIT, 2), name
                assert queries_of(asked, LIMIT) >= 1, name
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
            assert peak < MOST * len(raw) + 1_000_000, f"{name}: {peak:,} bytes"
        assert rounded(orjson.loads(raw), 2) is None or b"{" in raw, name


@pytest.mark.parametrize("key", ["inputs", "outputs"])
@pytest.mark.parametrize(
    "value", [value for value in KINDS.values() if not isinstance(value, list)], ids=lambda value: type(value).__name__
)
def test_tensors_are_a_list_or_none(key: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{key} that are no list of tensors"):
        tensors_of({key: value}, key)


@pytest.mark.parametrize("value", [["x"], [[1]], [None], [TENSOR, 1]])
def test_a_tensor_is_an_object(value: Any) -> None:
    with pytest.raises(ValueError, match="inputs that are no list of tensors"):
        tensors_of({"inputs": value}, "inputs")


def test_more_tensors_than_are_read_are_told_first() -> None:
    with pytest.raises(UnreadError, match="more than 10,000 tensors"):
        tensors_of({"inputs": [None] * 10_001}, "inputs")
    with pytest.raises(KeyError):
        tensors_of({}, "inputs")
