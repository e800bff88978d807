"""Where answers wait for detection, nothing of one leaves before, in however many parts it comes."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from app.guard.in_time.test_judged_first import standing
from app.guard.test_warming import attack, first_finding
from caponier.app.guard.order import EventOrder
from caponier.app.inference.live import LiveFindings
from caponier.app.inference.plan import DetectionSettings

PADDING = 40_000
"""Bytes of each part: more than one of them is more than is passed on in one piece."""


STREAM = [(b"content-type", b"text/event-stream")]
UNTOLD = [(b"content-type", b"application/json")]


def in_parts(rows: list[dict[str, Any]], told: list[tuple[bytes, bytes]]) -> Any:
    labels = {row["input"].tobytes(): int(row["label"]) for row in rows}

    async def model(_: Any, receive: Any, send: Any) -> None:
        asked = np.array(orjson.loads((await receive())["body"])["instances"][0], np.float32)
        said = orjson.dumps({"predictions": [labels[asked.tobytes()]]})
        is_stream = told == STREAM
        whole = b"data: " + said + b"\n\n:" + b" " * 2 * PADDING if is_stream else said + b" " * 2 * PADDING
        headers = told or [(b"content-length", b"%d" % len(whole))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for at in range(0, len(whole), PADDING):
            await send({"type": "http.response.body", "body": whole[at : at + PADDING], "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return model


def asked(guard: Any, rows: list[dict[str, Any]]) -> tuple[list[int], list[int]]:
    """Return the statuses, and how many bytes came of each answer."""
    statuses: list[int] = []
    sizes: list[int] = []

    async def ask_all() -> None:
        for row in rows:
            body = orjson.dumps({"instances": [row["input"].tolist()]})
            sizes.append(0)

            async def receive(body: bytes = body) -> dict[str, Any]:
                return {"type": "http.request", "body": body}

            async def send(message: dict[str, Any]) -> None:
                statuses.extend([message["status"]] if "status" in message else [])
                sizes[-1] += len(message.get("body", b""))

            scope = {"type": "http", "method": "POST", "path": "/v1/models/m:predict", "client": ("10.0.0.1", 1)}
            await guard(scope | {"headers": [(b"x-api-key", b"eve")]}, receive, send)

    asyncio.run(ask_all())
    return statuses, sizes


@pytest.mark.parametrize("told", [[], UNTOLD, STREAM], ids=["stated length", "chunks", "events"])
def test_an_answer_in_parts_is_held_back_as_a_whole(tmp_path: Path, told: list[tuple[bytes, bytes]]) -> None:
    rows = attack(EventOrder())
    guard = standing(tmp_path, rows, app=in_parts(rows, told))
    whole = first_finding(LiveFindings(DetectionSettings.of(guard._workspace), EventOrder().event_id), rows)
    assert whole is not None
    guard.start()
    statuses, sizes = asked(guard, rows[: whole + 2])
    guard.close()
    assert statuses == [200] * (whole - 1) + [429] * 3
    assert min(sizes[: whole - 1]) > 2 * PADDING, "whoever is not blocked gets it all"
    assert max(sizes[whole - 1 :]) < 100, "nothing of the model's answer"
    assert guard.metrics.total("lost_events") == 0
