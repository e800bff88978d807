"""An exchange to events: one for each example, or one without input where there is none to see.

Whatever a caller or a model server writes, the events can be read back: `telemetry.events` rejects none of them.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.guard.bodies import WRONG, answers, opened
from caponier.guard.call import NAME_LIMIT
from caponier.guard.exchange import Exchange
from caponier.guard.question import UnreadableQueryError, question
from caponier.records.event import UNAUTHENTICATED, UNKNOWN
from caponier.records.inventory import FeatureSpec
from caponier.telemetry import inference_body, plain_json
from caponier.telemetry.body_keys import most_rows
from caponier.telemetry.body_limits import BodyLimits, UnreadError
from caponier.telemetry.column_layouts import STRANGE, ColumnLayouts

Row = dict[str, Any]

UNASKED: Final = (*UNAUTHENTICATED, 404, 405)
"""Answers for which no model was asked."""
UNREAD: Final = "unread"
"""Column of the event that says which part was not read, and why."""
_UNFIT: Final = (ValueError, KeyError, TypeError, AttributeError)
"""What `inference_body.answer` raises where an answer does not fit the examples."""
UNTOLD: Final = "in a form in which no label and no scores are found"
COLUMNS: Final = "columns"
"""Column of the event that says how the columns of a table differ from the model's."""
_WIDEST: Final = float(np.finfo(np.float32).max)


def events_of(
    exchange: Exchange,
    limits: BodyLimits,
    size: int | None = None,
    takes: FeatureSpec | None = None,
    layouts: ColumnLayouts | None = None,
    server: str | None = None,
) -> list[Row]:
    """Return the events of an exchange, as columns of the event schema by name.

    A request beyond the limits is one event without input, which says so in the column `unread`; so do the events of
    one whose answer is beyond them.

    Args:
        exchange: A finished one.
        limits: What a body may cost.
        size: Values in an input of the model; None if that is not known.
        takes: What the model takes, where that is known: columns that come by name are put into its order.
        layouts: Tells whether columns that nobody can put into its order are named and ordered as in other queries;
            None if they do not matter.
        server: What answers, where that is known; see `guard.servers`.
    """
    shared = _shared(exchange)
    if not exchange.call.asks or exchange.status in UNASKED:
        return [shared]
    try:
        asked = question(exchange, limits, size, takes, server)
    except UnreadError as unread:
        return [shared | {UNREAD: f"request: {unread}"}]
    except UnreadableQueryError:
        return [shared]
    if layouts is not None and not _is_usual(exchange, layouts, shared["model"], asked.names):
        return [shared]
    rows, inputs = asked.rows, _narrow(asked.rows)
    said, unread_answer = _said(exchange, len(rows), limits)
    version = exchange.call.version or _text(said.version)
    shared |= {"request_id": _text(asked.id), "model_version": version, "input_shape": asked.shape}
    if unread_answer is not None:
        shared[UNREAD] = f"answer: {unread_answer}"
    elif asked.remarks:
        shared[COLUMNS] = "; ".join(asked.remarks)
    labels: list[str | None] = [*said.labels] if said.labels else [None] * len(rows)
    scores = _scores(said, len(rows))
    return [
        {**shared, "input": row, "label": _text(label), "scores": score}
        for row, label, score in zip(inputs, labels, scores, strict=True)
    ]


def _is_usual(exchange: Exchange, layouts: ColumnLayouts, model: str, names: Sequence[str]) -> bool:
    """Tell whether columns are as usual, and count those that were not counted when the request was let pass."""
    if exchange.query is not None and (exchange.unread or not exchange.caller.unproven):
        return not exchange.unread
    who = exchange.caller.place if exchange.stranger else exchange.caller.name
    return layouts.is_usual(model, names, who, exchange.arrived.timestamp())


