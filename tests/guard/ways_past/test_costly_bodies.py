"""No body of a few kilobytes costs much more to read than others of its size: the callers beside it would wait."""

from contextlib import suppress
from typing import Final

import orjson
import pytest

from caponier.guard.call import Call
from caponier.guard.events import events_of, queries_of
from caponier.guard.question import UnreadableQueryError, question
from caponier.records.inventory import FeatureColumn, FeatureSpec
from caponier.telemetry.body_limits import LIMITS, UnreadError
from guard.test_spooled import exchange
from pace import Stopwatch

SIZE: Final = 64 * 1024
NAMED = FeatureSpec(kind="numeric", shape=(2,), columns=(FeatureColumn(name="c0"), FeatureColumn(name="c1")))
LONG_LETTERS: Final = "\ufdfa" * 30


def _records(width: int) -> bytes:
    """Return records of so many columns each, no two of which have one in common."""
    many = SIZE // (10 * width + 2)
    return orjson.dumps({"instances": [{f"c{n * width + place}": 1 for place in range(width)} for n in range(many)]})


BODIES: Final = {
    "records without a column in common": _records(1),
    "records of ten columns": _records(10),
    "one record of thousands of columns": orjson.dumps({"instances": [{f"c{n}": 1 for n in range(6_500)}]}),
    "keys that are long once they are written out": orjson.dumps(
        {**{f"{LONG_LETTERS}{n}": 1 for n in range(600)}, "instances": [[1]]}
    ),
    "keys of a tensor that are": orjson.dumps(
        {"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1],
                     **{f"{LONG_LETTERS}{n}": 1 for n in range(600)}}]}
    ),
    "thousands of tensors": orjson.dumps(
        {"inputs": [{"name": f"{n}", "shape": [1, 1], "datatype": "FP32", "data": [1]} for n in range(1_000)]}
    ),
    "thousands of empty lists": b'{"instances":[' + b"[]," * 20_000 + b"[]]}",
    "lists in lists": b'{"inputs":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "objects in objects": b'{"inputs":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
    "numbers of thousands of digits": b'{"a\\u0062":1,"instances":[[' + b",".join([b"9" * 4_000] * 15) + b"]]}",
    "one number that fills it": b'{"a\\u0062":1,"instances":[[0.' + b"1" * 64_000 + b"]]}",
    "tiny exponents": b'{"a\\u0062":1,"instances":[[' + b",".join([b"1e-400000000"] * 5_000) + b"]]}",
    "escapes": b'{"instances":[["' + b"\\u0041" * 10_000 + b'"]]}',
    "halves of pairs": b'{"instances":[["' + b"\\ud800" * 10_000 + b'"]]}',
}  # fmt: skip


@pytest.mark.parametrize("takes", [None, NAMED], ids=["unknown", "named"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_reading_takes_a_moment(body: bytes, takes: FeatureSpec | None) -> None:
    assert len(body) <= SIZE + 1_024
    with Stopwatch() as watch:
        one = exchange(call=Call("predict", "digits"), body=body)
        queries_of(one, LIMITS, 2)
        with suppress(UnreadableQueryError, UnreadError):
            question(one, LIMITS, None if takes is None else takes.size, takes)
        rows = events_of(one, LIMITS, None if takes is None else takes.size, takes)
    assert watch.seconds < 1, "it was twenty-five seconds"
    values = sum(len(row["input"]) for row in rows if row.get("input") is not None)
    assert values <= 2 * SIZE + 100_000, "what is written of it is no more than what was sent, and a little"
