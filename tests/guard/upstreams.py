"""Model servers for tests: one that tells what it was asked, and one that misbehaves."""

import asyncio
import gzip
from typing import Any

import orjson


async def body_of(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def lifespan(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


class Echo:
    """Answers with what it was asked, and keeps it; headers `x-answer-…` of the request come back as `…`."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        body = await body_of(receive)
        given = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        told = {"method": scope["method"], "path": path, "query": query, "headers": given, "body": body}
        self.asked.append(told)
        answer = orjson.dumps(told | {"body": body.hex(), "headers": []})
        status = int(dict(given).get("x-status", 200))
        own = [(b"content-type", b"application/json"), (b"x-own", b"1"), (b"x-own", b"2"), (b"set-cookie", b"a=b")]
        if any(name == "accept-encoding" and "gzip" in value for name, value in given):
            answer = gzip.compress(answer, mtime=0)
            own.append((b"content-encoding", b"gzip"))
        if status in (204, 304):
            answer = b""
        else:
            own.append((b"content-length", str(len(answer)).encode()))
        back = [(name[9:].encode(), value.encode("latin-1")) for name, value in given if name.startswith("x-answer-")]
        await send({"type": "http.response.start", "status": status, "headers": own + back})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer})


class Troubled:
    """Answers late, in pieces, too much, or only in part, by its path."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        await body_of(receive)
        path = scope["path"]
        if path == "/late":
            await asyncio.sleep(1.5)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        for i in range(5 if path == "/pieces" else 0):
            await send({"type": "http.response.body", "body": f"{i}".encode(), "more_body": True})
            await asyncio.sleep(0.25)
        if path == "/large":
            for _ in range(40):
                await send({"type": "http.response.body", "body": b"x" * 2**17, "more_body": True})
        if path == "/broken":
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise RuntimeError("the model server dies")
        await send({"type": "http.response.body", "body": b"done"})
