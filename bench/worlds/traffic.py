"""Calls of many callers as one table of events: times with days and nights in them, answers, and what a server logs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from caponier.records.event import EVENT_SCHEMA

DAY: Final = 86_400.0
START: Final = 1_767_571_200.0
"""Monday, 5 January 2026."""
HOURS: Final = np.array([1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 19, 18, 14, 16, 18, 17, 14, 10, 8, 7, 7, 6, 4, 2], np.float64)
"""How much people ask in each hour of the day."""
WEEK: Final = np.array([10, 10, 10, 10, 9, 4, 3], np.float64)
AGENTS: Final = ("python-requests/2.32", "curl/8.5", "okhttp/4.12", "Mozilla/5.0", "Go-http-client/2.0", "axios/1.7")
SPARE: Final = ("seq", "event_id", "system", "model_version", "input_digest", "signals", "extra")


@dataclass(frozen=True, eq=False)
class Calls:
    """What one caller asks, in order; None where a column is the usual one.

    `rows` are the inputs, (n, d) numbers or (n,) texts; `length` says how many values of a row were sent.
    """

    rows: Any
    rhythm: str = "visits"
    operation: NDArray[Any] | None = None
    status: NDArray[Any] | None = None
    session: NDArray[Any] | None = None
    feedback: NDArray[Any] | None = None
    length: NDArray[Any] | None = None


@dataclass(frozen=True, eq=False)
class Part:
    """The calls of one caller with their times, seconds since 1970; scores (n, k) where they are known already."""

    principal: str
    calls: Calls
    times: NDArray[np.float64]
    agent: str
    address: str
    scores: NDArray[np.float32] | None = None


def times(rhythm: str, n: int, days: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return when a caller asks, (n,) seconds from the start of the log, in order."""
    if rhythm == "visits":
        visits = max(1, round(n / rng.integers(4, 25)))
        which = np.sort(rng.integers(0, visits, n))
        begins = _moments(visits, days, rng)[which]
        gaps = np.exp(rng.normal(np.log(rng.uniform(3, 25)), 0.9, n)).cumsum()
        first = np.searchsorted(which, which)
        found = begins + gaps - gaps[first]
    elif rhythm == "steady":
        begin = rng.uniform(0, 0.3) * days
        step = (rng.uniform(0.6, 1) * days - begin) * DAY / max(n, 1) if days > 0 else 1.0
        found = begin * DAY + np.arange(n) * step + rng.uniform(0, 0.1 * max(step, 0.1), n)
    elif rhythm == "night":
        nights = min(n, int(rng.integers(1, max(2, int(days)))))
        which = np.sort(rng.integers(0, nights, n))
        begins = np.sort(rng.integers(0, max(1, int(days)), nights))[which] * DAY + rng.uniform(1, 4) * 3600
        gaps = rng.exponential(rng.uniform(0.05, 1), n).cumsum()
        found = begins + gaps - gaps[np.searchsorted(which, which)]
    elif rhythm == "daily":
        rounds = np.sort(np.arange(n) % max(1, min(int(days), n)))
        found = rounds * DAY + rng.uniform(6, 20) * 3600 + rng.exponential(1.5, n)
    else:
        found = _moments(1, days, rng)[0] + rng.exponential(rng.uniform(0.02, 0.5), n).cumsum()
    return np.asarray(np.sort(found), np.float64)


