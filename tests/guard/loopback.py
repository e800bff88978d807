"""Any ASGI application on a free port of the loopback address, and plain requests to it."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from pace import HANG, wait_for


class PromptServer(uvicorn.Server):
    """Looks every few milliseconds whether it is to stop: uvicorn's tenth of a second is most of a short test."""

    async def main_loop(self) -> None:
        while not self.should_exit:
            await asyncio.sleep(0.005)


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve an application in a thread; give its URL."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, access_log=False, log_config=None, log_level="critical", ws="none", date_header=False,
            server_header=False, timeout_graceful_shutdown=1, proxy_headers=False,
        )  # fmt: skip
        server = PromptServer(config)
        thread = Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        wait_for(lambda: server.started or not thread.is_alive())
        assert server.started
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(HANG)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known.lower() == name), None)


def ask(
    url: str,
    path: str,
    body: bytes | None = None,
    method: str | None = None,
    headers: list[tuple[str, str]] | None = None,
    connection: HTTPConnection | None = None,
) -> Reply:
    """Send one request with exactly these headers besides Host and Content-Length."""
    parts = urlsplit(url)
    open_one = connection or HTTPConnection(parts.hostname or "", parts.port, timeout=HANG)
    try:
        open_one.putrequest(method or ("GET" if body is None else "POST"), path, skip_accept_encoding=True)
        for name, value in headers or []:
            open_one.putheader(name, value)
        if body is not None:
            open_one.putheader("Content-Length", str(len(body)))
        open_one.endheaders(body)
        response = open_one.getresponse()
        return Reply(response.status, response.getheaders(), response.read())
    finally:
        if connection is None:
            open_one.close()
