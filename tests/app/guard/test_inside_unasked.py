"""A guard inside an application that nobody tells of its beginning, that stands below a prefix, or that fails."""

import asyncio
import socket
from http.client import IncompleteRead
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware as Entry
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Mount, Route

from caponier.app.guard.inside import GuardInside
from caponier.app.workspace.workspace import create_workspace
from caponier.guard.settings import GuardSettings
from guard.loopback import ask, serving
from pace import HANG, wait_for

PREDICT = "/v1/models/fraud:predict"
JSON = [("x-api-key", "key-1"), ("content-type", "application/json")]
BODY = orjson.dumps({"instances": [[1, 2.0]]})


def guarded(folder: Path, **settings: Any) -> Starlette:
    async def predict(request: Request) -> Any:
        asked = await request.json()
        if asked.get("id") == "boom":
            raise RuntimeError("a handler that nobody has tested")
        if asked.get("id") == "half":

            async def half() -> Any:
                yield b"half"
                raise RuntimeError("a model that dies")

            return StreamingResponse(half())
        return JSONResponse({"predictions": [[0.123, 0.877] for _ in asked["instances"]]})

    create_workspace(folder)
    entry = Entry(GuardInside, workspace=folder, settings=GuardSettings(**settings))
    return Starlette(routes=[Route(PREDICT, predict, methods=["POST"])], middleware=[entry])


def ended(app: Starlette) -> None:
    inside: Any = app.middleware_stack
    inside.app.close()


def events(folder: Path) -> list[dict[str, Any]]:
    files = (folder / "lake").rglob("*.jsonl")
    return [orjson.loads(line) for file in files for line in file.read_bytes().splitlines()]


def asked(folder: Path) -> list[tuple[str, str, int, Any]]:
    return [(one["operation"], one["model"], one["status"], one.get("input")) for one in events(folder)]


def test_one_that_is_mounted_in_another_begins_with_the_first_request(tmp_path: Path) -> None:
    app = guarded(tmp_path)
    with serving(Starlette(routes=[Mount("/fraud", app)])) as url:
        assert ask(url, f"/fraud{PREDICT}", BODY, headers=JSON).status == 200
        assert orjson.loads(ask(url, "/fraud/-/healthz").body)["detection"] == "ok"
        wait_for(lambda: bool(events(tmp_path)))
    ended(app)
    assert asked(tmp_path) == [("predict", "fraud", 200, [1.0, 2.0])]


def test_one_that_is_served_without_a_lifespan_begins_once(tmp_path: Path) -> None:
    app = guarded(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
        thread = Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        wait_for(lambda: server.started)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        at_once = [Thread(target=ask, args=(url, PREDICT, BODY, None, JSON)) for _ in range(4)]
        for one in at_once:
            one.start()
        for one in at_once:
            one.join(HANG)
        wait_for(lambda: len(events(tmp_path)) == 4)
        server.should_exit = True
        thread.join(HANG)
    ended(app)
    assert asked(tmp_path) == [("predict", "fraud", 200, [1.0, 2.0])] * 4


def test_an_application_may_live_twice_in_a_process(tmp_path: Path) -> None:
    app = guarded(tmp_path)
    for _ in range(2):
        with serving(app) as url:
            assert ask(url, PREDICT, BODY, headers=JSON).status == 200
    assert len(events(tmp_path)) == 2


def test_one_that_cannot_begin_ends_the_application_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    app, sent = guarded(tmp_path, spool=Path("file")), []

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app({"type": "lifespan", "asgi": {}, "state": {}}, receive, send))
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    assert "the spool cannot be used" in sent[0]["message"]


def test_what_is_asked_below_a_prefix_or_fails_is_recorded_as_the_caller_saw_it(tmp_path: Path) -> None:
    """Starlette takes a path with its prefix and without it for the same."""
    app = guarded(tmp_path)

    async def below(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "root_path": "/api"}, receive, send)

    def named(id_: str) -> bytes:
        return orjson.dumps({"instances": [[1, 2.0]], "id": id_})

    with serving(below) as url:
        assert ask(url, f"/api{PREDICT}", BODY, headers=JSON).status == 200
        assert ask(url, PREDICT, named("boom"), headers=JSON).status == 500
        with pytest.raises(IncompleteRead):
            ask(url, PREDICT, named("half"), headers=JSON)
    assert asked(tmp_path) == [("predict", "fraud", status, [1.0, 2.0]) for status in (200, 500, 200)]


def test_proxies_that_are_trusted_are_so_inside_an_application_too(tmp_path: Path) -> None:
    app = guarded(tmp_path, trusted_proxies=("127.0.0.1",))
    with serving(app) as url:
        for caller in ("192.0.2.1", "192.0.2.2:81"):
            assert (
                ask(url, PREDICT, BODY, headers=[*JSON[1:], ("x-forwarded-for", f"10.9.9.9, {caller}")]).status == 200
            )
    assert [one["source_ip"] for one in events(tmp_path)] == ["192.0.2.1", "192.0.2.2"]
