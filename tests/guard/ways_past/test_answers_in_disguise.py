"""Answers in another form than usual: what comes in words is rounded and read like numbers."""

from typing import Any

import orjson
import pytest

from caponier.guard.events import events_of
from caponier.guard.rounding import rounded
from caponier.guard.verdict import GuardVerdict, Measure
from caponier.telemetry.body_limits import LIMITS
from guard.loopback import ask
from guard.test_events import exchange
from guard.test_middleware import INFER, standing

Json = dict[str, Any]


def texts(data: list[Any], shape: list[int], **parameters: Any) -> Json:
    output = {"name": "o", "datatype": "BYTES", "shape": shape, "data": data}
    return {"outputs": [output | ({"parameters": parameters} if parameters else {})]}


@pytest.mark.parametrize(
    ("told", "left"),
    [
        # Triton's classification: value, class and its label.
        ("0.993127:3:three", "1.0:3:three"),
        ("-1.7351e-05:0", "-0.0:0"),
        ("three", "three"),
        ("[0.1234, 0.8766]", "[0.1, 0.9]"),
        ("1.5E+3:2", "1500.0:2"),
        ("3:cat", "3:cat"),
        (".1234", "0.1"),
        ("1234567e-7", "0.1"),
    ],
)
def test_scores_in_words_are_rounded(told: str, left: str) -> None:
    found = orjson.loads(rounded(texts([told], [1, 1]), 1) or b"")
    assert found["outputs"][0]["data"] == [left]
    assert orjson.loads(rounded({"predictions": [[told]]}, 1) or b"") == {"predictions": [[left]]}


@pytest.mark.parametrize("kind", ["base64", "BASE64", "pd_json", "datetime"])
def test_what_is_packed_into_words_is_not_known_to_be_round(kind: str) -> None:
    # MLServer packs an output as the request says.
    assert rounded(texts(["AAAAAAAA8D8="], [1, 1], content_type=kind), 1) is None


@pytest.mark.parametrize("kind", ["str", "np", None])
def test_words_that_are_as_they_stand_pass(kind: str | None) -> None:
    assert rounded(texts(["cat"], [1, 1], content_type=kind), 1) is not None


def test_scores_are_rounded_wherever_they_stand() -> None:
    document = {"predictions": [3], "probabilities": [[0.123]], "model_version": "1.25", "more": {"margin": 0.5678}}
    assert orjson.loads(rounded(document, 1) or b"") == {
        "predictions": [3], "probabilities": [[0.1]], "model_version": "1.25", "more": {"margin": 0.6}
    }  # fmt: skip
    output = {"name": "o", "datatype": "INT64", "shape": [1], "data": [3], "parameters": {"margin": 0.5678}}
    assert b"0.6" in (rounded({"outputs": [output]}, 1) or b"")


@pytest.mark.parametrize("status", [200, 201, 203, 206])
def test_any_success_is_an_answer(status: int) -> None:
    assert [row["label"] for row in events_of(exchange(status=status), LIMITS)] == ["1", "0"]


@pytest.mark.parametrize("status", [200, 201])
def test_any_success_is_rounded(status: int) -> None:
    async def model(scope: Any, receive: Any, send: Any) -> None:
        body = b'{"predictions":[[0.123,0.877]]}'
        if scope["type"] == "http":
            await receive()
            length = (b"content-length", b"%d" % len(body))
            await send({"type": "http.response.start", "status": status, "headers": [length]})
            await send({"type": "http.response.body", "body": body})

    with standing(lambda *_: GuardVerdict(Measure.ROUND, 1), app=model, enforce=True) as one:
        assert ask(one.url, INFER, b"{}").body == b'{"predictions":[[0.1,0.9]]}'
        assert one.recorded()[0].answer == b'{"predictions":[[0.123,0.877]]}'


@pytest.mark.parametrize(
    ("data", "shape", "labels", "scores"),
    [
        (["0.9:2:c", "0.4:0:a"], [2, 1], ["2", "0"], None),
        ([["0.9:2"], ["0.4:0"]], [2, 1], ["2", "0"], None),
        (["0.7:1:b", "0.2:0:a", "0.1:2:c", "0.6:2:c", "0.3:1:b", "0.1:0:a"], [2, 3], ["1", "2"],
         [[0.2, 0.7, 0.1], [0.1, 0.3, 0.6]]),
        (["0.7:1", "0.2:3", "0.6:2", "0.3:1"], [2, 2], ["1", "2"], None),
        (["0.7:1", "0.7:1", "0.6:0", "0.3:1"], [2, 2], ["1", "0"], None),
        (["1e-3:11:a:b", "-4.0:0:"], [2, 1], ["11", "0"], None),
        (["cat", "0.4:0"], [2, 1], ["cat", "0.4:0"], None),
        (["cat:1", "dog:2"], [2, 1], ["cat:1", "dog:2"], None),
        (["12:30", "12:45"], [2, 1], ["12:30", "12:45"], None),
    ],
)  # fmt: skip
def test_the_classes_that_triton_writes_out_are_read(data: Any, shape: list[int], labels: Any, scores: Any) -> None:
    rows = events_of(exchange(answer=texts(data, shape)), LIMITS)
    assert [row["label"] for row in rows] == labels
    told = [None if row["scores"] is None else row["scores"].round(4).tolist() for row in rows]
    assert told == (scores or [None, None]) or (scores and [[round(x, 4) for x in row] for row in told] == scores)
