"""Small logs, as the reader would hand them over."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from caponier.engines.spool import Spool
from caponier.records.event import EVENT_SCHEMA
from caponier.telemetry.events import Events

START = 1_750_000_000_000_000
SECOND = 1_000_000


def rows(n: int, **columns: Any) -> list[dict[str, Any]]:
    """Make n events a second apart; a callable makes a value of each row's number."""
    shared: dict[str, Any] = {
        "model": "m",
        "operation": "predict",
        "principal": "p",
        "input": lambda i: [float(i), 0.0],
    }
    return [
        {"time": START + i * SECOND}
        | {name: value(i) if callable(value) else value for name, value in (shared | columns).items()}
        for i in range(n)
    ]


def events(rows: Sequence[dict[str, Any]], source: str = "log") -> Events:
    """Put rows into the schema; lines count from 1."""
    arrays = [
        pa.array([row.get(field.name, i if field.name == "seq" else None) for i, row in enumerate(rows)], field.type)
        for field in EVENT_SCHEMA
    ]
    batch = pa.RecordBatch.from_arrays(arrays, schema=EVENT_SCHEMA)
    return Events(source, batch, pa.array(range(1, len(rows) + 1), pa.int64()), 0)


def filled(spool: Spool, *parts: Sequence[dict[str, Any]]) -> Spool:
    """Write each part as a source of its own, and seal."""
    for number, part in enumerate(parts):
        spool.write(events(part, f"log-{number}"))
    spool.seal()
    return spool
