"""Whole bodies of requests and responses in a field of a log, read as the guard reads them."""

import base64
import re
from dataclasses import dataclass
from typing import Any, Final

from caponier.records.inventory import FeatureSpec
from caponier.telemetry import plain_json
from caponier.telemetry.body_keys import HOLDING
from caponier.telemetry.field_maps.seldon_messages import is_seldon, out_of_seldon
from caponier.telemetry.field_maps.tensor_protos import is_tensor_message, out_of_tensors
from caponier.telemetry.inference_body import Answer, Body, answer, asked

MOST_LINES: Final = 10_000
_CSV: Final = re.compile(r"\s*[-+]?[0-9.][0-9.eE+-]*\s*(,\s*[-+]?[0-9.][0-9.eE+-]*\s*)*")
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
    names: tuple[str, ...] = ()
    """Of its columns as they stand there, where nothing but these says which is which."""
    texts: tuple[str, ...] = ()
    """Those of them that hold text."""
    problem: str | None = None
    """Why a part of it was not read; nothing in it comes from the body."""

    @property
    def count(self) -> int:
        """Records that it makes: one at least, as its caller asked something."""
        return len(self.inputs) if self.inputs else 1


def is_request(value: Any) -> bool:
    """Tell whether a field holds the request of a model server's protocol."""
    try:
        body = value if isinstance(value, dict) else plain_json.loads(value)
        return not set(HOLDING).isdisjoint(body) or is_seldon(body)
    except _BAD:
        return False


def exchange_of(request: Any, response: Any, takes: FeatureSpec | None = None) -> LoggedExchange:
    """Read a request, as an object or as JSON or CSV, also in base64, and its response.

    Args:
        request: As it stands in the log.
        response: The same.
        takes: What the model takes, where that is known.
    """
    if request is None or request == "":
        return LoggedExchange()
    try:
        found = asked(_body(request, "instances"), takes=takes)
        inputs, shape = found.rows, found.shape
    except _BAD as bad:
        return LoggedExchange(problem=f"request: {why(bad)}")
    said, problem = Answer(), None
    if response is not None and response != "":
        try:
            said = answer(_body(response, "predictions"), len(inputs))
        except _BAD as bad:
            problem = f"response: {why(bad)}"
    scores = None if said.scores is None else said.scores.tolist()
    return LoggedExchange(inputs.tolist(), None, shape, said.labels, scores, found.names, found.texts, problem)


def why(bad: Exception) -> str:
    """Say what is wrong without repeating what stands in a body."""
    return f"no {bad.args[0]!r}" if isinstance(bad, KeyError) else str(bad)


def _body(value: Any, rows_under: str) -> Body:
    """Return a body as an object; rows that stand there bare are put under the key that KServe v1 has for them."""
    if isinstance(value, str):
        value = _parsed(value.strip())
    if isinstance(value, list):
        return {rows_under: value}
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    if is_tensor_message(value):
        return out_of_tensors(value)
    return out_of_seldon(value, rows_under) if is_seldon(value) else value


def _parsed(text: str) -> Any:
    if text[:1] in ("{", "["):
        return plain_json.loads(text)
    lines = text.splitlines()
    if len(lines) <= MOST_LINES and all(_CSV.fullmatch(line) for line in lines):
        rows = [[float(cell) for cell in line.split(",")] for line in lines]
        return [row[0] for row in rows] if all(len(row) == 1 for row in rows) else rows
    decoded = base64.b64decode(text, validate=True).decode().strip()
    if decoded[:1] in ("{", "[") or _CSV.match(decoded):
        return _parsed(decoded)
    raise ValueError("neither JSON nor rows of numbers")
