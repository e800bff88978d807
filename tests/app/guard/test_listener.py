"""Callers who come all at once keep nobody waiting who is there already."""

import asyncio
import socket
from contextlib import ExitStack, closing
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from caponier.app.guard import connections, giving_way
from caponier.app.guard.listener import AT_ONCE, Listener
from caponier.app.guard.run import Guard, guarding
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.errors import InputError
from caponier.guard.settings import GuardSettings
from pace import HANG, wait_for

MANY = 300
HEAD = b"GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n"


class Turns:
    """Counts connections by the turn of the server's loop in which they were begun."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts = [0]
        select, begun = giving_way._Telling.select, connections.LimitedProtocol.connection_made

        def turned(selector: Any, timeout: float | None = None) -> Any:
            self.counts.append(0)
            return select(selector, timeout)

        def counted(protocol: Any, transport: Any) -> None:
            self.counts[-1] += 1
            begun(protocol, transport)

        monkeypatch.setattr(giving_way._Telling, "select", turned)
        monkeypatch.setattr(connections.LimitedProtocol, "connection_made", counted)


async def busy(_: Any, receive: Any, send: Any) -> None:
    await receive()
    sleep(0.5)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def test_of_callers_who_come_together_few_are_let_in_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_workspace(tmp_path)
    turns = Turns(monkeypatch)
    with guarding(Guard(require_workspace(tmp_path), GuardSettings(port=0), app=busy)) as standing, ExitStack() as held:
        host, port = standing.url.removeprefix("http://").split(":")

        def come() -> socket.socket:
            return held.enter_context(closing(socket.create_connection((host, int(port)), timeout=HANG)))

        first = come()
        # The loop does nothing else meanwhile, so that they wait all together.
        first.sendall(HEAD)
        for _ in range(MANY):
            come()
        wait_for(lambda: sum(turns.counts) > MANY)
        assert first.recv(1_000).startswith(b"HTTP/1.1 200")
    assert max(turns.counts) <= AT_ONCE


def test_more_wait_than_a_server_asks_for() -> None:
    async def wait_for_all(port: int) -> int:
        # Whom the system keeps waiting is connected before anybody lets him in.
        made = [await asyncio.open_connection("127.0.0.1", port) for _ in range(50)]
        for _, writer in made:
            writer.close()
        return len(made)

    with Listener.at("127.0.0.1", 0) as listener:
        listener.listen(1)
        assert asyncio.run(wait_for_all(listener.getsockname()[1])) == 50


def test_an_address_that_is_taken_is_said() -> None:
    with Listener.at("127.0.0.1", 0) as one:
        one.listen()
        with pytest.raises(InputError, match="cannot be listened on"):
            Listener.at("127.0.0.1", one.getsockname()[1])


@pytest.mark.parametrize(("host", "url"), [("127.0.0.1", "http://127.0.0.1:"), ("::1", "http://[::1]:")])
def test_its_address_is_one_that_a_browser_takes(host: str, url: str) -> None:
    with Listener.at(host, 0) as listener:
        assert listener.url.startswith(url)
