"""Attackers' events as the user's own server would have logged them: same columns, same pace, names of their own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from caponier.app.planting.own_attacks import AttackRun
from caponier.app.planting.own_log import COLUMNS, OwnLog
from caponier.engines.shares import EVERYBODY
from caponier.engines.spool import SEPARATOR
from caponier.records.event import EVENT_SCHEMA

USUAL: Final = 1_000
NAME: Final = "planted"
AGENT: Final = "python-requests/2.32"
IMITATED: Final = ("latency_ms", "cost")
"""Numbers that are drawn from those of the log."""
SAME: Final = ("system", "model", "model_version", "status", "input_shape")
"""What is mostly the same in a log, and the same in what is planted."""


@dataclass(frozen=True, eq=False)
class PlantedAttacker:
    """One planted attacker.

    Args:
        name: Its principal or session, where the log names those.
        address: From where it asks.
        run: What it asked.
        times: (n,) microseconds since the epoch, rising.
    """

    name: str
    address: str
    run: AttackRun
    times: NDArray[np.int64]

    @property
    def subjects(self) -> tuple[str, ...]:
        """The names under which a scan may speak of it."""
        return self.name, f"{self.address} {AGENT}", f"{self.address} "

    @cached_property
    def fresh(self) -> NDArray[np.bool_]:
        """Which of its queries are no exact repeats, (n,)."""
        _, first = np.unique(self.run.inputs, axis=0, return_index=True)
        new = np.zeros(len(self.times), bool)
        new[first] = True
        return new

    def asked_until(self, moment: int) -> int:
        """Return how many different queries it had made by a moment."""
        return int(self.fresh[self.times <= moment].sum())


def attackers(log: OwnLog, runs: Iterable[AttackRun], seed: int) -> list[PlantedAttacker]:
    """Give attackers names, addresses and times: the gaps are those of the log's own callers, shuffled."""
    rng, paces = np.random.default_rng(seed), log.paces()
    first, last = log.summary.first_time, log.summary.last_time
    prefix = _free(log)
    found = []
    for number, run in enumerate(runs):
        n, span = len(run.inputs), last - first
        pace = paces[rng.integers(len(paces))] if paces else np.array([span // n])
        gaps = rng.choice(pace, n) if run.gap_s is None else rng.exponential(run.gap_s * 1e6, n)
        elapsed = np.cumsum(gaps).astype(np.float64)
        elapsed *= min(1.0, span / max(elapsed[-1], 1.0))
        start = rng.uniform(0, max(span - elapsed[-1], 0))
        times = first + (start + elapsed).astype(np.int64)
        address = f"198.18.{number >> 8 & 255}.{number & 255}"
        found.append(PlantedAttacker(f"{prefix}-{run.kind}-{number:04d}", address, run, times))
    return found


def plant(
    log: OwnLog, planted: Sequence[PlantedAttacker], names: Sequence[str], path: Path, without: str | None, seed: int
) -> None:
    """Write attackers' events, in order of time, into a file of their own, with the columns that the log has.

    Args:
        log: Among whose events they are to be scanned.
        planted: The attackers.
        names: The label that each class has in the log.
        path: The new file.
        without: What the file is to lack, of `COLUMNS`.
        seed: Fixes what is drawn from the log's own figures.
    """
    usual, rng = _Usual.of(log.usual(USUAL)), np.random.default_rng(seed)
    whole = pa.concat_tables([_events(one, usual, names, rng) for one in planted]).sort_by("time")
    for name in COLUMNS[without] if without else ():
        at = EVENT_SCHEMA.get_field_index(name)
        whole = whole.set_column(at, EVENT_SCHEMA.field(at), pa.nulls(len(whole), EVENT_SCHEMA.field(at).type))
    pq.write_table(whole, path)


@dataclass(frozen=True, eq=False)
class _Usual:
    """What is usual in a log.

    Args:
        logged: Columns that are not empty.
        common: The most frequent value of some.
        figures: Values of others.
    """

    logged: frozenset[str]
    common: Mapping[str, Any]
    figures: Mapping[str, NDArray[Any]]

    @classmethod
    def of(cls, events: pa.Table) -> Self:
        logged = frozenset(name for name in events.column_names if events[name].null_count < len(events))
        values = {name: events[name].drop_null().to_pylist() for name in SAME if name in logged}
        common = {name: max(known, key=known.count) for name, known in values.items()}
        figures = {name: events[name].drop_null().to_numpy() for name in IMITATED if name in logged}
        return cls(logged, common, figures)

    def columns(self, n: int, rng: np.random.Generator) -> dict[str, pa.Array]:
        """Return what n events of an attacker have in common with others."""
        values: dict[str, Any] = {name: [value] * n for name, value in self.common.items()}
        values |= {name: rng.choice(known, n) for name, known in self.figures.items()}
        return {name: pa.array(column, EVENT_SCHEMA.field(name).type) for name, column in values.items()}


def _events(one: PlantedAttacker, usual: _Usual, names: Sequence[str], rng: np.random.Generator) -> pa.Table:
    n = len(one.times)
    said: dict[str, pa.Array] = {
        "time": pa.array(one.times, pa.timestamp("us", tz="UTC")),
        "operation": _same("predict", n),
        "principal": _same(one.name, n),
        "session": _same(one.name, n),
        "source_ip": _same(one.address, n),
        "user_agent": _same(AGENT, n),
        "input": _lists(one.run.inputs),
        "label": pa.array([names[answer] for answer in one.run.scores.argmax(axis=1)], pa.string()),
        "scores": _lists(one.run.scores),
        **usual.columns(n, rng),
    }
    kept = usual.logged.intersection(said)
    arrays = [said[field.name] if field.name in kept else pa.nulls(n, field.type) for field in EVENT_SCHEMA]
    return pa.Table.from_arrays(arrays, schema=EVENT_SCHEMA)


def _free(log: OwnLog) -> str:
    """Find a beginning that no caller's name in the log has."""
    taken = [name.partition(SEPARATOR)[2] for name, _ in log.callers(EVERYBODY)]
    prefix = NAME
    while any(name.startswith(prefix) for name in taken):
        prefix += "+"
    return prefix


def _same(value: str, n: int) -> pa.Array:
    return pa.array([value] * n, pa.string())


def _lists(values: NDArray[np.float32]) -> pa.Array:
    n, k = values.shape
    offsets = pa.array(np.arange(0, (n + 1) * k, k, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(values).reshape(-1)))
