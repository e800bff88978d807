"""Where an answer waits for detection, the answer to the query that gives an attacker away does not leave."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from app.guard.test_run import BLOCK_ONLY
from app.guard.test_warming import MODEL, attack, first_finding
from caponier.app.guard.order import EventOrder
from caponier.app.guard.run import Guard
from caponier.app.inference.live import LiveFindings
from caponier.app.inference.plan import DetectionSettings
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.guard.settings import GuardSettings


def standing(folder: Path, rows: list[dict[str, Any]], *, app: Any = None, **settings: Any) -> Guard:
    create_workspace(folder)
    (folder / "block.yaml").write_text(BLOCK_ONLY)
    with (folder / "caponier.toml").open("a") as file:
        file.write(f'[respond]\nplaybooks = ["block.yaml"]\nshipped_playbook = false\n{MODEL}')
    labels = {orjson.dumps(row["input"].tolist()): row["label"] for row in rows}

    async def model(_: Any, receive: Any, send: Any) -> None:
        asked = orjson.loads((await receive())["body"])["instances"][0]
        label = labels.get(orjson.dumps(np.array(asked, np.float32).tolist()), "0")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": orjson.dumps({"predictions": [int(label)]})})

    given = GuardSettings(**{"mode": "enforce", "judge_within": 5.0, **settings})
    return Guard(require_workspace(folder), given, app=app or model)


def answered(guard: Guard, rows: list[dict[str, Any]], key: str = "eve") -> list[int]:
    """Return the statuses of all rows, asked one after the other."""
    statuses: list[int] = []

    async def ask_all() -> None:
        for row in rows:
            body = orjson.dumps({"instances": [row["input"].tolist()]})

            async def receive(body: bytes = body) -> dict[str, Any]:
                return {"type": "http.request", "body": body}

            async def send(message: dict[str, Any]) -> None:
                statuses.extend([message["status"]] if "status" in message else [])

            scope = {"type": "http", "method": "POST", "path": "/v1/models/m:predict", "client": ("10.0.0.1", 1)}
            await guard(scope | {"headers": [(b"x-api-key", key.encode())]}, receive, send)

    asyncio.run(ask_all())
    return statuses


def test_nobody_gets_the_answer_that_gave_him_away(tmp_path: Path) -> None:
    rows = attack(EventOrder())
    guard = standing(tmp_path, rows)
    whole = first_finding(LiveFindings(DetectionSettings.of(guard._workspace), EventOrder().event_id), rows)
    assert whole is not None
    guard.start()
    statuses = answered(guard, rows[: whole + 3])
    assert statuses == [200] * (whole - 1) + [429] * 4
    assert answered(guard, rows[:3], key="ada") == [200] * 3
    guard.close()
    assert guard.metrics.total("refused") == 4


def test_without_waiting_some_answers_leave(tmp_path: Path) -> None:
    rows = attack(EventOrder())
    guard = standing(tmp_path, rows, judge_within=0, judge_doubted=0)
    whole = first_finding(LiveFindings(DetectionSettings.of(guard._workspace), EventOrder().event_id), rows)
    assert whole is not None
    guard.start()
    assert answered(guard, rows[:whole]) == [200] * whole
    guard.close()


def test_what_is_not_looked_at_in_time_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = attack(EventOrder(), 3)
    guard = standing(tmp_path, rows, judge_within=0.05)
    guard._take_over()
    assert answered(guard, rows) == [200] * 3, "nobody works here"
    guard.work.recover()
    assert guard.metrics.total("events") == 3
    guard.work.backlog.spool.close()  # type: ignore[union-attr]
