"""Callers who take no answer, or send more than there is room for, cost others nothing."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from caponier.app.guard.run import Guard, guarding
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.guard.settings import GuardSettings
from guard.loopback import ask
from pace import HANG, wait_for

PATH = "/v1/models/m:predict"
HEAD = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n".encode()
LARGE = b"[" + b"1," * 3_000_000 + b"1]"
MB = 2**20


async def model(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    said = LARGE if b"x-large" in dict(scope["headers"]) else b"{}"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


@contextmanager
def standing(folder: Path, **settings: Any) -> Iterator[tuple[Guard, str]]:
    create_workspace(folder)
    guard = Guard(require_workspace(folder), GuardSettings(port=0, **settings), app=model)
    with guarding(guard) as listening:
        yield guard, listening.url


def opened(url: str, data: bytes, address: str = "127.0.0.1") -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    made = socket.socket()
    # The system takes as much of an answer as it has room for; that must be less than the answer.
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    made.bind((address, 0))
    made.connect((host, int(port)))
    made.settimeout(HANG)
    made.sendall(data)
    return made


def asked_from(url: str, address: str, body: bytes = b"{}") -> int:
    host, port = url.removeprefix("http://").split(":")
    with closing(HTTPConnection(host, int(port), timeout=HANG, source_address=(address, 0))) as connection:
        return ask(url, PATH, body, connection=connection).status


def test_whoever_takes_nothing_of_an_answer_is_given_up(tmp_path: Path) -> None:
    asks = HEAD + b"X-Large: 1\r\nContent-Length: 2\r\n\r\n{}"
    with standing(tmp_path, body_timeout=0.5) as (guard, url), closing(opened(url, asks)):
        wait_for(lambda: guard.metrics.total("connections_refused") == 1)
        assert 'why="no answer taken within the time"' in guard.metrics.text()
        assert asked_from(url, "127.0.0.1") == 200


def test_whoever_takes_it_piece_by_piece_gets_all_of_it(tmp_path: Path) -> None:
    asks = HEAD + b"X-Large: 1\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
    with standing(tmp_path, body_timeout=0.4) as (guard, url), closing(opened(url, asks)) as made:
        got = part = made.recv(2**20)
        for _ in range(6):
            sleep(0.1)
            for _ in range(20):
                got += (part := made.recv(2**14))
        while part:
            got += (part := made.recv(2**20))
        assert got.endswith(LARGE)
        assert guard.metrics.total("connections_refused") == 0


def test_answers_that_nobody_takes_keep_nobody_out(tmp_path: Path) -> None:
    asks = HEAD + b"X-Large: 1\r\nContent-Length: 2\r\n\r\n{}"
    limits = {"connections": 4, "connections_per_address": 4, "header_timeout": 0.5, "body_timeout": HANG}
    with standing(tmp_path, **limits) as (guard, url), ExitStack() as held:
        for _ in range(4):
            assert held.enter_context(closing(opened(url, asks))).recv(12) == b"HTTP/1.1 200"
        sleep(0.7)
        assert asked_from(url, "127.0.0.2") == 200
    assert "made room" in guard.metrics.text()


@pytest.mark.parametrize("ended", [False, True], ids=["begun", "ended"])
def test_large_bodies_of_one_caller_leave_room_for_those_of_others(tmp_path: Path, ended: bool) -> None:
    limits = {"body_limit_mb": 4, "bodies_limit_mb": 12, "body_timeout": HANG}
    begun = HEAD + b"Content-Length: %d\r\n\r\n" % (3 * MB + (not ended)) + b" " * (3 * MB)
    with standing(tmp_path, **limits) as (guard, url), ExitStack() as held:
        for _ in range(6):
            one = held.enter_context(closing(opened(url, begun)))
            assert not ended or one.recv(12) == b"HTTP/1.1 200", "what is answered is held no more"
        if not ended:
            wait_for(lambda: guard.metrics.total("requests") == 4)
            assert 'status="503"' in guard.metrics.text()
        assert asked_from(url, "127.0.0.2", b" " * (3 * MB)) == 200
        assert asked_from(url, "127.0.0.1") == 200, "small ones always have room"
