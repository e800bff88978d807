"""Receivers of alerts on the loopback address, and a workspace that sends to them."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import orjson

from caponier.app.incidents.findings import record_findings
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.records.finding import Finding
from caponier.records.inventory import Workspace
from guard.loopback import serving
from guard.upstreams import body_of, lifespan
from pace import HANG
from respond.made import finding

SECRET = "a-secret-of-some-length"


class Receiver:
    """Takes what is sent over HTTP; answers with the statuses that it is given, the last of them for ever."""

    def __init__(self, *statuses: int) -> None:
        self.taken: list[tuple[str, dict[str, str], bytes]] = []
        self.statuses = list(statuses) or [200]

    @property
    def bodies(self) -> list[Any]:
        return [orjson.loads(body) for _, _, body in self.taken]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        body = await body_of(receive)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.taken.append((scope["path"], headers, body))
        answer = b'{"text":"Success","code":0}'
        if scope["path"].endswith("/_bulk") and status == 200:
            lines = [orjson.loads(line) for line in body.splitlines()]
            items = [{"create": {"_id": line["create"]["_id"], "status": 201}} for line in lines[::2]]
            answer = orjson.dumps({"errors": False, "items": items})
        head = [(b"location", b"http://127.0.0.1:9/")] if status == 302 else []
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": answer})


@contextmanager
def receiving(*statuses: int) -> Iterator[tuple[Receiver, str]]:
    receiver = Receiver(*statuses)
    with serving(receiver) as url:
        yield receiver, url


@contextmanager
def listening(kind: int) -> Iterator[tuple[list[bytes], int]]:
    """Take datagrams, or all that comes over connections."""
    got: list[bytes] = []
    with socket.socket(socket.AF_INET, kind) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(HANG)

        def take() -> None:
            listener.listen()
            connection, _ = listener.accept()
            with connection:
                while part := connection.recv(65_536):
                    got.append(part)

        thread = Thread(target=take, daemon=True)
        if kind == socket.SOCK_STREAM:
            thread.start()
        yield got, listener.getsockname()[1]
        if kind == socket.SOCK_STREAM:
            thread.join(HANG)
        else:
            listener.settimeout(0.2)
            try:
                while True:
                    got.append(listener.recv(65_536))
            except TimeoutError:
                pass


def workspace_with(folder: Path, *routes: dict[str, Any], **changes: Any) -> Workspace:
    if not (folder / "caponier.toml").exists():
        create_workspace(folder)
        (folder / "secret").write_text(f"{SECRET}\n")
    return require_workspace(folder).model_copy(update={"routes": routes, **changes})


def found(n: int, **changes: Any) -> Finding:
    return finding(n, f"k-{n}", model="digits", **changes)


def record(workspace: Workspace, *findings: Finding) -> None:
    record_findings(workspace, findings, actor="test")
