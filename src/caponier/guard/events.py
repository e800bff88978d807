"""An exchange to events: one for each example, or one without input where there is none to see.

Whatever a caller or a model server writes, the events can be read back: `telemetry.events` rejects none of them.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.guard.bodies import document
from caponier.guard.call import NAME_LIMIT
from caponier.guard.exchange import Exchange
from caponier.records.event import STRANGERS, UNKNOWN
from caponier.telemetry import inference_body

Row = dict[str, Any]

UNASKED: Final = (*STRANGERS, 404, 405)
"""Answers for which no model was asked."""
_WIDEST: Final = float(np.finfo(np.float32).max)
_WRONG: Final = (ValueError, KeyError, TypeError, AttributeError, OverflowError)


def events_of(exchange: Exchange, limit: int) -> list[Row]:
    """Return the events of an exchange, as columns of the event schema by name.

    Args:
        exchange: A finished one.
        limit: Most bytes of a body after unpacking.
    """
    shared = _shared(exchange)
    if exchange.call.operation not in ("predict", "explain") or exchange.status in UNASKED:
        return [shared]
    request = document(exchange.body, exchange.headers.items(), limit)
    try:
        rows, shape = inference_body.examples(request or {})
    except _WRONG:
        return [shared]
    inputs = _narrow(rows)
    said = _said(exchange, len(rows), limit)
    version = exchange.call.version or _text(said.version)
    shared |= {"request_id": _text(request and request.get("id")), "model_version": version, "input_shape": shape}
    labels: list[str | None] = [*said.labels] if said.labels else [None] * len(rows)
    scores = _scores(said, len(rows))
    return [
        {**shared, "input": row, "label": _text(label), "scores": score}
        for row, label, score in zip(inputs, labels, scores, strict=True)
    ]


def queries_of(exchange: Exchange, limit: int) -> int:
    """Return how many examples a request asks about; one where that cannot be told."""
    try:
        rows, _ = inference_body.examples(document(exchange.body, exchange.headers.items(), limit) or {})
    except _WRONG:
        return 1
    return len(rows)


def _shared(exchange: Exchange) -> Row:
    stranger = exchange.status in STRANGERS
    return {
        "time": exchange.arrived,
        "model": exchange.call.model or UNKNOWN,
        "model_version": exchange.call.version,
        "principal": None if stranger else exchange.caller.principal,
        "session": None if stranger else exchange.caller.session,
        "source_ip": exchange.caller.source_ip,
        "operation": exchange.call.operation,
        "latency_ms": exchange.took_ms,
        "status": exchange.status,
        "user_agent": exchange.user_agent,
    }


def _narrow(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return rows as float32; a value that is no finite one there becomes the nearest that is, and NaN 0."""
    return np.nan_to_num(np.clip(rows, -_WIDEST, _WIDEST)).astype(np.float32)


def _said(exchange: Exchange, n: int, limit: int) -> inference_body.Answer:
    answered = document(exchange.answer, exchange.answer_headers, limit) if exchange.status == 200 else None
    try:
        return inference_body.answer(answered or {}, n)
    except _WRONG:
        return inference_body.Answer()


def _scores(said: inference_body.Answer, n: int) -> list[NDArray[np.float32] | None]:
    if said.scores is None or not said.scores.size or not np.isfinite(said.scores).all():
        return [None] * n
    return list(_narrow(said.scores))


def _text(value: Any) -> str | None:
    """Return a name that a caller or the model server chose, cut; half a surrogate pair is no text."""
    return value[:NAME_LIMIT].encode("utf-8", "replace").decode() or None if isinstance(value, str) else None
