"""Whole bodies of requests and responses in a field of a log, read as the guard reads them."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from caponier.records.inventory import FeatureSpec
from caponier.telemetry import plain_json
from caponier.telemetry.body_keys import CARRIERS, HOLDING, ROOMY, folded
from caponier.telemetry.field_maps.answered.answers_in_words import answers_of_lines, answers_within, out_of_objects
from caponier.telemetry.field_maps.conversations import asked_in_words
from caponier.telemetry.field_maps.named_rows import numbers_in_text, split_table, table_of
from caponier.telemetry.field_maps.seldon_messages import is_seldon, out_of_seldon
from caponier.telemetry.field_maps.tensors.binary_tensors import whole_body
from caponier.telemetry.field_maps.tensors.tensor_protos import is_tensor_message, out_of_tensors
from caponier.telemetry.field_maps.value_kinds import nearly
from caponier.telemetry.inference_body import Answer, Body, answer, asked
from caponier.telemetry.readers.field_names import normal

MOST_LINES: Final = 10_000
_CSV: Final = re.compile(r"\s*[-+]?[0-9.][0-9.eE+-]*\s*(,\s*[-+]?[0-9.][0-9.eE+-]*\s*)*")
_NAME: Final = re.compile(r"[^\W\d][\w .-]{0,39}")
"""A class in words: no number, no JSON, and too short for a body in base64."""
_ANSWERING: Final = frozenset(("predictions", "outputs"))
_ROWS: Final = frozenset(("features", "data", "input", "instance", "vector", "values", "row", "x"))
"""Under one of these alone services of one's own have what they are asked."""
_JSON: Final = ("{", "[", '"')
_WHOLE: Final = frozenset((*HOLDING, *_ANSWERING))
_BAD: Final = (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError)


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
        body = value if isinstance(value, dict) else _object(value)
        return not set(HOLDING).isdisjoint(body) or is_seldon(body) or table_of(body) is not None
    except _BAD:
        return False


def is_answer(value: Any) -> bool:
    """Tell whether a field holds the response of such a protocol, and no request."""
    try:
        body = value if isinstance(value, dict) else _object(value)
        return not _ANSWERING.isdisjoint(body) and set(HOLDING).isdisjoint(body)
    except _BAD:
        return False


def are_answers(values: Sequence[Any]) -> bool:
    """Tell whether nearly all of some values are such responses, and can be read."""
    told = [is_answer(value) and exchange_of(None, value).problem is None for value in values]
    return bool(told) and nearly(told)


def _object(text: str) -> Any:
    return plain_json.loads(text) if text.lstrip()[:1] == "{" else _parsed(text.strip())


def exchange_of(request: Any, response: Any, takes: FeatureSpec | None = None) -> LoggedExchange:
    """Read a request, as an object or as JSON or CSV, also in base64, and its response.

    Args:
        request: As it stands in the log.
        response: The same.
        takes: What the model takes, where that is known.
    """
    if request is None or request == "":
        return _answered(response)
    try:
        body = _with_rows(_body(request, "instances"))
        if (words := asked_in_words(body)) is not None:
            # What a model of texts wrote is no class; an answer that names one is read.
            said, _ = _said(response, 1)
            return LoggedExchange(raw=[words], labels=said.labels, scores=_listed(said))
        if "instances" in body and (takes is None or not takes.columns):
            body = {**body, "instances": numbers_in_text(body["instances"])}
        found = asked(body, takes=takes)
        inputs, shape = found.rows, found.shape
    except _BAD as bad:
        return LoggedExchange(problem=f"request: {why(bad)}")
    said, problem = _said(response, len(inputs))
    return LoggedExchange(inputs.tolist(), None, shape, said.labels, _listed(said), found.names, found.texts, problem)


def _listed(said: Answer) -> list[list[float]] | None:
    return None if said.scores is None else said.scores.tolist()


