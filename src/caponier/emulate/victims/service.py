"""A model behind the Open Inference Protocol: routes, keys, limits, and a record of every request."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
import orjson

from caponier.emulate.caller.oracle import Predict
from caponier.emulate.event_log import Deployment
from caponier.emulate.images import FEATURES, Images
from caponier.emulate.victims import explanation, open_inference
from caponier.emulate.victims.open_inference import MalformedError

Scope: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Any]
Send: TypeAlias = Callable[[dict[str, Any]], Any]
Record: TypeAlias = Callable[[list[dict[str, Any]]], None]
"""Takes the events of one request, one a row, as columns by name."""
PrincipalOf: TypeAlias = Callable[[str | None], str | None]
"""From a key, or None if there was none, to who asks; None if the key is not good."""
Clock: TypeAlias = Callable[[], datetime]
"""Tells the time; simulated days have a clock of their own."""
Available: TypeAlias = Callable[[datetime], bool]
"""Whether the model works at a moment; in an outage every question to it gets 503."""

BODY_LIMIT = 1 << 20
LONGEST_NAME = 200
"""Names from a path are recorded up to this length, so that nobody fills the log by one request."""
_PATH = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?(/infer|/ready)?")
_EXPLAIN = re.compile(r"/v1/models/([^/:]+):explain")


class _RefusalError(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(slots=True)
class _Exchange:
    """One request on its way: what was asked so far, and what is to be recorded of it."""

    method: str
    path: str
    headers: dict[bytes, bytes]
    source_ip: str | None
    time: datetime
    begun: float
    operation: str = "other"
    model: str | None = None
    principal: str | None = None
    request_id: str | None = None
    rows: Images | None = None
    scores: Images | None = None
    status: int = 200

    def header(self, name: bytes) -> str | None:
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")


class ModelService:
    """An ASGI application that serves one model.

    Args:
        predict: Rows (n, 64) to class scores (n, 10).
        deployment: Names of the model, its version and its system.
        record: Takes the events of each request; it is called in the server's thread, and before the answer leaves.
        principal_of: Who a key belongs to.
        body_limit: Most bytes of a body.
        clock: When requests arrive.
        available: In which moments the model works.
    """

    def __init__(
        self,
        predict: Predict,
        deployment: Deployment,
        record: Record,
        principal_of: PrincipalOf,
        body_limit: int = BODY_LIMIT,
        clock: Clock = lambda: datetime.now(UTC),
        available: Available = lambda _: True,
    ) -> None:
        self._predict = predict
        self._deployment = deployment
        self._record = record
        self._principal_of = principal_of
        self._body_limit = body_limit
        self._clock = clock
        self._available = available
        self._classes = predict(np.zeros((1, FEATURES), np.float32)).shape[1]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; see the ASGI specification, version 3."""
        if scope["type"] != "http":
            return
        exchange = _begin(scope, self._clock())
        try:
            self._recognise(exchange)
            body = await self._answer(exchange, receive)
        except _RefusalError as refusal:
            exchange.status = refusal.status
            body = orjson.dumps({"error": str(refusal)})
        self._record(self._events(exchange))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": exchange.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, exchange: _Exchange, receive: Receive) -> bytes:
        """Find the route and follow it."""
        path = exchange.path.rstrip("/")
        if path in ("/v2/health/live", "/v2/health/ready"):
            exchange.operation = "health"
            return _get(exchange, {path.rsplit("/", 1)[1]: True})
        if path == "/v2":
            exchange.operation = "metadata"
            return _get(exchange, {"name": "caponier-emulation", "version": "2", "extensions": []})
        if match := _EXPLAIN.fullmatch(path):
            self._enter(exchange, "explain", match[1])
            return await self._explain(exchange, receive)
        match = _PATH.fullmatch(path)
        if match is None:
            raise _RefusalError(404, "there is nothing at this path")
        model, version, action = match.groups()
        operation = {"/infer": "predict", "/ready": "health"}.get(action, "metadata")
        self._enter(exchange, operation, model, version)
        if action == "/infer":
            return await self._infer(exchange, receive)
        return _get(exchange, self._ready() if action else self._metadata())

    def _recognise(self, exchange: _Exchange) -> None:
        """Note who asks, also where nobody has to say so."""
        scheme, _, key = (exchange.header(b"authorization") or "").partition(" ")
        exchange.principal = self._principal_of(key if scheme.lower() == "bearer" and key else None)

    def _enter(self, exchange: _Exchange, operation: str, model: str, version: str | None = None) -> None:
        """Let a request in to a model that is there and works; anybody may ask whether it is ready."""
        exchange.model, exchange.operation = model[:LONGEST_NAME], operation
        if operation != "health" and exchange.principal is None:
            raise _RefusalError(401, "a valid key is needed: Authorization: Bearer <key>")
        self._check_model(model, version)
        if not self._available(exchange.time):
            raise _RefusalError(503, "the model is not available; try again later")

    def _check_model(self, model: str, version: str | None) -> None:
        if model != self._deployment.model:
            raise _RefusalError(404, f"model {model[:LONGEST_NAME]!r} is not served here")
        if version is not None and version != self._deployment.model_version:
            raise _RefusalError(404, f"version {version[:LONGEST_NAME]!r} of this model is not served here")

    def _ready(self) -> dict[str, Any]:
        return {"name": self._deployment.model, "ready": True}

    def _metadata(self) -> dict[str, Any]:
        place = self._deployment
        return open_inference.metadata(place.model, place.model_version, FEATURES, self._classes)

    async def _infer(self, exchange: _Exchange, receive: Receive) -> bytes:
        if exchange.method != "POST":
            raise _RefusalError(405, "inference is asked for with POST")
        body = await self._body(exchange, receive)
        try:
            query = open_inference.parse(body, FEATURES)
        except MalformedError as malformed:
            raise _RefusalError(400, malformed.what) from malformed
        exchange.request_id = query.request_id
        scores = self._predict(query.rows)
        exchange.rows, exchange.scores = query.rows, scores
        return open_inference.answer(query, scores, self._deployment.model, self._deployment.model_version)

    async def _explain(self, exchange: _Exchange, receive: Receive) -> bytes:
        if exchange.method != "POST":
            raise _RefusalError(405, "explanations are asked for with POST")
        body = await self._body(exchange, receive)
        try:
            question = explanation.parse(body, FEATURES)
        except MalformedError as malformed:
            raise _RefusalError(400, malformed.what) from malformed
        scores = self._predict(question.rows)
        exchange.rows, exchange.scores = question.rows, scores
        return explanation.answer(scores, explanation.occlusion(self._predict, question.rows, scores))

    async def _body(self, exchange: _Exchange, receive: Receive) -> bytes:
        """Read the body, but no more of it than the limit; what it says about its own length is only a hint."""
        stated = exchange.header(b"content-length") or "0"
        if stated.isdigit() and int(stated) > self._body_limit:
            raise _RefusalError(413, f"the body is larger than {self._body_limit} bytes")
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._body_limit:
                raise _RefusalError(413, f"the body is larger than {self._body_limit} bytes")
        return body

    def _events(self, exchange: _Exchange) -> list[dict[str, Any]]:
        """Return what is recorded of a request: one event a row, or one without input if there was no answer."""
        shared = {
            "time": exchange.time,
            "request_id": exchange.request_id or exchange.header(b"x-request-id"),
            "system": self._deployment.system,
            "model": exchange.model or self._deployment.model,
            "model_version": self._deployment.model_version,
            "principal": exchange.principal,
            "session": exchange.header(b"x-on-behalf-of"),
            "source_ip": exchange.source_ip,
            "operation": exchange.operation,
            "latency_ms": (perf_counter() - exchange.begun) * 1000,
            "status": exchange.status,
            "user_agent": exchange.header(b"user-agent"),
        }
        if exchange.rows is None or exchange.scores is None:
            return [shared]
        labels = exchange.scores.argmax(axis=1).tolist()
        return [
            {**shared, "input": row, "input_shape": [FEATURES], "label": str(label), "scores": scores}
            for row, label, scores in zip(exchange.rows, labels, exchange.scores, strict=True)
        ]


def _begin(scope: Scope, moment: datetime) -> _Exchange:
    client = scope.get("client")
    return _Exchange(
        method=scope["method"],
        path=scope["path"],
        headers=dict(scope["headers"]),
        source_ip=client[0] if client else None,
        time=moment,
        begun=perf_counter(),
    )


def _get(exchange: _Exchange, document: dict[str, Any]) -> bytes:
    if exchange.method != "GET":
        raise _RefusalError(405, "this path is asked with GET")
    return orjson.dumps(document)
