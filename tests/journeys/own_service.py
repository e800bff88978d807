"""A small web service that is not ours: it serves a network, and logs in a form that nobody has heard of."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import orjson
from fastapi import FastAPI, Header, Request

Rows = np.ndarray
Predict = Callable[[Rows], Rows]


class Shop:
    """What its operators would start: an application, a log and a clock."""

    def __init__(self, predict: Predict, log: TextIO) -> None:
        self.predict, self.log, self.now = predict, log, datetime.min
        self.app = FastAPI()
        self.app.post("/read-digit")(self.read_digit)

    async def read_digit(self, request: Request, x_customer: str = Header()) -> dict[str, Any]:
        """Answer one picture, and note it down."""
        pixels = orjson.loads(await request.body())["picture"]
        odds = self.predict(np.array([pixels], np.float32))[0]
        answer = {"digit": int(odds.argmax()), "odds": [round(float(odd), 6) for odd in odds]}
        line = {"at": self.now.isoformat(), "who": {"customer": x_customer}, "sent": {"picture": pixels},
                "said": answer, "svc": "read-digit"}  # fmt: skip
        self.log.write(orjson.dumps(line).decode() + "\n")
        return answer


def replay(rows: list[dict[str, Any]], predict: Predict, log: Path) -> list[dict[str, Any]]:
    """Send rows to the service in their order, through all of FastAPI but the socket, and return its answers."""
    with log.open("w") as stream:
        shop = Shop(predict, stream)
        return asyncio.run(_all(shop, rows))


async def _all(shop: Shop, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answers = []
    for row in rows:
        shop.now = row["time"]
        answers.append(await _post(shop.app, row["principal"], {"picture": row["input"]}))
    return answers


async def _post(app: FastAPI, customer: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = [(b"x-customer", customer.encode()), (b"content-type", b"application/json")]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/read-digit", "raw_path": b"/read-digit", "query_string": b"", "headers": headers,
        "client": ("203.0.113.9", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": orjson.dumps(body), "more_body": False}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    await app(scope, receive, send)
    assert sent[0]["status"] == 200, sent
    answer: dict[str, Any] = orjson.loads(b"".join(one.get("body", b"") for one in sent[1:]))
    return answer
