"""`@caponier.record`: records what a request handler was asked and answered, whatever web framework calls it.

A handler is any function, plain or `async`: of FastAPI, of Flask, or one of your own. Its signature, answers and errors
stay as they are; what cannot be recorded is told to the logger `caponier` and costs no caller an answer.
"""

import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from functools import wraps
from inspect import BoundArguments, iscoroutinefunction, signature
from os import PathLike
from pathlib import Path
from secrets import token_bytes
from typing import Any, Final

import numpy as np

from caponier.errors import InputError
from caponier.formats.atomic_file import write_new
from caponier.telemetry.credentials import shown
from caponier.telemetry.principals import principal_of
from caponier.telemetry.readers.cloud_event import USUAL
from caponier.telemetry.recorder import EventLog, EventMemory, answers_of, log_at, queries_of, spared

Row = dict[str, Any]
Pick = str | Callable[[Mapping[str, Any]], Any] | None

INPUTS: Final = ("inputs", "instances", "features", "rows", "input", "x", "X", "data", "body")
"""Names of the argument that holds what the model is asked, the first that there is."""
LABELS: Final = ("label", "labels", "prediction", "predictions", "class", "classes", "outputs", "answer")
SCORES: Final = ("scores", "probabilities", "probability", "proba")
"""Keys of an answer that is a mapping."""
_SALT_BYTES: Final = 32
_SECRET: Final = re.compile("token|secret|passw|credential|auth|cookie|api_?key|session|principal", re.I)
"""In the name of an argument: its text is no question but says who asks, and must never be logged as it is."""


def record(
    handler: Callable[..., Any] | None = None,
    *,
    log: EventLog | EventMemory | PathLike[str] | str | None = None,
    model: str | None = None,
    version: str | None = None,
    system: str | None = None,
    inputs: Pick = None,
    principal: Pick = None,
    salt: bytes | None = None,
) -> Callable[..., Any]:
    """Record what a handler is asked and answers, as events that `caponier scan inference` reads.

    Example:
        >>> @app.post("/score")  # doctest: +SKIP
        ... @caponier.record(model="fraud", log="events.jsonl")
        ... def score(features: list[float], request: Request) -> dict[str, str]: ...

    Args:
        handler: The function, where the decorator stands without arguments.
        log: Where the events go: a log, the path of one, or None for memory, which `handler.events` returns.
        model: Name of the model in the inventory; the handler's by default.
        version: Version of the model.
        system: ML system of the inventory.
        inputs: The argument that holds what is asked, or a function of all arguments that returns it; by default one of
            `INPUTS`, or the first that holds rows, numbers or a record, or a text that is no credential. One example is
            a row of numbers or a record; many are many.
        principal: The argument that says who asks, or a function of all arguments; by default the salted hash of the
            credential in the request's `Authorization` or `X-API-Key`, and without a request the argument `principal`.
        salt: Salt for that hash; by default one that is kept beside the log, readable by its owner alone.
    """
    if handler is None:
        return lambda given: record(
            given, log=log, model=model, version=version, system=system, inputs=inputs, principal=principal, salt=salt
        )
    about = {"model": model or handler.__name__, "model_version": version, "system": system, "operation": "predict"}
    taking = _Taking(handler, log_at(log), about, inputs, principal, _salt(salt, log))
    if iscoroutinefunction(handler):

        @wraps(handler)
        async def answered_later(*args: Any, **named: Any) -> Any:
            with taking.watching(args, named) as told:
                told.answer = await handler(*args, **named)
            return told.answer

        wrapped: Any = answered_later
    else:

        @wraps(handler)
        def answered(*args: Any, **named: Any) -> Any:
            with taking.watching(args, named) as told:
                told.answer = handler(*args, **named)
            return told.answer

        wrapped = answered
    if isinstance(taking.log, EventMemory):
        wrapped.events = taking.log.rows
    return wrapped  # type: ignore[no-any-return]


