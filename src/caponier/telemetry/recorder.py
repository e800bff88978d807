"""Record the queries of any model in the event schema, from the process that serves it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
import orjson
from numpy.typing import NDArray


class EventLog:
    """Appends event rows to a JSON Lines file; safe to call from several threads, and from several processes.

    Every call of `record` writes its rows at once and in one piece, so nothing is lost when the process ends.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream: IO[bytes] = path.open("ab", buffering=0)
        self._lock = Lock()

    def record(self, rows: list[dict[str, Any]]) -> None:
        """Append rows whose keys are columns of the event schema."""
        options = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z
        left = memoryview(b"".join(orjson.dumps(row, option=options, default=str) for row in rows))
        with self._lock:
            while left:
                left = left[self._stream.write(left) :]

    def close(self) -> None:
        """Close the file."""
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

    def predict(self, inputs: Any, *, principal: str | None = None, **about: Any) -> Any:
        """Answer with what the model predicts, and record it as labels, or as scores where it is a score a class.

        Args:
            inputs: (n, …) examples, as the model takes them.
            principal: Who asks; see `telemetry.principals.principal_of` for how to make one of an API key.
            about: Further columns, such as `session` or `source_ip`.
        """
        return self._record(self._model.predict, inputs, {**about, "principal": principal})

    def predict_proba(self, inputs: Any, *, principal: str | None = None, **about: Any) -> Any:
        """Answer with the model's class scores, recorded with the label of the highest; arguments as in `predict`."""
        return self._record(self._model.predict_proba, inputs, {**about, "principal": principal})

    def _record(self, ask: Callable[[Any], Any], inputs: Any, about: dict[str, Any]) -> Any:
        arrival, started = datetime.now(UTC), time.perf_counter()
        answer = ask(inputs)
        took = (time.perf_counter() - started) * 1_000
        shared = {**self._about, **about, "time": arrival, "latency_ms": took}
        asked, answered = _queries(inputs), self._answers(np.asarray(answer))
        if len(answered) != len(asked):
            # An answer that is not one an example is not recorded, but the queries are.
            answered = [{}] * len(asked)
        self._log.record([{**shared, **query, **said} for query, said in zip(asked, answered, strict=True)])
        return answer

    def _answers(self, answer: NDArray[Any]) -> list[dict[str, Any]]:
        """Return the columns for each of n answers: (n, c) scores, or (n,) labels."""
        if answer.ndim == 2 and answer.shape[1] > 1 and np.issubdtype(answer.dtype, np.floating):
            classes = getattr(self._model, "classes_", range(answer.shape[1]))
            best = answer.argmax(axis=1)
            return [
                {"label": str(classes[top]), "scores": scores}
                for top, scores in zip(best, _narrow(answer), strict=True)
            ]
        return [{"label": str(label[0] if np.size(label) == 1 else label.tolist())} for label in _rows(answer)]


def _queries(inputs: Any) -> list[dict[str, Any]]:
    """Return the columns for each of n inputs: encoded where they are numbers, as they came where they are not."""
    try:
        array = _narrow(np.asarray(inputs))
    except (TypeError, ValueError):
        raw = np.asarray(inputs, object)
        return [{"input_raw": row if isinstance(row, str) else _json(row)} for row in raw]
    shape = list(array.shape[1:]) or [1]
    return [{"input": row, "input_shape": shape} for row in _rows(array)]


def _rows(array: NDArray[Any]) -> NDArray[Any]:
    """Return (n, …) as (n, d)."""
    n = len(array) if array.ndim else 1
    return array.reshape(n, array.size // max(1, n))


def _narrow(array: NDArray[Any]) -> NDArray[np.float32]:
    # A number beyond float32 is logged as null, which the reader names; a warning would tell nobody.
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array.astype(np.float32))


def _json(row: Any) -> str:
    return orjson.dumps(row.tolist() if isinstance(row, np.ndarray) else row, default=str).decode()
