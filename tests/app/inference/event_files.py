"""Logs in files, and a detector that is easy to foresee."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Params, Scores, State
from laws.bad_detectors import Counter
from laws.runs import registered

START = datetime(2026, 1, 5, tzinfo=UTC)


def rows(n: int, begin: int = 0, **columns: Any) -> list[dict[str, Any]]:
    """Make n events a minute apart; a callable makes a value of each row's number, and None leaves a column out."""
    shared: dict[str, Any] = {
        "model": "m",
        "operation": "predict",
        "principal": "p",
        "label": "a",
        "scores": [0.75, 0.25],
        "status": 200,
        "input": lambda i: [float(i), 0.0],
    }
    made = []
    for i in range(begin, begin + n):
        row = {"time": (START + timedelta(minutes=i)).isoformat()} | shared | columns
        values = {name: value(i) if isinstance(value, Callable) else value for name, value in row.items()}  # type: ignore[arg-type]
        made.append({name: value for name, value in values.items() if value is not None})
    return made


def users(n: int, queries: int = 4, begin: int = 0, **columns: Any) -> list[dict[str, Any]]:
    """Make the events of n users, `queries` different ones each, one after the other."""
    return rows(n * queries, begin, principal=lambda i: f"u{i // queries}", **columns)


def log(folder: Path, *parts: list[dict[str, Any]], name: str = "log.jsonl") -> Path:
    """Write JSON Lines in the order of time."""
    file = folder / name
    lines = sorted((row for part in parts for row in part), key=lambda row: row["time"])
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


SPREAD: dict[str, Any] = {"input": lambda i: [i // 4 % 60, i % 127]}
"""Of sixty users of four queries: each has a first feature of its own, so that there is something to rank."""
RARE: Final = 62
"""A first feature that is rarer than what they send, and not so rare that ranks could not tell it."""


class FirstFeature(Counter):
    """Scores a query by its first feature."""

    name = "first_feature"

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        _, scores = super().score(params, state, batch)
        return state, scores.clip(0, 1) * batch.query[:, 0].astype(int)


@contextmanager
def only(detector: Counter, cold: float | None = None) -> Iterator[None]:
    """Let one detector be all that there is, with a threshold for a cold start or none."""
    priors = None if cold is None else ({}, cold)
    with registered(detector), patch.object(type(detector), "priors", lambda _: priors):
        yield
