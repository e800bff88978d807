"""The KServe inference logger: CloudEvents of requests and responses, joined by their id into events.

Two forms are read, one JSON object a line: structured CloudEvents (`{"id": …, "type": …, "data": …}`), and the binary
mode as a collector writes it down (`{"headers": {"ce-id": …}, "body": …}`). The bodies are those of the Open Inference
Protocol (KServe v2). KServe logs no response to a request that failed: such a request becomes a row without an answer.
"""

import base64
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import orjson

from caponier.telemetry.chunk import Chunk, Row
from caponier.telemetry.principals import principal_of
from caponier.telemetry.rejections import Rejection

REQUEST: Final = "org.kubeflow.serving.inference.request"
RESPONSE: Final = "org.kubeflow.serving.inference.response"
PENDING: Final = 10_000
"""Requests that may wait for their response; the oldest then counts as unanswered."""
CREDENTIALS: Final = ("authorization", "x-api-key", "x-forwarded-user")
MAX_ROWS: Final = 100_000
"""Examples in one request."""


def joined(chunks: Iterator[Chunk], file: str, salt: bytes, *, always: bool = False) -> Iterator[Chunk]:
    """Turn chunks of CloudEvents into chunks of events; pass a log in another form through unchanged.

    Args:
        chunks: Chunks of JSON objects.
        file: Name of the log, for rejections.
        salt: Salt for principals made from credentials in the logged headers.
        always: Reject rows that are no CloudEvents, instead of telling by the first row.
    """
    join: _Join | None = None
    decided = False
    for chunk in chunks:
        if not decided and chunk.rows:
            join = _Join(file, salt) if always or _is_cloud_event(chunk.rows[0]) else None
            decided = True
        yield join.take(chunk) if join else chunk
    if join:
        yield join.rest()


def _is_cloud_event(row: Row) -> bool:
    return str(_attributes(row).get("type", "")).startswith("org.kubeflow.serving.inference.")


def _attributes(row: Row) -> Row:
    """Return the CloudEvent's attributes, whichever form it came in."""
    headers = row.get("headers")
    if isinstance(headers, dict):
        return {str(name).lower().removeprefix("ce-"): value for name, value in headers.items()}
    return row


@dataclass
class _Join:
    file: str
    salt: bytes
    pending: "OrderedDict[str, tuple[list[Row], int]]" = field(default_factory=OrderedDict)

    def take(self, chunk: Chunk) -> Chunk:
        out = Chunk(rejections=list(chunk.rejections), bytes_read=chunk.bytes_read)
        for row, line in zip(chunk.rows, chunk.lines, strict=True):
            try:
                self._one(row, line, out)
            except (KeyError, TypeError, ValueError, IndexError) as bad:
                out.rejections.append(Rejection(self.file, line, f"bad KServe record: {bad}"))
        return out

    def rest(self) -> Chunk:
        out = Chunk()
        while self.pending:
            self._emit(out, *self.pending.popitem(last=False)[1])
        return out

    def _one(self, record: Row, line: int, out: Chunk) -> None:
        about = _attributes(record)
        kind, key = about.get("type"), str(about["id"])
        if kind == REQUEST:
            self.pending[key] = (_request_rows(about, _body(record), self.salt), line)
            if len(self.pending) > PENDING:
                self._emit(out, *self.pending.popitem(last=False)[1])
        elif kind == RESPONSE:
            if key not in self.pending:
                raise ValueError(f"response {key!r} has no request before it")
            rows, at = self.pending.pop(key)
            _answer(rows, _body(record))
            self._emit(out, rows, at)
        else:
            raise ValueError(f"unknown type {kind!r}")

    @staticmethod
    def _emit(out: Chunk, rows: list[Row], line: int) -> None:
        out.rows.extend(rows)
        out.lines.extend([line] * len(rows))


def _body(record: Row) -> Row:
    body = record.get("data", record.get("body"))
    if "data_base64" in record:
        body = base64.b64decode(record["data_base64"], validate=True)
    if isinstance(body, str | bytes):
        body = orjson.loads(body)
    if not isinstance(body, dict):
        raise ValueError("the body is no JSON object")
    return body


def _request_rows(about: Row, body: Row, salt: bytes) -> list[Row]:
    inputs, shape = _tensor(body["inputs"])
    metadata = about.get("metadata") or {}
    headers = orjson.loads(metadata) if isinstance(metadata, str) else metadata
    logged = {str(name).lower(): _first(value) for name, value in headers.items()}
    credential = next((logged[name] for name in CREDENTIALS if logged.get(name)), None)
    shared = {
        "time": about["time"],
        "request_id": str(body.get("id") or about["id"]),
        "model": about.get("inferenceservicename") or "unknown",
        "system": about.get("namespace"),
        "principal": principal_of(credential, salt),
        "source_ip": str(logged["x-forwarded-for"]).split(",")[0].strip() if "x-forwarded-for" in logged else None,
        "user_agent": logged.get("user-agent"),
        "operation": "predict",
        "input_shape": shape,
    }
    return [{**shared, "input": row} for row in inputs]


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _tensor(tensors: list[Row]) -> tuple[list[list[float]], list[int]]:
    """Join the numeric tensors of a request, row by row: (rows, shape of one example)."""
    parts = [_rows(tensor) for tensor in tensors]
    if len({len(part) for part in parts}) != 1:
        raise ValueError("the input tensors differ in their number of rows")
    shape = [int(n) for n in tensors[0]["shape"][1:]] if len(tensors) == 1 else [sum(part.shape[1] for part in parts)]
    return np.concatenate(parts, axis=1).tolist(), shape


def _rows(tensor: Row) -> Any:
    shape = [int(n) for n in tensor["shape"]]
    if not shape or min(shape) < 0 or shape[0] > MAX_ROWS:
        raise ValueError(f"a tensor of shape {shape}")
    # `data` may be nested or flat for the same shape.
    flat = np.asarray(tensor["data"], np.float64).reshape(-1)
    if flat.size != np.prod(shape):
        raise ValueError(f"{flat.size} values for shape {shape}")
    return flat.reshape(shape[0], -1)


def _answer(rows: list[Row], body: Row) -> None:
    scores = labels = None
    for output in body["outputs"]:
        shape = [int(n) for n in output["shape"]]
        if output.get("datatype") in ("FP16", "FP32", "FP64") and len(shape) == 2 and shape[1] > 1:
            scores = _rows(output).tolist()
        elif shape and shape[0] == len(rows):
            labels = [str(label) for label in np.asarray(output["data"]).reshape(-1)]
    for position, row in enumerate(rows):
        row["status"] = 200
        if "model_version" in body and body["model_version"] is not None:
            row["model_version"] = str(body["model_version"])
        if scores is not None:
            row["scores"] = scores[position]
            row["label"] = str(int(np.argmax(scores[position])))
        if labels is not None:
            row["label"] = labels[position]
