"""What a native log is: who writes it, and which columns of an event it tells."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from telemetry.native_logs.traffic import Query

Write = Callable[[Path, Sequence[Query]], list[Path]]
SHAPES: Final[dict[str, "Shape"]] = {}


@dataclass(frozen=True)
class Shape:
    """One kind of log."""

    name: str
    tells: frozenset[str]
    write: Write
    slack: float = 0.0
    """Seconds by which its times may be off, where it writes whole ones."""


def shape(name: str, tells: str, slack: float = 0.0) -> Callable[[Write], Write]:
    """Name a kind of log, and the columns that must come out of it."""

    def keep(write: Write) -> Write:
        SHAPES[name] = Shape(name, frozenset(tells.split()), write, slack)
        return write

    return keep


def per_line(name: str, tells: str, slack: float = 0.0) -> Callable[[Callable[[Query], Any]], Callable[[Query], Any]]:
    """Name a kind of log that has a line for each query."""

    def keep(write: Callable[[Query], Any]) -> Callable[[Query], Any]:
        shape(name, tells, slack)(lambda folder, queries: lines(folder / "app.jsonl", map(write, queries)))
        return write

    return keep


def json_text(value: Any) -> str:
    """Write JSON as Python's own library does, with its spaces."""
    import json

    return json.dumps(value, ensure_ascii=False)


def lines(path: Path, rows: Iterable[Any]) -> list[Path]:
    """Write a line a row: texts as they are, the others as JSON."""
    text = [row.encode() if isinstance(row, str) else orjson.dumps(row) for row in rows]
    path.write_bytes(b"".join(line + b"\n" for line in text))
    return [path]


def table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]], **how: Any) -> list[Path]:
    """Write comma-separated values."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n", **how)
    out.writerow(header)
    out.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return [path]
