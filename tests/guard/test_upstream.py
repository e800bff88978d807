"""A model server elsewhere: addresses, paths, and connections that are not what they were."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

import pytest

from caponier.errors import InputError
from caponier.guard.upstream import Upstream
from guard.loopback import ask, serving
from guard.upstreams import Echo
from pace import HANG

INFER = "/v2/models/digits/infer"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok"


@pytest.mark.parametrize("url", ["", "127.0.0.1:80", "ftp://x", "http://", "http://x?a=b", "http://x#y"])
def test_an_address_is_http_and_a_host(url: str) -> None:
    with pytest.raises(InputError, match="http:// or https://"):
        Upstream(url)


def test_an_address_may_have_a_path() -> None:
    echo = Echo()
    with serving(echo) as direct, serving(Upstream(f"{direct}/base/")) as url:
        ask(url, "/v2/%2e%2E/x//y?z=%20")
    assert (echo.asked[0]["path"], echo.asked[0]["query"]) == ("/base/v2/%2e%2E/x//y", "z=%20")


def test_what_an_answer_says_comes_back_but_for_what_is_about_the_connection() -> None:
    headers = [("x-answer-keep-alive", "timeout=7"), ("x-answer-x-kept", "so")]
    with serving(Echo()) as direct, serving(Upstream(direct)) as url:
        told = ask(url, INFER, b"{}", headers=headers)
    assert (told.header("x-kept"), told.header("set-cookie")) == ("so", "a=b")
    assert [value for name, value in told.headers if name.lower() == "x-own"] == ["1", "2"]
    assert told.header("keep-alive") != "timeout=7"


@contextmanager
def forgetful(answers: int) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers so many requests on a connection and closes it, without a word, at the next one."""
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    for _ in range(answers):
                        data = connection.recv(65_536)
                        if not data:
                            break
                        got.append(data)
                        connection.sendall(ANSWER)
                    else:
                        got.append(connection.recv(65_536))

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", got
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(HANG)


def test_a_query_is_asked_again_where_a_kept_connection_was_closed() -> None:
    with forgetful(1) as (direct, got), serving(Upstream(direct)) as url:
        assert [ask(url, INFER, b"{}").body for _ in range(3)] == [b"ok"] * 3
    assert len(list(filter(None, got))) == 5, "the second and the third query were asked twice"


def test_anything_else_is_not_asked_again() -> None:
    with forgetful(1) as (direct, _), serving(Upstream(direct)) as url:
        assert ask(url, "/v2/repository/models/m/load", b"{}").status == 200
        assert ask(url, "/v2/repository/models/m/load", b"{}").status == 502


def test_a_server_that_never_answers_is_asked_twice_and_no_more() -> None:
    with forgetful(0) as (direct, got), serving(Upstream(direct)) as url:
        assert ask(url, INFER, b"{}").status == 502
    assert len(got) == 2


def test_it_tells_how_long_it_waited_and_opens_itself_where_nobody_starts_it() -> None:
    echo = Echo()

    async def once(direct: str) -> dict[str, Any]:
        upstream = Upstream(direct)
        scope = {"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": []}
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            sent.append(message)

        await upstream(scope, receive, send)
        assert upstream._session is not None
        await upstream._session.close()
        assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
        return scope

    with serving(echo) as direct:
        scope = asyncio.run(once(direct))
    assert 0 < scope["caponier.waited"] < 5


@pytest.mark.parametrize("header", [(b"x-a", b"1\x052"), (b"x-a", b"1\x7f"), (b"x\x01a", b"1"), (b"x-a", b"1\r\nb: 2")])
def test_a_header_with_a_control_character_goes_nowhere(header: tuple[bytes, bytes]) -> None:
    echo, sent = Echo(), list[dict[str, Any]]()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/a", "query_string": b"", "headers": [header], "client": None}
    with serving(echo) as url:
        asyncio.run(Upstream(url)(scope, receive, send))
    assert sent[0]["status"] == 400
    assert not echo.asked


@pytest.mark.parametrize(
    "header", ["X-Original-URL", "X_Original_URL", "X-HTTP-Method-Override", "X-Method-Override", "range"]
)
def test_what_names_another_path_or_method_or_a_part_goes_nowhere(header: str) -> None:
    echo = Echo()
    with serving(echo) as direct, serving(Upstream(direct)) as url:
        assert ask(url, "/v2/health/ready", headers=[(header, INFER), ("X-Else", "1")]).status == 200
    names = {name.replace("_", "-") for name, _ in echo.asked[0]["headers"]}
    assert header.lower().replace("_", "-") not in names
    assert "x-else" in names


@pytest.mark.parametrize("status", [101, 199, 600, 999])
def test_an_answer_that_cannot_be_passed_on_is_none(status: int) -> None:
    answer = b"HTTP/1.1 %d x\r\ncontent-length: 2\r\n\r\nok" % status
    failed: list[Exception] = []
    with answering(answer) as direct, serving(Upstream(direct, timeout=2, on_failure=failed.append)) as url:
        assert ask(url, INFER, b"{}").status in (502, 504)
    assert failed


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server that says one thing on each connection, and closes it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(65_536)
                        connection.sendall(answer)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(HANG)