def _moments(n: int, days: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return moments (n,) at which people begin to work, in order."""
    whole = max(1, int(days))
    likely = WEEK[np.arange(whole) % 7]
    day = rng.choice(whole, n, p=likely / likely.sum())
    hour = rng.choice(24, n, p=HOURS / HOURS.sum())
    return np.sort(day * DAY + hour * 3600 + rng.uniform(0, 3600, n))


def name(rng: np.random.Generator) -> str:
    """Return a principal: it looks like a hash, and says nothing."""
    return "k" + rng.bytes(8).hex()


def part(calls: Calls, days: float, since: float, rng: np.random.Generator, **known: Any) -> Part:
    """Give calls a caller and times."""
    n = len(calls.rows)
    return Part(
        principal=name(rng),
        calls=calls,
        times=since + times(calls.rhythm, n, days, rng),
        agent=str(AGENTS[rng.integers(len(AGENTS))]),
        address=f"10.{rng.integers(256)}.{rng.integers(256)}.{rng.integers(1, 255)}",
        **known,
    )


def table(victim: Any, parts: Sequence[Part], rng: np.random.Generator, *, by_time: bool = True) -> pa.Table:
    """Return the events of callers, in the order of time, or caller after caller."""
    count = np.array([len(one.calls.rows) for one in parts])
    who = np.arange(len(parts)).repeat(count)
    when = np.concatenate([one.times for one in parts])
    order = np.argsort(when, kind="stable") if by_time else np.arange(len(when))
    scores = _scores(victim, parts)[order]
    rows = np.concatenate([one.calls.rows for one in parts])[order]
    status = _gathered(parts, "status", 200, np.int32)[order]
    operation = _gathered(parts, "operation", "predict", object)[order]
    asks = (operation == "predict") | (operation == "explain")
    answered = asks & (status < 400)
    columns = {
        "time": pa.array((when[order] * 1e6).astype("datetime64[us]")).cast(EVENT_SCHEMA.field("time").type),
        "model": _same([victim.name], np.zeros(len(when), np.int64)),
        "principal": _same([one.principal for one in parts], who[order]),
        "user_agent": _same([one.agent for one in parts], who[order]),
        "source_ip": _same([one.address for one in parts], who[order]),
        "operation": pa.array(operation, pa.string()),
        "status": pa.array(status, pa.int32()),
        "session": pa.array(_gathered(parts, "session", None, object)[order], pa.string()),
        "feedback": pa.array(_gathered(parts, "feedback", None, object)[order], pa.string()),
        "latency_ms": pa.array(victim.latency * np.exp(0.25 * rng.standard_normal(len(when)))),
        "label": _masked(_same(victim.classes, scores.argmax(axis=1)), answered),
        "scores": _lists(scores, np.where(answered, scores.shape[1], 0), answered),
    }
    columns |= _inputs(victim, rows, asks, _gathered(parts, "length", -1, np.int64)[order])
    return pa.table(columns).select([field.name for field in EVENT_SCHEMA if field.name in columns])


def _scores(victim: Any, parts: Sequence[Part]) -> NDArray[np.float32]:
    unknown = [one.calls.rows for one in parts if one.scores is None]
    found = victim.ask(np.concatenate(unknown)) if unknown else np.zeros((0, len(victim.classes)), np.float32)
    answers, at = [], 0
    for one in parts:
        if one.scores is not None:
            answers.append(one.scores)
        else:
            answers.append(found[at : at + len(one.calls.rows)])
            at += len(one.calls.rows)
    return np.concatenate(answers)


def _gathered(parts: Sequence[Part], column: str, usual: Any, dtype: Any) -> NDArray[Any]:
    found = []
    for one in parts:
        given = getattr(one.calls, column)
        if given is None:
            given = np.empty(len(one.calls.rows), dtype)
            given[:] = usual
        found.append(np.asarray(given, dtype))
    return np.concatenate(found)


def _same(names: Sequence[str], codes: NDArray[np.int64]) -> pa.Array:
    """Return texts that stand many times."""
    return pa.array(list(names), pa.string()).take(pa.array(codes))


def _masked(texts: pa.Array, kept: NDArray[np.bool_]) -> pa.Array:
    return pa.compute.if_else(pa.array(kept), texts, pa.scalar(None, pa.string()))


def _lists(values: NDArray[Any], lengths: NDArray[np.int64], kept: NDArray[np.bool_]) -> pa.Array:
    """Return the first `lengths` values of each row as a list, and nothing where it is not kept."""
    lengths = np.where(kept, lengths, 0)
    offsets = np.concatenate([[0], lengths.cumsum()]).astype(np.int32)
    flat = values if bool((lengths == values.shape[1]).all()) else values[np.arange(values.shape[1]) < lengths[:, None]]
    flat = np.ascontiguousarray(flat, np.float32).reshape(-1)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat), mask=pa.array(~kept))


def _inputs(victim: Any, rows: Any, asks: NDArray[np.bool_], length: NDArray[np.int64]) -> dict[str, pa.Array]:
    if victim.texts is not None:
        texts = victim.texts(rows)
        found = {"input_raw": _masked(texts, asks)}
        if victim.priced:
            found["cost"] = pa.compute.utf8_length(texts).cast(pa.float64())
        return found
    lengths = np.where(length < 0, rows.shape[1], length)
    return {"input": _lists(rows, lengths, asks & (lengths > 0))}
