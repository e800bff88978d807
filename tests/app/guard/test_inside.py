"""The examples of the documentation: a guard inside FastAPI and inside Starlette."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware as Entry
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from caponier.app.guard.inside import GuardInside
from caponier.app.workspace.workspace import create_workspace
from caponier.guard.settings import GuardSettings
from guard.loopback import ask, serving

PREDICT = "/v1/models/fraud:predict"


def fastapi(folder: Path, settings: GuardSettings) -> Any:
    app = FastAPI()
    app.add_middleware(GuardInside, workspace=folder, settings=settings)

    @app.post(PREDICT)
    def predict(body: dict[str, Any]) -> dict[str, Any]:
        return {"predictions": [[0.123, 0.877] for _ in body["instances"]]}

    return app


def starlette(folder: Path, settings: GuardSettings) -> Any:
    async def predict(request: Request) -> JSONResponse:
        rows = (await request.json())["instances"]
        return JSONResponse({"predictions": [[0.123, 0.877] for _ in rows]})

    entry = Entry(GuardInside, workspace=folder, settings=settings)
    return Starlette(routes=[Route(PREDICT, predict, methods=["POST"])], middleware=[entry])


@pytest.mark.parametrize("made", [fastapi, starlette])
def test_what_the_application_answers_is_recorded(made: Callable[..., Any], tmp_path: Path) -> None:
    create_workspace(tmp_path)
    with serving(made(tmp_path, GuardSettings())) as url:
        for n in range(3):
            body = orjson.dumps({"instances": [[n, 1.0]]})
            reply = ask(url, PREDICT, body, headers=[("x-api-key", "key-1"), ("content-type", "application/json")])
            assert orjson.loads(reply.body) == {"predictions": [[0.123, 0.877]]}
        assert orjson.loads(ask(url, "/-/healthz").body)["detection"] == "ok"
        assert ask(url, "/elsewhere").status == 404
    events = [
        orjson.loads(line) for file in (tmp_path / "lake").rglob("*.jsonl") for line in file.read_bytes().splitlines()
    ]
    asked = [event for event in events if event["operation"] == "predict"]
    assert [event["input"] for event in asked] == [[n, 1.0] for n in range(3)]
    assert {event["model"] for event in asked} == {"fraud"}
    assert asked[0]["scores"] == pytest.approx([0.123, 0.877])
