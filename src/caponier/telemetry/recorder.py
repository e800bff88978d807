"""Record the queries of any model in the event schema, from the process that serves it."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import IO, Any, Self
from weakref import finalize

import numpy as np
import orjson
from numpy.typing import NDArray

from caponier.errors import InputError

_logger = logging.getLogger("caponier")


class EventLog:
    """Appends event rows to a JSON Lines file; safe to call from several threads, and from several processes.

    Every call of `record` writes its rows at once and in one piece, so nothing is lost when the process ends.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream: IO[bytes] = path.open("ab", buffering=0)
        # Nothing is buffered, so a log that nobody closes loses nothing: it only has to give its file back.
        self._forgotten = finalize(self, self._stream.close)
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


class EventMemory:
    """Keeps event rows in memory, for a notebook: the last ones, so that a server that has no log does not run full.

    Args:
        most: Rows that are kept, about.
        most_bytes: Of inputs and scores that are kept, about: whoever asks chooses how long they are.
    """

    def __init__(self, most: int = 100_000, most_bytes: int = 512 * 2**20) -> None:
        self.rows: list[dict[str, Any]] = []
        self._most, self._most_bytes = most, most_bytes
        self._bytes = 0
        self._lock = Lock()

    def record(self, rows: list[dict[str, Any]]) -> None:
        """Keep rows whose keys are columns of the event schema."""
        with self._lock:
            self.rows += rows
            self._bytes += sum(map(_weight, rows))
            # Seldom, for all others move up.
            many = len(self.rows) > self._most + self._most // 8
            if many or self._bytes > self._most_bytes + self._most_bytes // 8:
                self._cut()

    def _cut(self) -> None:
        kept = self._bytes = 0
        for row in reversed(self.rows[-self._most :]):
            weight = _weight(row)
            if self._bytes + weight > self._most_bytes:
                break
            kept, self._bytes = kept + 1, self._bytes + weight
        del self.rows[: len(self.rows) - kept]


class Recorder:
    """Wraps a model, and records every query that passes through; all else of the model is there as it was.

    Example:
        >>> model = Recorder(classifier, "events.jsonl", name="fraud")  # doctest: +SKIP
        >>> model.predict(rows, principal="k-77")  # doctest: +SKIP

    Args:
        model: Anything with `predict` or `predict_proba`, or a function of inputs; its answers pass through unchanged.
        log: Where the events go: a log, the path of one, or None for memory, which `events` returns.
        name: Name of the model in the inventory; by default that of its class or function.
        version: Version of the model.
        system: ML system of the inventory.

    Raises:
        InputError: If the model can be asked nothing.
    """

    def __init__(
        self,
        model: Any,
        log: EventLog | EventMemory | PathLike[str] | str | None = None,
        *,
        name: str | None = None,
        version: str | None = None,
        system: str | None = None,
    ) -> None:
        if not (callable(model) or hasattr(model, "predict") or hasattr(model, "predict_proba")):
            what = f"a {type(model).__name__} has neither predict nor predict_proba, and is no function"
            raise InputError(what, hint="Give the model that is asked.")
        self._model = model
        self._log = log_at(log)
        called = name or getattr(model, "__name__", None) or type(model).__name__
        self._about = {"model": called, "model_version": version, "system": system, "operation": "predict"}

    @property
    def events(self) -> list[dict[str, Any]]:
        """What was recorded in memory, a row an example, as `caponier.scan_inference` takes it.

        Raises:
            InputError: If it went to a file.
        """
        if isinstance(self._log, EventMemory):
            return self._log.rows
        raise InputError("the events are in the log's file, not in memory", hint="Read them with caponier.load_events.")

    def predict(self, inputs: Any, *, principal: str | None = None, **about: Any) -> Any:
        """Answer with what the model predicts, and record it as labels, or as scores where it is a score a class.

        Args:
            inputs: (n, …) examples, as the model takes them.
            principal: Who asks; see `telemetry.principals.principal_of` for how to make one of an API key.
            about: Further columns, such as `session` or `source_ip`.
        """
        ask = self._model if not hasattr(self._model, "predict") and callable(self._model) else self._model.predict
        return self._record(ask, inputs, {**about, "principal": principal})

    def predict_proba(self, inputs: Any, *, principal: str | None = None, **about: Any) -> Any:
        """Answer with the model's class scores, recorded with the label of the highest; arguments as in `predict`."""
        return self._record(self._model.predict_proba, inputs, {**about, "principal": principal})

    def __call__(self, inputs: Any, *, principal: str | None = None, **about: Any) -> Any:
        """Call a model that is a function, and record it; arguments as in `predict`."""
        return self._record(self._model, inputs, {**about, "principal": principal})

    def fit(self, *given: Any, **more: Any) -> Self:
        """Fit the model, and go on recording: an estimator's `fit` returns itself."""
        self._model.fit(*given, **more)
        return self

    def __getattr__(self, name: str) -> Any:
        """Return what else the model has, such as `classes_`."""
        if name == "_model" or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)
        return getattr(self._model, name)

    def _record(self, ask: Callable[[Any], Any], inputs: Any, about: dict[str, Any]) -> Any:
        asked: list[dict[str, Any]] = [{}]
        with spared(self._about["model"]):
            # Before the model has it: some scale their inputs in place.
            asked = queries_of(inputs)
        arrival, started = datetime.now(UTC), time.perf_counter()
        answer = ask(inputs)
        took = (time.perf_counter() - started) * 1_000
        shared = {**self._about, **about, "time": arrival, "latency_ms": took}
        with spared(self._about["model"]):
            answered = answers_of(np.asarray(answer), getattr(self._model, "classes_", None))
            if len(answered) != len(asked):
                # An answer that is not one an example is not recorded, but the queries are.
                answered = [{}] * len(asked)
            self._log.record([{**shared, **query, **said} for query, said in zip(asked, answered, strict=True)])
        return answer


