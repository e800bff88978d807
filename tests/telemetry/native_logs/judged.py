"""Whether what was read of a log is what its traffic was."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.field_maps.shipped import shipped_maps
from caponier.telemetry.principals import principal_of
from telemetry.conftest import Reading, reading
from telemetry.native_logs.shape import Shape
from telemetry.native_logs.traffic import COLUMNS, Query, traffic

SALT = b"pepper"


def problems(shape: Shape, paths: Sequence[Path]) -> list[str]:
    """Read a log as the command line does without an option; say what does not agree with its traffic."""
    found = reading(*paths, maps=MapChoice(known=shipped_maps()), salt=SALT)
    if not shape.tells:
        return ["read, and should have been refused"] if found.rows else []
    queries = traffic()
    told = []
    # What else a service logs is no prediction.
    found.rows = [row for row in found.rows if row["operation"] != "other"]
    if len(found.rows) != len(queries):
        return [f"{len(found.rows)} events of {len(queries)}; rejected {found.rejected[:2]}"]
    rows = sorted(found.rows, key=lambda row: row["time"])
    for name in sorted(shape.tells):
        wrong = [
            (row.get(name), want)
            for row, query in zip(rows, queries, strict=True)
            if not _agrees(row.get(name), want := _wanted(name, query), shape.slack)
        ]
        if wrong:
            told.append(f"{name}: {len(wrong)} wrong, such as {wrong[0][0]!r} for {wrong[0][1]!r}")
    if any("secret" in str(row) for row in rows):
        told.append("a caller's secret stands in an event")
    return told


def _wanted(name: str, query: Query) -> Any:
    wanted: dict[str, Any] = {
        "time": query.time,
        "principal": principal_of(query.caller, SALT),
        "session": f"end-{query.at % 3}",
        "source_ip": query.address,
        "input": query.x,
        "input_raw": f"house in {query.city} number {query.at}",
        "label": query.label,
        "scores": query.scores,
        "latency_ms": query.took_ms,
        "status": query.status,
        "cost": None,
        "model": None,
        "request_id": None,
    }
    return wanted[name]


def _agrees(got: Any, want: Any, slack: float) -> bool:
    if got is None:
        return False
    if want is None:
        # What stands there differs from log to log: that something does is enough.
        return True
    if isinstance(want, tuple):
        shown = [one for one in got if one is not None]
        return len(shown) in (len(want), 1) and np.allclose(shown, want[-len(shown) :], atol=1e-4)
    if hasattr(want, "isoformat"):
        return abs(got - want) <= timedelta(seconds=slack + 0.001)
    if isinstance(want, float):
        return abs(got - want) < 0.01
    return bool(got == want)


__all__ = ["COLUMNS", "Reading", "problems"]
