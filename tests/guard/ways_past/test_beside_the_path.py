"""What a request says beside its path and its body: parameters, and names with something behind them."""

from collections.abc import Iterator

import pytest

from caponier.guard.call import Call, call_of
from caponier.guard.model_names import ModelNames
from caponier.guard.query_reader import QueryReader
from caponier.telemetry.body_limits import LIMITS
from guard.loopback import ask
from guard.test_middleware import Standing, standing

BODY = b'{"instances":[[1,2]]}'
INVOKE = "/models/digits/invoke"
READER = QueryReader(LIMITS, lambda _: 2, lambda _: None)


@pytest.fixture(scope="module")
def enforced() -> Iterator[Standing]:
    with standing(enforce=True, reader=READER) as one:
        yield one


@pytest.mark.parametrize(
    "beside",
    [
        "data=%5B%5B9%2C9%5D%5D",
        "DATA=x",
        "body=x",
        "a=1&%64ata=x",
        "a=1;data=x",
        "instances=[[9,9]]",
        "inputs=1",
        "x=" + "9," * 40,
        "9," * 40,
        "x=9&x=9",
        "x=9&%78=9",
        "model_name=other",
        "data[]=9",
        "&".join(f"f{i}=9" for i in range(17)),
        "&".join(f"{i}" for i in range(10_000)),
    ],
)
def test_rows_beside_the_body_are_another_way_to_read_it(enforced: Standing, beside: str) -> None:
    # TorchServe hands parameters to the handler, which takes `data` before `body`.
    reply = ask(enforced.url, f"{INVOKE}?{beside}", BODY)
    assert reply.status == 400
    assert b"parameters" in reply.body


@pytest.mark.parametrize(
    "beside",
    [
        "",
        "?",
        "?api-version=2024-05-01",
        "?verbose=true&trace=abc&x=%20",
        "?=&&",
        "?" + "&".join(f"{i}=1" for i in range(16)),
    ],
)
def test_what_has_no_room_for_a_row_may_stand_there(enforced: Standing, beside: str) -> None:
    assert ask(enforced.url, INVOKE + beside, BODY).status == 200


def test_such_a_query_is_recorded_without_its_rows() -> None:
    from caponier.guard.events import events_of
    from caponier.guard.spooled import from_bytes, to_bytes

    with standing() as one:
        assert ask(one.url, f"{INVOKE}?data=x", BODY).status == 200
        assert ask(one.url, INVOKE, BODY).status == 200
        seen = [from_bytes(b"".join(to_bytes(exchange))) for exchange in one.recorded(2)]
    assert ["input" in events_of(exchange, LIMITS, 2)[0] for exchange in seen] == [False, True]


@pytest.mark.parametrize(
    ("method", "path", "call"),
    [
        ("GET", "/digits/predict", Call("other", unknown=True)),
        ("HEAD", "/wfpredict/digits", Call("other", unknown=True)),
        ("GET", "/v2/models/digits/stats", Call("other", "digits", unknown=True)),
        ("GET", "/v2/models/digits", Call("metadata", "digits")),
        ("GET", "/v2/health/ready", Call("health")),
        ("GET", "/ping", Call("health")),
    ],
)
def test_parameters_are_sent_too(method: str, path: str, call: Call) -> None:
    assert call_of(method, path, parameters=True) == call
    assert not call_of(method, path).unknown


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_explanation_of_the_open_inference_protocol_is_one(method: str) -> None:
    assert call_of(method, "/v2/models/digits/explain") == Call("explain", "digits")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("digits:1", "digits"), ("digits:infer", "digits"), ("DIGITS:x:y", "digits"), ("digits:", "digits"),
        ("%64igits", "digits"), ("%2564igits", "digits"), ("digits%3Bv", "digits"), ("digits%00", "digits"),
        ("a:1", "a:1"), ("a:2", "a:2"), ("A:1", "a:1"), ("a", "a"), ("%", "%"), (":1", ":1"), ("50%25", "50%"),
    ],
)  # fmt: skip
def test_what_stands_behind_a_name_or_is_encoded_twice_is_no_other_model(written: str, meant: str) -> None:
    # TorchServe takes what stands before the first colon, and a proxy may decode once more.
    assert ModelNames(["digits", "a:1", "50%"])(written) == meant
