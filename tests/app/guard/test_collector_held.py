"""Whoever opens connections to the collector and sends nothing, or no end of it, keeps no sender out."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread

import pytest

from caponier.app.guard.collect import Collector
from caponier.app.guard.run import collector_server
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.guard.settings import GuardSettings
from guard.loopback import ask
from pace import HANG, wait_for

LINE = b'{"time": "2026-12-01T00:00:00Z", "model": "m", "operation": "predict"}\n'
LINES = [("content-type", "application/x-ndjson")]


@contextmanager
def collecting(folder: Path, **settings: float) -> Iterator[str]:
    create_workspace(folder)
    collector = Collector(require_workspace(folder), body_s=0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = collector_server(collector, GuardSettings(**settings))  # type: ignore[arg-type]
        thread = Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        wait_for(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(HANG)


@pytest.mark.parametrize(
    ("begun", "said"),
    [(b"POST / HTTP/1.1\r\n", b""), (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", b"HTTP/1.1 408")],
    ids=["head", "body"],
)
def test_what_never_ends_is_given_up(tmp_path: Path, begun: bytes, said: bytes) -> None:
    with collecting(tmp_path, header_timeout=1, connections_per_address=2) as url:
        port = int(url.rpartition(":")[2])
        with closing(socket.create_connection(("127.0.0.1", port), timeout=HANG)) as made:
            made.sendall(begun)
            got = b"".join(iter(lambda: made.recv(1_000), b""))
            assert got.startswith(said)
        wait_for(lambda: ask(url, "/", LINE, headers=LINES).status == 202)