def _said(response: Any, count: int) -> tuple[Answer, str | None]:
    """Return what a response says to so many examples, or why that is not known."""
    if response is None or response == "":
        return Answer(), None
    try:
        body = _answer_body(response, count)
        if _ANSWERING.isdisjoint(body):
            # A container of one's own answers one example with one object, or each under a name of its own.
            body = {"predictions": answers_within(body, count)}
        return answer(out_of_objects(body), count), None
    except _BAD as bad:
        return Answer(), f"response: {why(bad)}"


def _answer_body(response: Any, count: int) -> Body:
    """Return a response as an object; lines that say nothing but a class each are as many predictions."""
    try:
        return _body(response, "predictions")
    except _BAD:
        lines = response.split("\n", count + 1) if isinstance(response, str) else []
        classes = [line.strip().strip('"') for line in (lines[:-1] if lines[-1:] == [""] else lines)]
        if len(classes) != count or not all(map(_NAME.fullmatch, classes)):
            raise
        return {"predictions": classes}


def _answered(response: Any) -> LoggedExchange:
    """Return what a response says whose request stands elsewhere."""
    try:
        count = len(_body(response, "predictions")["predictions"])
    except _BAD:
        count = 1
    said, problem = _said(response, count)
    scores = _listed(said)
    return LoggedExchange([None] * count if count > 1 else None, labels=said.labels, scores=scores, problem=problem)


def why(bad: Exception) -> str:
    """Say what is wrong without repeating what stands in a body."""
    return f"no {bad.args[0]!r}" if isinstance(bad, KeyError) else str(bad)


def _body(value: Any, rows_under: str) -> Body:
    """Return a body as an object; rows that stand there bare are put under the key that KServe v1 has for them."""
    if isinstance(value, str):
        value = _parsed(value.strip())
    if isinstance(value, list) and value and all(isinstance(one, str) and one.lstrip()[:1] in _JSON for one in value):
        # Vertex AI keeps a text of each example, or of the whole body.
        held = [plain_json.loads(one) for one in value]
        is_whole = len(held) == 1 and isinstance(held[0], dict) and not _WHOLE.isdisjoint(held[0])
        value = held[0] if is_whole else held
    if isinstance(value, list):
        return {rows_under: value}
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    if is_tensor_message(value):
        return out_of_tensors(value)
    return out_of_seldon(value, rows_under) if is_seldon(value) else value


def _with_rows(body: Body) -> Body:
    """Return a request of a container of one's own, an object of features or one around it, as KServe v1 has it.

    Where it has a key that could hold other rows, it stays as it is, and is refused.
    """
    if (table := table_of(body)) is not None:
        return split_table(*table)
    if not _WHOLE.isdisjoint(body) or any(folded(key) in (*CARRIERS[1:], *ROOMY) for key in body):
        return body
    held = body
    if len(body) == 1 and normal(name := next(iter(body))) in _ROWS and isinstance(body[name], dict | list):
        held = body[name]
    elif CARRIERS[0] in map(folded, body):
        return body
    if isinstance(held, dict):
        is_record = len(held) > 1 and all(one is None or isinstance(one, str | int | float) for one in held.values())
        return {"instances": [held]} if is_record else body
    return {"instances": held if held and isinstance(held[0], list | dict) else [held]}


def _parsed(text: str) -> Any:
    if text[:1] in ("{", "["):
        return plain_json.loads(text)
    lines = text.splitlines()
    if len(lines) <= MOST_LINES and all(_CSV.fullmatch(line) for line in lines):
        rows = [[float(cell) for cell in line.split(",")] for line in lines]
        return [row[0] for row in rows] if all(len(row) == 1 for row in rows) else rows
    if (answers := answers_of_lines(lines[:MOST_LINES])) is not None:
        return answers
    data = base64.b64decode(text, validate=True)
    if (whole := whole_body(data)) is not None:
        return whole
    decoded = data.decode().strip()
    if decoded[:1] in ("{", "[") or "," in decoded or _CSV.match(decoded):
        return _parsed(decoded)
    raise ValueError("neither JSON nor rows of numbers")
