"""Headers that the guard goes by reach the model server: `Connection` is no way to show them to the guard alone."""

from collections.abc import Iterator

import pytest

from caponier.guard.exchange import Exchange
from guard.loopback import Reply, ask
from guard.test_middleware import INFER, Standing, standing
from pace import wait_for

BODY = b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}]}'


def asked(one: Standing, connection: str, name: str, value: str) -> Reply:
    return ask(one.url, INFER, BODY, headers=[(name, value), ("Connection", connection)])


@pytest.fixture(scope="module", params=[False, True])
def guarded(request: pytest.FixtureRequest) -> Iterator[Standing]:
    with standing(enforce=request.param) as one:
        yield one


@pytest.mark.parametrize(
    ("connection", "name"),
    [
        ("authorization", "Authorization"),
        ("close, X-API-Key", "X-API-Key"),
        ("x_api_key", "X_API_Key"),
        ("x-on-behalf-of", "X-On-Behalf-Of"),
        ("Content-Encoding", "Content-Encoding"),
        ("inference-header-content-length", "Inference-Header-Content-Length"),
        ("user-agent", "User-Agent"),
        ("x," * 20_000, "X-Other"),
        ("host", "X-Other"),
        ("content-length", "X-Other"),
    ],
)
def test_what_the_guard_goes_by_is_not_for_the_guard_alone(guarded: Standing, connection: str, name: str) -> None:
    # A server that lets in whoever shows nothing would see another caller than the guard, with every query.
    before = len(guarded.echo.asked)
    assert asked(guarded, connection, name, "sk-1").status == 400
    assert len(guarded.echo.asked) == before


def test_what_it_does_not_go_by_may_be(guarded: Standing) -> None:
    assert asked(guarded, "x-secret, keep-alive", "X-Secret", "1").status == 200
    assert "x-secret" not in dict(guarded.echo.asked[-1]["headers"])


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        ("J\u00fcrgen".encode(), "J\u00fcrgen".encode()),
        ("\u540d".encode(), "\u540d".encode()),
        # What is no UTF-8 is passed on as the text that it is in Latin-1, which is how the guard reads it, too.
        ("J\u00fcrgen".encode("latin-1"), "J\u00fcrgen".encode()),
        (b"plain", b"plain"),
    ],
)
def test_a_header_reaches_the_server_as_the_guard_reads_it(guarded: Standing, sent: bytes, got: bytes) -> None:
    named = [("X-On-Behalf-Of", sent.decode("latin-1")), ("X-API-Key", "sk-1")]
    assert ask(guarded.url, "/x", headers=named).status == 200
    assert dict(guarded.echo.asked[-1]["headers"])["x-on-behalf-of"].encode("latin-1") == got
    wait_for(lambda: guarded.seen[-1].caller.session == got.decode())


def test_whoever_signs_a_token_as_he_likes_is_no_evidence_against_its_owner() -> None:
    def is_owner(exchange: Exchange) -> bool:
        return exchange.caller.principal is not None and not exchange.stranger

    token = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ2aWN0aW0ifQ.AAAA"
    with standing() as one:
        asked(one, "authorization", "Authorization", token)
        assert not is_owner(one.recorded()[0])


def test_headers_of_the_operator_s_choice_are_no_exception() -> None:
    with standing(credentials=["x-tenant"], session="x-user") as one:
        assert asked(one, "x-tenant", "X-Tenant", "a").status == 400
        assert asked(one, "x-user", "X-User", "a").status == 400
        assert asked(one, "authorization", "Authorization", "a").status == 200, "nobody goes by it here"
    with standing(credentials=[], session="") as one:
        assert asked(one, "close,", "X-Other", "a").status == 200, "no name is no header"