class _Told:
    """What came of one call."""

    answer: Any = None
    status: int = 500
    """Until it has answered."""
    asked: list[Row] | None = None
    """Columns of each example, as far as the arguments hold them."""


class _Taking:
    """What is taken from the calls of one handler."""

    def __init__(
        self,
        handler: Callable[..., Any],
        log: EventLog | EventMemory,
        about: Row,
        inputs: Pick,
        principal: Pick,
        salt: Callable[[], bytes],
    ) -> None:
        self.log = log
        self._signature, self._about, self._salt = signature(handler), about, salt
        self._inputs, self._principal = inputs, principal
        for pick in (inputs, principal):
            if isinstance(pick, str) and pick not in self._signature.parameters:
                known = ", ".join(self._signature.parameters) or "none"
                lacks = f"the handler has no argument {pick!r}"
                raise InputError(lacks, where=handler.__name__, hint=f"It has: {known}")

    @contextmanager
    def watching(self, args: tuple[Any, ...], named: Row) -> Any:
        """Time a call, and record it however it ends."""
        told, arrival, started = _Told(), datetime.now(UTC), time.perf_counter()
        with spared(self._about["model"]):
            # Before the handler has it: some scale their inputs in place.
            told.asked = self._given(self._signature.bind(*args, **named))
        try:
            yield told
            told.status = 200
        except BaseException as raised:
            # A call that was cut off, such as by a caller who hung up, is none that was answered either.
            told.status = _status(raised)
            raise
        finally:
            took = (time.perf_counter() - started) * 1_000
            with spared(self._about["model"]):
                self._write(self._signature.bind(*args, **named), told, {"time": arrival, "latency_ms": took})

    def _given(self, bound: BoundArguments) -> list[Row] | None:
        """Return the columns of what the arguments ask; None where they say nothing of it."""
        bound.apply_defaults()
        given = bound.arguments
        if callable(self._inputs):
            return queries_of(_many(_plain(self._inputs(given))))
        name = self._inputs or next((name for name in INPUTS if name in given), None)
        if name is None:
            name = _named_of(given)
        return None if name is None else queries_of(_many(_plain(given[name])))

    def _write(self, bound: BoundArguments, told: _Told, about: Row) -> None:
        bound.apply_defaults()
        request = next((one for one in bound.arguments.values() if _is_request(one)), None) or _flask_request()
        shared = {**self._about, **about, "status": _code(told), "principal": self._who(bound, request)}
        if client := getattr(getattr(request, "client", None), "host", None) or getattr(request, "remote_addr", None):
            shared["source_ip"] = client
        asked = told.asked
        if asked is None and hasattr(request, "get_json"):
            # Flask hands a body to nobody: it is asked for, and only now, for the handler may read it in its own way.
            asked = queries_of(_many(request.get_json(silent=True)))
        asked = asked or [{}]
        answered: list[Row] = [{}] * len(asked)
        if told.status == 200:
            # What the model says in an odd form costs the answer, and never the question.
            with spared(self._about["model"], "the answer to "):
                answered = _answers(_plain(told.answer), len(asked))
        self.log.record([{**shared, **query, **said} for query, said in zip(asked, answered, strict=True)])

    def _who(self, bound: BoundArguments, request: Any) -> str | None:
        if callable(self._principal):
            said = self._principal(bound.arguments)
            return None if said is None else str(said)
        # An argument of a web framework may be what the caller wrote, so it counts where the operator says so.
        name = self._principal or (None if request is not None else "principal")
        if name is not None:
            said = bound.arguments.get(name)
            return None if said is None else str(said)
        headers: Iterable[tuple[str, str]] = getattr(request, "headers", {}).items()
        given = shown(((name.lower(), value) for name, value in headers), USUAL.credentials).value
        return principal_of(given, self._salt()) if given else None


