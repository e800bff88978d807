"""What tracers write of a call: traces of MLflow and Jaeger, and spans as OpenTelemetry's own exporter prints them.

A row is made of each with what it says by name, when it began and how long it took, as of OTLP's spans (`otlp`).
"""

from typing import Any, Final

from caponier.telemetry.chunk import Row
from caponier.telemetry.framing.written_values import loaded

_USER: Final = "mlflow.trace.user"
_SESSION: Final = "mlflow.trace.session"
_NAME: Final = "mlflow.traceName"
_INPUTS: Final = "mlflow.spanInputs"
_OUTPUTS: Final = "mlflow.spanOutputs"


def traced(row: Row) -> list[Row] | None:
    """Return the rows that a trace or a span holds; None where an object is neither.

    Args:
        row: The object.
    """
    if "traceID" in row and isinstance(row.get("spans"), list):
        return _of_jaeger(row)
    data = row.get("data")
    if isinstance(row.get("info"), dict) and isinstance(data, dict) and isinstance(data.get("spans"), list):
        return [_of_mlflow(row["info"], data["spans"])]
    if isinstance(row.get("context"), dict) and isinstance(row.get("attributes"), dict) and "start_time" in row:
        return [_of_span(row)] if {"span_id", "trace_id"} <= row["context"].keys() else None
    return None


def _of_jaeger(trace: Row) -> list[Row]:
    """Read a trace as Jaeger's API and its user interface write it; spans name their process by a key."""
    processes = trace.get("processes")
    found = []
    for span in trace["spans"]:
        if not isinstance(span, dict):
            continue
        process = processes.get(str(span.get("processID"))) if isinstance(processes, dict) else None
        row = _tags(process.get("tags")) if isinstance(process, dict) else {}
        row |= _tags(span.get("tags"))
        row["span"] = {"name": span.get("operationName"), "traceId": span.get("traceID"), "spanId": span.get("spanID")}
        if type(began := span.get("startTime")) is int:
            # In microseconds; what the tracer measured counts, whatever a tag says.
            row["time"] = began
        if type(took := span.get("duration")) is int:
            row["duration_ms"] = took / 1e3
        found.append(row)
    return found


def _tags(held: Any) -> Row:
    pairs = held if isinstance(held, list) else []
    return {str(one["key"]): one.get("value") for one in pairs if isinstance(one, dict) and "key" in one}


def _of_mlflow(info: Row, spans: list[Any]) -> Row:
    """Read a trace of MLflow: what its first span was asked is what the caller asked; the others are steps to it."""
    held = [span for span in spans if isinstance(span, dict)]
    root = next((span for span in held if not span.get("parent_id") and not span.get("parent_span_id")), {})
    said = _pairs(info.get("trace_metadata", info.get("request_metadata")))
    tags = _pairs(info.get("tags"))
    attributes = _pairs(root.get("attributes"))
    row: Row = {
        "time": info.get("request_time", info.get("timestamp_ms")),
        "request_id": info.get("trace_id", info.get("request_id")),
        "duration_ms": info.get("execution_duration_ms", info.get("execution_time_ms")),
        "user_id": said.get(_USER),
        "session_id": said.get(_SESSION),
        "model": _model(held) or tags.get(_NAME) or root.get("name"),
        "inputs": _parsed(attributes.get(_INPUTS, root.get("inputs"))),
        "outputs": _parsed(attributes.get(_OUTPUTS, root.get("outputs"))),
    }
    return {name: value for name, value in row.items() if value is not None}


def _model(spans: list[Row]) -> str | None:
    """Return the model that the first of the spans which name one have asked."""
    for span in spans:
        attributes = _pairs(span.get("attributes"))
        for name in (_OUTPUTS, _INPUTS):
            inner = _parsed(attributes.get(name))
            if isinstance(inner, dict) and isinstance(model := inner.get("model"), str):
                return model
    return None


def _pairs(held: Any) -> Row:
    """Return pairs, which MLflow's second schema writes as a list of keys and values."""
    return held if isinstance(held, dict) else _tags(held)


def _parsed(held: Any) -> Any:
    """Return what stands as JSON in a text."""
    if not isinstance(held, str):
        return held
    inner = loaded(held)
    return held if inner is None else inner


def _of_span(span: Row) -> Row:
    """Read a span as the SDKs of OpenTelemetry print it, with its attributes by name."""
    row = {**span["attributes"]}
    if _INPUTS in row or _OUTPUTS in row:
        row |= {"inputs": _parsed(row.pop(_INPUTS, None)), "outputs": _parsed(row.pop(_OUTPUTS, None))}
    context = span["context"]
    row["span"] = {"name": span.get("name"), "traceId": context["trace_id"], "spanId": context["span_id"]}
    row["time"] = span["start_time"]
    return row