def is_unreadable(exchange: Exchange, rows: Sequence[Row]) -> bool:
    """Tell whether what is or may be a query was answered that detection cannot see: its events hold no input."""
    asked = exchange.call.asks or exchange.call.unknown
    return asked and exchange.status // 100 == 2 and "input" not in rows[0]


def why_unreadable(
    exchange: Exchange,
    limits: BodyLimits,
    size: int | None = None,
    takes: FeatureSpec | None = None,
    server: str | None = None,
) -> str:
    """Return why a query cannot be read; nothing in it comes from the caller. Arguments as in `events_of`."""
    if exchange.call.unknown:
        return "it went to a path that is not known"
    try:
        question(exchange, limits, size, takes, server)
    except UnreadableQueryError as unreadable:
        return unreadable.what
    except UnreadError as unread:
        return str(unread)
    return STRANGE


def queries_of(exchange: Exchange, limits: BodyLimits, size: int | None = None) -> int:
    """Return how many examples a request may ask about; the body is read once for it. Arguments as in `events_of`.

    One whose examples cannot be told counts as more than may be asked at once: else it would be the way around a
    throttle. One without a body asks about none, and is one query.
    """
    if exchange.examples is not None:
        return exchange.examples
    if not exchange.body:
        return 1
    if exchange.query is not None:
        return len(exchange.query.rows)
    if exchange.beside:
        return limits.rows + 1
    try:
        read = partial(plain_json.loads, limits=limits)
        return most_rows(opened(exchange.body, exchange.headers.items(), limits, read), limits, size)
    except WRONG:
        return limits.rows + 1


def _shared(exchange: Exchange) -> Row:
    stranger = exchange.stranger
    # Whoever shows a key and something else with it may change all that he says of himself from query to query; to the
    # model server he is one caller all the same.
    named = not exchange.unclear
    principal = None if stranger else exchange.caller.principal
    return {
        "time": exchange.arrived,
        "model": exchange.call.model or UNKNOWN,
        "model_version": exchange.call.version,
        "principal": principal,
        "session": exchange.caller.session if named and not stranger else None,
        "source_ip": exchange.caller.source_ip if principal else exchange.caller.place,
        "operation": exchange.call.operation,
        "latency_ms": exchange.took_ms,
        "status": exchange.status,
        # Where nothing else tells who asks, whoever writes another one into each query would be another caller.
        "user_agent": exchange.user_agent if principal else None,
    }


def _narrow(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return rows as float32; a value that is no finite one there becomes the nearest that is, and NaN stays."""
    # As np.clip does, which takes three times as long for one example.
    return np.minimum(np.maximum(rows, -_WIDEST), _WIDEST).astype(np.float32)


def _said(exchange: Exchange, n: int, limits: BodyLimits) -> tuple[inference_body.Answer, str | None]:
    """Return what was answered to n examples, and why it was not read where it was not."""
    if exchange.status // 100 != 2:
        return inference_body.Answer(), None
    if exchange.answer_too_large:
        return inference_body.Answer(), "larger than a body may be"
    try:
        for answered in answers(exchange.answer, exchange.answer_headers, limits):
            with suppress(*_UNFIT):
                return inference_body.answer(answered, n), None
    except UnreadError as unread:
        return inference_body.Answer(), str(unread)
    except WRONG:
        pass
    # An explanation has no such thing; of a prediction somebody must learn that detection is told no answer. An empty
    # one tells its caller nothing either.
    told = exchange.call.operation == "predict" and exchange.answer
    return inference_body.Answer(), UNTOLD if told else None


def _scores(said: inference_body.Answer, n: int) -> list[NDArray[np.float32] | None]:
    if said.scores is None or not said.scores.size or not np.isfinite(said.scores).all():
        return [None] * n
    return list(_narrow(said.scores))


def _text(value: Any) -> str | None:
    """Return a name that a caller or the model server chose, cut; half a surrogate pair is no text."""
    return value[:NAME_LIMIT].encode("utf-8", "replace").decode() or None if isinstance(value, str) else None