def _salt(given: bytes | None, log: Any) -> Callable[[], bytes]:
    """Return what gives the salt once one is needed: the one that was given, or one that is kept beside the log."""
    if given is not None:
        return lambda: given
    if not isinstance(log, str | PathLike):
        alone = token_bytes(_SALT_BYTES)
        return lambda: alone
    file = Path(log).with_name(f"{Path(log).name}.salt")

    def kept() -> bytes:
        write_new(file, token_bytes(_SALT_BYTES).hex().encode(), 0o600)
        return bytes.fromhex(file.read_text("ascii"))

    return kept


def _named_of(given: Mapping[str, Any]) -> str | None:
    """Return which argument holds what is asked, where none is called so: what holds much goes before a single text."""
    holding = [name for name, one in given.items() if _holds(one) and not _is_request(one)]
    single = [
        name
        for name, one in given.items()
        if isinstance(one, str | bytes | int | float) and (isinstance(one, int | float) or not _SECRET.search(name))
    ]
    return next(iter([*holding, *single]), None)


def _holds(one: Any) -> bool:
    shaped = isinstance(one, Mapping | list | tuple) or (is_dataclass(one) and not isinstance(one, type))
    return shaped or any(hasattr(one, name) for name in ("model_dump", "__array__", "__array_interface__"))


def _is_request(one: Any) -> bool:
    return hasattr(one, "headers") and (hasattr(one, "method") or hasattr(one, "scope"))


def _flask_request() -> Any:
    """Return the request that Flask is about; None outside of one, and where nobody uses Flask."""
    flask = sys.modules.get("flask")
    return flask.request if flask is not None and flask.has_request_context() else None


def _status(raised: BaseException) -> int:
    """Return the status that a framework makes of an error: of its own errors what they say, else 500."""
    for name in ("status_code", "code"):
        said = getattr(raised, name, None)
        if isinstance(said, int) and 400 <= said < 600:
            return said
    return 500


def _code(told: _Told) -> int:
    """Return the status of the answer: a handler may say it itself, as a response or as (body, status)."""
    answer = told.answer
    said = answer[1] if isinstance(answer, tuple) and len(answer) > 1 else getattr(answer, "status_code", None)
    # A pair may also be a label and a number.
    return said if isinstance(said, int) and 100 <= said < 600 else told.status


def _plain(held: Any) -> Any:
    """Return a model of pydantic or a dataclass as a mapping; all else as it is."""
    if hasattr(held, "model_dump"):
        return held.model_dump()
    if is_dataclass(held) and not isinstance(held, type):
        return asdict(held)
    return held


def _many(asked: Any) -> Any:
    """Return examples as a list of them: one row of numbers, one text or one record is one example."""
    if isinstance(asked, Mapping):
        named = next((asked[name] for name in INPUTS if isinstance(asked.get(name), list | np.ndarray)), None)
        return [dict(asked)] if named is None else _many(named)
    if asked is None or isinstance(asked, str | bytes | int | float):
        return [asked]
    if isinstance(asked, list | tuple) and asked and isinstance(asked[0], int | float):
        return [asked]
    return asked[None, :] if isinstance(asked, np.ndarray) and asked.ndim == 1 else asked


def _answers(answer: Any, n: int) -> list[Row]:
    """Return the columns for the answers to n examples; none where they are not one an example."""
    if isinstance(answer, tuple):
        answer = _plain(answer[0])
    if isinstance(answer, Mapping):
        label = next((answer[name] for name in LABELS if name in answer), None)
        scores = next((answer[name] for name in SCORES if name in answer), None)
        rows = _answers(label, n) if label is not None else [{} for _ in range(n)]
        if scores is not None and np.ndim(scores):
            told = np.asarray(scores, float).reshape(n, -1)
            rows = [row | {"scores": own} for row, own in zip(rows, told.astype(np.float32), strict=True)]
        return rows
    if answer is None or hasattr(answer, "status_code"):
        return [{}] * n
    array = np.asarray(answer)
    rows = answers_of(array if array.ndim else array[None])
    if len(rows) == n:
        return rows
    return answers_of(array[None, :]) if n == 1 and array.ndim == 1 and array.size else [{}] * n
