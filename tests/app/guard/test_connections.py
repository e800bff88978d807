"""Callers who hold connections and never finish a request cost others nothing."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from time import process_time, sleep
from typing import Any

import pytest

from caponier.app.guard.connections import ConnectionLimits, room_for
from caponier.app.guard.run import Guard, guarding
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.guard.settings import GuardSettings
from guard.loopback import ask
from pace import HANG

HEAD = b"POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\n"


async def model(_: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})


@contextmanager
def standing(folder: Path, **settings: Any) -> Iterator[tuple[Guard, str]]:
    create_workspace(folder)
    guard = Guard(require_workspace(folder), GuardSettings(port=0, **settings), app=model)
    with guarding(guard) as listening:
        yield guard, listening.url


def opened(url: str, data: bytes = b"", address: str = "127.0.0.1") -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    made = socket.create_connection((host, int(port)), timeout=HANG, source_address=(address, 0))
    made.sendall(data)
    return made


def answered(made: socket.socket) -> bytes:
    """Return the whole of one answer, which may come in several pieces."""
    found = b""
    while b"\r\n\r\n" not in found or found.endswith(b"\r\n\r\n"):
        found += made.recv(1_000)
    return found


def is_closed(made: socket.socket) -> bool:
    """Wait until the other side has closed a connection."""
    try:
        while made.recv(1_000):
            pass
    except ConnectionResetError:
        pass
    return True


@pytest.mark.parametrize(
    "begun", [b"", b"POST", HEAD, HEAD + b"Content-Length: 2\r\n\r\n{}" + HEAD], ids=["none", "word", "head", "second"]
)
def test_a_head_that_never_ends_ends_the_connection(tmp_path: Path, begun: bytes) -> None:
    with standing(tmp_path, header_timeout=1) as (guard, url), closing(opened(url, begun)) as made:
        assert is_closed(made)
        assert ask(url, "/v1/models/m:predict", b"{}").status == 200
    assert guard.metrics.total("connections_refused") == 1


def test_a_connection_that_waits_for_its_next_request_is_kept(tmp_path: Path) -> None:
    whole = HEAD + b"Content-Length: 2\r\n\r\n{}"
    with standing(tmp_path, header_timeout=1) as (_, url), closing(opened(url, whole)) as made:
        assert b"200" in answered(made)
        sleep(1.5)
        made.sendall(whole)
        assert b"200" in answered(made)


def test_a_body_that_never_ends_is_given_up(tmp_path: Path) -> None:
    head = HEAD + b"Content-Length: 100\r\n\r\n{"
    with standing(tmp_path, body_timeout=0.3) as (_, url), closing(opened(url, head)) as made:
        assert made.recv(1_000).startswith(b"HTTP/1.1 408")


def test_many_connections_of_one_address_leave_room_for_others(tmp_path: Path) -> None:
    limits = {"connections": 60, "connections_per_address": 20, "header_timeout": HANG}
    with standing(tmp_path, **limits) as (guard, url), ExitStack() as held:
        for _ in range(25):
            held.enter_context(closing(opened(url, b"POST")))
        with closing(opened(url, HEAD + b"Content-Length: 2\r\n\r\n{}", address="127.0.0.2")) as other:
            assert b"200" in other.recv(1_000)
        assert guard.metrics.total("connections_refused") >= 5
    with standing(tmp_path / "again", **limits) as (_, url):
        assert ask(url, "/v1/models/m:predict", b"{}").status == 200


def test_proxies_may_have_all_of_them_and_what_leaves_makes_room() -> None:
    refused: list[str] = []
    limits = ConnectionLimits(5, 2, 1, 1, lambda address: address == "proxy", refused.append)
    assert [limits.take("a") for _ in range(3)] == [True, True, False]
    assert [limits.take("proxy") for _ in range(4)] == [True, True, True, False]
    limits.leave("a")
    assert limits.take("b")
    assert refused == ["too many from one address", "too many"]


class Connection:
    def __init__(self, idle: bool = True) -> None:
        self.is_idle, self.ended = idle, False

    def make_room(self) -> None:
        self.ended = True


def test_whoever_has_the_most_connections_makes_room_for_one_who_has_fewer() -> None:
    refused: list[str] = []
    limits = ConnectionLimits(6, 100, 1, 1, lambda address: address == "proxy", refused.append)
    busy, *idle = [Connection(idle=n > 0) for n in range(4)]
    assert all(limits.take("eve", one) for one in (busy, *idle))
    assert limits.take("proxy", Connection())
    assert limits.take("ada", Connection())
    assert limits.take("bob", Connection())
    assert [one.ended for one in (busy, *idle)] == [False, True, False, False]
    assert limits.take("bob", Connection())
    assert not limits.take("bob", Connection()), "who has as many gets none of another's"
    assert not limits.take("eve", Connection())
    assert refused == ["made room", "made room", "too many", "too many"]
    limits.leave("eve", busy)
    assert limits.take("carl", Connection())


def test_a_connection_costs_no_more_where_there_are_many() -> None:
    limits = ConnectionLimits(100_000, 100, 1, 1, lambda _: False, lambda _: None)
    addresses = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(20_000)]

    def seconds(some: list[str]) -> float:
        began = process_time()
        taken = [limits.take(one) for one in some]
        assert all(taken)
        return process_time() - began

    first = seconds(addresses[:2_000])
    seconds(addresses[2_000:-2_000])
    assert seconds(addresses[-2_000:]) < 4 * first + 0.01


def test_where_nothing_is_idle_nobody_makes_room() -> None:
    limits = ConnectionLimits(3, 100, 1, 1, lambda _: False, lambda _: None)
    assert all(limits.take("eve", Connection(idle=False)) for _ in range(3))
    assert not limits.take("ada", Connection())


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "testclient", False),
    ],
)
def test_whoever_has_a_network_has_no_more_connections_for_its_many_addresses(one: str, other: str, same: bool) -> None:
    limits = ConnectionLimits(10, 1, 1, 1, lambda _: False, lambda _: None)
    assert limits.take(one)
    assert limits.take(other) is not same
    limits.leave(one)
    assert limits.take(one) or same


def test_idle_connections_of_some_keep_nobody_out(tmp_path: Path) -> None:
    whole = HEAD + b"Content-Length: 2\r\n\r\n{}"
    limits = {"connections": 30, "connections_per_address": 25, "header_timeout": HANG}
    with standing(tmp_path, **limits) as (guard, url), ExitStack() as held:
        for address in ("127.0.0.1", "127.0.0.3"):
            for _ in range(15):
                made = held.enter_context(closing(opened(url, whole, address=address)))
                assert b"200" in answered(made)
        for _ in range(3):
            with closing(opened(url, whole, address="127.0.0.2")) as other:
                assert b"200" in answered(other)
    assert "made room" in guard.metrics.text()


def test_bodies_that_do_not_come_to_an_end_keep_nobody_out(tmp_path: Path) -> None:
    slow, whole = HEAD + b"Content-Length: 900\r\n\r\n{", HEAD + b"Content-Length: 2\r\n\r\n{}"
    limits = {"connections": 12, "connections_per_address": 12, "header_timeout": 1, "body_timeout": HANG}
    with standing(tmp_path, **limits) as (guard, url), ExitStack() as held:
        begun = [held.enter_context(closing(opened(url, slow))) for _ in range(12)]
        sleep(1.5)
        for made in begun:
            # Each letter now and then is no end.
            made.sendall(b" ")
        with closing(opened(url, whole, address="127.0.0.2")) as other:
            assert b"200" in answered(other)
    assert guard.metrics.total("connections_refused") == 1


def test_there_is_room_for_no_more_than_the_system_allows() -> None:
    assert 1 <= room_for(10**9) < 10**9
    assert room_for(10) == 10
