"""A small log of a table model, as a user might have one: three columns, of which one is a whole number."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from caponier.app.inference.plan import DetectionSettings
from caponier.app.planting.own_log import OwnLog, OwnLogReading, read_own_log
from caponier.app.progress import Silent
from caponier.engines.spool import Spool
from caponier.records.event import EVENT_SCHEMA
from caponier.telemetry.rejections import RejectedRows

CALLERS, EACH = 30, 20
BEGIN = 1_767_571_200_000_000
GAP = 7_000_000
Rows = NDArray[np.float32]


def answer(inputs: Rows) -> Rows:
    """Answer inputs (n, 3) with the scores of two classes."""
    odds = np.exp(inputs[:, 0] + 0.01 * inputs[:, 1] - inputs[:, 2] + 1.2)
    bad = odds / (1 + odds)
    scores: Rows = np.stack([1 - bad, bad], axis=1).astype(np.float32)
    return scores


def inputs(n: int, seed: int = 0) -> Rows:
    """Draw n records: a number, a skewed amount, and a whole number from 0 to 3."""
    rng = np.random.default_rng(seed)
    columns = [rng.standard_normal(n), rng.lognormal(3, 1, n), rng.integers(0, 4, n)]
    return np.stack(columns, axis=1).astype(np.float32)


def table(callers: int = CALLERS, each: int = EACH, **columns: Any) -> pa.Table:
    """Make events of callers who ask in turn; a column may be replaced, or left out by None."""
    n = callers * each
    asked = inputs(n)
    scores = answer(asked)
    made: dict[str, Any] = {
        "time": BEGIN + np.arange(n) * (GAP // callers),
        "model": ["churn"] * n,
        "model_version": ["3"] * n,
        "operation": ["predict"] * n,
        "principal": [f"user-{at % callers:03d}" for at in range(n)],
        "source_ip": [f"10.0.0.{at % callers}" for at in range(n)],
        "input": list(asked),
        "label": [("stays", "leaves")[row] for row in scores.argmax(axis=1)],
        "scores": list(scores),
        "status": [200] * n,
        "latency_ms": np.linspace(1, 2, n),
    } | columns
    kept = {name: values for name, values in made.items() if values is not None}
    return pa.table({name: pa.array(values, EVENT_SCHEMA.field(name).type) for name, values in kept.items()})


def written(folder: Path, events: pa.Table, name: str = "log.parquet") -> Path:
    """Write events into a file."""
    pq.write_table(events, folder / name)
    return folder / name


def opened(spool: Spool, path: Path, terms: DetectionSettings | None = None, **reading: Any) -> OwnLog:
    """Read a file as one's own log."""
    how = terms or DetectionSettings.of(None)
    return read_own_log(spool, [path], RejectedRows(), Silent(), OwnLogReading(**reading), how)[0]
