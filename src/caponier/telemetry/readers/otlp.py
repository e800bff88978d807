"""Log records and spans of OpenTelemetry, as OTLP's JSON and the Collector's file exporter write them."""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import orjson

from caponier.telemetry.chunk import Row
from caponier.telemetry.readers.field_names import OWN, normal

TIMES: Final = ("timeUnixNano", "observedTimeUnixNano")
_PLAIN: Final = ("stringValue", "boolValue", "doubleValue", "bytesValue")
_DEEPEST: Final = 32


def records_of(resources: list[Any]) -> Iterator[Row]:
    """Yield the log records below `resourceLogs`: their attributes, and what their body holds.

    A body that is an object, or the text of one, is the record; one that is a text stands under `message`, and so does
    the text of an object where the attributes are the record: it may be what a caller wrote. What is not of this form
    is left out.
    """
    for resource in filter(_is_object, resources):
        for scope in filter(_is_object, _list(resource, "scopeLogs") or _list(resource, "instrumentationLibraryLogs")):
            for record in filter(_is_object, _list(scope, "logRecords")):
                yield _record(record)


def spans_of(resources: list[Any]) -> Iterator[Row]:
    """Yield the spans below `resourceSpans`: their attributes, when they began and how long they took."""
    for resource in filter(_is_object, resources):
        for scope in filter(_is_object, _list(resource, "scopeSpans")):
            for span in filter(_is_object, _list(scope, "spans")):
                yield _span(span)


def _span(span: Row) -> Row:
    row = {**_object(span.get("attributes"), 0)}
    row["span"] = {name: span[name] for name in ("name", "traceId", "spanId") if name in span}
    began, ended = (_value({"intValue": span.get(name)}, 0) for name in ("startTimeUnixNano", "endTimeUnixNano"))
    if began:
        # What the server measured counts, whatever an attribute says.
        row["time"] = began
        if ended and ended >= began:
            row["duration_ms"] = (ended - began) / 1e6
    return row


def _record(record: Row) -> Row:
    row = _object(record.get("attributes"), 0)
    body = _value(record.get("body"), 0)
    if isinstance(body, str) and body.lstrip()[:1] == "{" and OWN.isdisjoint(map(normal, row)):
        with contextlib.suppress(orjson.JSONDecodeError):
            body = orjson.loads(body)
    row = {**row, **body} if isinstance(body, dict) else {**row, "message": body}
    time = next((record[name] for name in TIMES if record.get(name) not in (None, "0", 0)), None)
    if time is not None:
        row.setdefault("time", time)
    return row


def _value(held: Any, depth: int) -> Any:
    """Return a plain value of OTLP's `AnyValue`."""
    if not isinstance(held, dict) or depth > _DEEPEST:
        return None
    for name in _PLAIN:
        if name in held:
            return held[name]
    if "intValue" in held:
        # A 64-bit number is a text in the JSON of protocol buffers.
        try:
            return int(held["intValue"])
        except (TypeError, ValueError):
            return None
    if isinstance(values := held.get("arrayValue"), dict):
        return [_value(one, depth + 1) for one in _list(values, "values")]
    if isinstance(values := held.get("kvlistValue"), dict):
        return _object(values.get("values"), depth + 1)
    return None


def _object(pairs: Any, depth: int) -> Row:
    if not isinstance(pairs, list):
        return {}
    return {str(pair["key"]): _value(pair.get("value"), depth) for pair in pairs if _is_object(pair) and "key" in pair}


def _list(held: Row, name: str) -> list[Any]:
    found = held.get(name)
    return found if isinstance(found, list) else []


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)