@contextmanager
def spared(model: str | None, what: str = "") -> Iterator[None]:
    """Spare whoever asks a model what goes wrong in recording; the logger `caponier` is told.

    Args:
        model: That is asked.
        what: Is not recorded then, of the call; by default all of it.
    """
    try:
        yield
    # The border: inputs, answers and the functions that pick may be anybody's.
    except Exception:
        _logger.exception("%sa call of %s was not recorded", what, model)


def answers_of(answer: NDArray[Any], classes: Any = None) -> list[dict[str, Any]]:
    """Return the columns for each of n answers: (n, c) scores, or (n,) labels.

    Args:
        answer: What the model said.
        classes: (c,) what its scores are scores of; their places by default.
    """
    if answer.ndim == 2 and answer.shape[1] > 1 and np.issubdtype(answer.dtype, np.floating):
        named = range(answer.shape[1]) if classes is None else classes
        best = answer.argmax(axis=1)
        return [{"label": str(named[top]), "scores": scores} for top, scores in zip(best, _narrow(answer), strict=True)]
    return [{"label": str(label[0] if np.size(label) == 1 else label.tolist())} for label in _rows(answer)]


def log_at(log: EventLog | EventMemory | PathLike[str] | str | None) -> EventLog | EventMemory:
    """Return a log for what was given: itself, one at a path, or memory."""
    if log is None:
        return EventMemory()
    return log if isinstance(log, EventLog | EventMemory) else EventLog(Path(log))


def queries_of(inputs: Any) -> list[dict[str, Any]]:
    """Return the columns for each of n inputs: encoded where they are numbers, as they came where they are not."""
    try:
        array = _narrow(np.asarray(inputs))
    except (TypeError, ValueError):
        raw = np.asarray(inputs, object)
        raw = raw if raw.ndim else raw.reshape(1)
        return [{"input_raw": row if isinstance(row, str) else _json(row)} for row in raw]
    shape = list(array.shape[1:]) or [1]
    return [{"input": row, "input_shape": shape} for row in _rows(array)]


def _rows(array: NDArray[Any]) -> NDArray[Any]:
    """Return (n, …) as (n, d)."""
    n = len(array) if array.ndim else 1
    return array.reshape(n, array.size // max(1, n))


def _narrow(array: NDArray[Any]) -> NDArray[np.float32]:
    if np.iscomplexobj(array):
        raise TypeError("complex numbers are no inputs that can be compared")
    # A number beyond float32 is logged as null, which the reader names; a warning would tell nobody.
    with np.errstate(over="ignore"):
        try:
            return np.ascontiguousarray(array.astype(np.float32))
        except OverflowError:
            # Whole numbers have no end in Python.
            bounded = [_bounded(one) for one in array.ravel()]
            return np.array(bounded, float).astype(np.float32).reshape(array.shape)


def _bounded(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.copysign(math.inf, 1 if number > 0 else -1)


def _weight(row: dict[str, Any]) -> int:
    """Return the bytes of what is long in a row."""
    long = [row[name] for name in ("input", "scores", "input_raw") if row.get(name) is not None]
    return sum(one.nbytes if isinstance(one, np.ndarray) else len(one) for one in long)


def _json(row: Any) -> str:
    return orjson.dumps(row.tolist() if isinstance(row, np.ndarray) else row, default=str).decode()
