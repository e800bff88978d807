"""What a model was asked, as inference events in the schema `caponier.event/1`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from caponier.emulate.images import FEATURES, Images
from caponier.records.event import EVENT_SCHEMA

Micros = npt.NDArray[np.int64]
"""Microseconds since 1970, UTC."""


@dataclass(frozen=True)
class Deployment:
    """What is asked: the names that its events carry."""

    model: str = "digits"
    model_version: str = "1"
    system: str = "digits"


@dataclass(frozen=True, eq=False)
class Answers:
    """Rows that were answered, in any order of time.

    Args:
        time: Arrival, shape (n,).
        input: Rows, shape (n, 64).
        scores: The model's scores, shape (n, c).
        principal: Who asked, n names.
        request_id: Which request each row came in, n ids.
        source_ip: From where, n addresses.
        latency_ms: Shape (n,).
    """

    time: Micros
    input: Images
    scores: Images
    principal: Sequence[str]
    request_id: Sequence[str]
    source_ip: Sequence[str]
    latency_ms: npt.NDArray[np.float64]


def micros(moment: datetime) -> int:
    """Return a moment as microseconds since 1970."""
    # In whole numbers: a float of seconds is a microsecond off now and then.
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def events(answers: Answers, deployment: Deployment) -> pa.Table:
    """Return successful predictions as events, one a row, in order of time."""
    n = len(answers.time)
    labels = answers.scores.argmax(axis=1)
    columns: dict[str, Any] = {
        "time": pa.array(answers.time, pa.timestamp("us", tz="UTC")),
        "request_id": pa.array(answers.request_id, pa.string()),
        "system": _same(deployment.system, n),
        "model": _same(deployment.model, n),
        "model_version": _same(deployment.model_version, n),
        "principal": pa.array(answers.principal, pa.string()),
        "source_ip": pa.array(answers.source_ip, pa.string()),
        "operation": _same("predict", n),
        "input": _lists(answers.input),
        "input_shape": _lists(np.full((n, 1), FEATURES, np.int32)),
        "label": pa.array(labels).cast(pa.string()),
        "scores": _lists(answers.scores),
        "latency_ms": pa.array(answers.latency_ms),
        "status": pa.array(np.full(n, 200, np.int32)),
    }
    return interleaved([_completed(columns, n)])


def interleaved(tables: Iterable[pa.Table]) -> pa.Table:
    """Put events of several traces in one order of time, and number them anew (`seq`, `event_id`)."""
    joined = pa.concat_tables(tables)
    times = joined["time"].cast(pa.int64()).to_numpy()
    ordered = joined.take(pa.array(np.argsort(times, kind="stable"))).combine_chunks()
    ordinals = pa.array(np.arange(len(times), dtype=np.int64))
    names = pa.array([f"e-{ordinal}" for ordinal in range(len(times))], pa.string())
    return _replaced(_replaced(ordered, "seq", ordinals), "event_id", names)


class ServerLog:
    """Collects the rows that a server records, from any thread."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self._lock = Lock()

    def record(self, rows: list[dict[str, Any]]) -> None:
        """Add rows: event columns by name."""
        with self._lock:
            self._rows.extend(rows)

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows so far, in order of arrival."""
        with self._lock:
            return list(self._rows)

    def table(self) -> pa.Table:
        """Return the rows so far as events in order of time."""
        return interleaved([pa.Table.from_pylist(self.rows(), schema=EVENT_SCHEMA)])


def _same(value: str, n: int) -> pa.Array:
    return pa.array([value] * n, pa.string())


def _lists(values: npt.NDArray[Any]) -> pa.Array:
    """Return (n, k) as n lists of k values, without a Python object each."""
    n, k = values.shape
    offsets = pa.array(np.arange(0, (n + 1) * k, k, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(values).reshape(-1)))


def _completed(columns: dict[str, Any], n: int) -> pa.Table:
    filled = [columns.get(field.name) for field in EVENT_SCHEMA]
    arrays = [pa.nulls(n, field.type) if c is None else c for c, field in zip(filled, EVENT_SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=EVENT_SCHEMA)


def _replaced(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(EVENT_SCHEMA.get_field_index(name), EVENT_SCHEMA.field(name), values)
