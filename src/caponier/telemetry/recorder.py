"""Record the queries of any model in the event schema, from the process that serves it."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
import orjson
from numpy.typing import NDArray


class EventLog:
    """Appends event rows to a JSON Lines file; safe to call from several threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream: IO[bytes] = path.open("ab")
        self._lock = threading.Lock()

    def record(self, rows: list[dict[str, Any]]) -> None:
        """Append rows whose keys are columns of the event schema."""
        options = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z
        data = b"".join(orjson.dumps(row, option=options) for row in rows)
        with self._lock:
            self._stream.write(data)

    def close(self) -> None:
        """Write what is buffered and close the file."""
        with self._lock:
            self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Recorder:
    """Wraps anything with `predict` or `predict_proba`, and records every query that passes through.

    Example:
        >>> model = Recorder(classifier, EventLog(Path("events.jsonl")), name="fraud")  # doctest: +SKIP
        >>> model.predict(rows, principal="k-77")  # doctest: +SKIP

    Args:
        model: The model; its answers pass through unchanged.
        log: Where the events go.
        name: Name of the model in the inventory.
        version: Version of the model.
        system: ML system of the inventory.
    """

    def __init__(
        self, model: Any, log: EventLog, *, name: str, version: str | None = None, system: str | None = None
    ) -> None:
        self._model = model
        self._log = log
        self._about = {"model": name, "model_version": version, "system": system, "operation": "predict"}

    def predict(self, inputs: NDArray[Any], *, principal: str | None = None, **about: Any) -> Any:
        """Answer with the model's labels; `about` holds further columns, such as `session` or `source_ip`."""
        answer, took = _timed(self._model.predict, inputs)
        self._record(inputs, np.asarray(answer), None, took, principal, about)
        return answer

    def predict_proba(self, inputs: NDArray[Any], *, principal: str | None = None, **about: Any) -> Any:
        """Answer with the model's class scores, recorded with the label of the highest."""
        answer, took = _timed(self._model.predict_proba, inputs)
        scores = np.asarray(answer, np.float32)
        classes = np.asarray(getattr(self._model, "classes_", np.arange(scores.shape[1])))
        self._record(inputs, classes[scores.argmax(axis=1)], scores, took, principal, about)
        return answer

    def _record(
        self,
        inputs: NDArray[Any],
        labels: NDArray[Any],
        scores: NDArray[np.float32] | None,
        took: float,
        principal: str | None,
        about: dict[str, Any],
    ) -> None:
        queries = np.asarray(inputs, np.float32)
        shared = {**self._about, **about, "time": datetime.now(UTC), "principal": principal, "latency_ms": took}
        shared["input_shape"] = list(queries.shape[1:])
        rows = []
        for position, query in enumerate(queries.reshape(len(queries), -1)):
            row = {**shared, "input": query, "label": str(labels[position])}
            if scores is not None:
                row["scores"] = scores[position]
            rows.append(row)
        self._log.record(rows)


def _timed(call: Callable[..., Any], inputs: NDArray[Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    answer = call(inputs)
    return answer, (time.perf_counter() - started) * 1_000
