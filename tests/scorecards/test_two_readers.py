"""Requests that two programs could read in two ways: the same for a seed, and of every kind."""

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import orjson
import pytest
from bench.machinery.two_readers import PATH, Maker
from bench.scorecards.foreign.mlserver import _alike, _rows

from caponier.guard.call import call_of
from caponier.guard.exchange import Caller, Exchange
from caponier.guard.question import UnreadableQueryError, question
from caponier.telemetry.body_limits import LIMITS, UnreadError


def test_a_seed_makes_the_same_requests_and_another_makes_others() -> None:
    first, same, other = ([Maker(seed).request() for _ in range(5)] for seed in (1, 1, 2))
    assert first == same
    assert first != other


def test_every_kind_of_trick_is_there_and_some_requests_are_still_read() -> None:
    maker, kinds = Maker(0), Counter[str]()
    for _ in range(1_500):
        made = maker.request()
        call = call_of(made.method, made.path, carries=True)
        headers = {name.lower().encode(): value.encode() for name, value in made.headers.items()}
        asked = Exchange(call, Caller("k", None, None), None, datetime.now(UTC), headers, body=made.raw)
        kinds["path"] += made.path != PATH
        kinds["method"] += made.method != "POST"
        kinds["packed"] += "Content-Encoding" in made.headers
        kinds["binary"] += "Inference-Header-Content-Length" in made.headers
        try:
            rows = question(asked, LIMITS, 4, None, "mlserver").rows
            kinds["read"] += 1
            assert rows.shape == (1, 4)
        except (UnreadableQueryError, UnreadError) as unread:
            kinds[str(unread)] += 1
    assert min(kinds[name] for name in ("path", "method", "packed", "binary", "read")) > 30
    assert len(kinds) > 20, "refused for many reasons"


@pytest.mark.parametrize(
    ("inputs", "verdict"),
    [
        ([[0.5, 1.0]], "read_alike"), ([[0.5], [1.0]], "read_alike"), ([[0.5, 1.1]], "read_otherwise"),
        ([[0.5]], "read_otherwise"), ([None], "unread"), ([], "unread"),
    ],
)  # fmt: skip
def test_rows_are_held_against_what_the_model_got(inputs: list[list[float] | None], verdict: str) -> None:
    rows = _rows(orjson.dumps({"outputs": [{"data": [0.5, 1.0]}]}))
    assert rows.dtype == np.float32
    assert _alike(rows, [{} if one is None else {"input": one} for one in inputs]) == verdict
    assert _rows(b"nothing of a model") is None
