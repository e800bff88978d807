"""Whole bodies of requests and responses in a field of a log, read as the guard reads them."""

import base64
from dataclasses import dataclass
from typing import Any, Final

from caponier.telemetry import plain_json
from caponier.telemetry.inference_body import PROTOCOL_KEYS, Answer, Body, answer, examples

_BAD: Final = (KeyError, TypeError, ValueError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class LoggedExchange:
    """What one row of a log says that was asked and answered."""

    inputs: list[Any] | None = None
    """(n,) lists of numbers; None where the request cannot be read."""
    raw: list[str] | None = None
    """(n,) rows as they came, as JSON, where they hold more than numbers."""
    shape: list[int] | None = None
    labels: list[str] | None = None
    scores: list[list[float]] | None = None
    problem: str | None = None
    """Why a part of it was not read; nothing in it comes from the body."""

    @property
    def count(self) -> int:
        """Records that it makes: one at least, as its caller asked something."""
        return len(self.inputs) if self.inputs else 1


def is_request(value: Any) -> bool:
    """Tell whether a field holds the request of a model server's protocol."""
    try:
        return bool(PROTOCOL_KEYS & set(_body(value)))
    except _BAD:
        return False


def exchange_of(request: Any, response: Any) -> LoggedExchange:
    """Read a request, as an object or as JSON, also in base64, and its response."""
    if request is None or request == "":
        return LoggedExchange()
    try:
        inputs, shape = examples(_body(request))
    except _BAD as bad:
        return LoggedExchange(problem=f"request: {why(bad)}")
    said, problem = Answer(), None
    if response is not None and response != "":
        try:
            said = answer(_body(response), len(inputs))
        except _BAD as bad:
            problem = f"response: {why(bad)}"
    scores = None if said.scores is None else said.scores.tolist()
    return LoggedExchange(inputs.tolist(), None, shape, said.labels, scores, problem)


def why(bad: Exception) -> str:
    """Say what is wrong without repeating what stands in a body."""
    return f"no {bad.args[0]!r}" if isinstance(bad, KeyError) else str(bad)


def _body(value: Any) -> Body:
    if isinstance(value, str | bytes):
        text = value.strip()
        if text[:1] not in ("{", b"{"):
            text = base64.b64decode(text, validate=True)
        value = plain_json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    return value
