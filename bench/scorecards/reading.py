"""Inference logs in the forms in which they come: events a CPU-second, reading alone, and memory.

One traffic of 16 features, two scores, a caller and a label, at most 400 bytes a row as JSON, in each form; nothing is
said of a log but where it is. The memory of JSON lines is that of a log against a quarter of it.
"""

import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from bench.machinery.measured import say
from bench.machinery.scorecard import Goal, Scorecard

EVENTS, QUICK = 400_000, 80_000
FEATURES: Final = 16
SEED: Final = 11
Row = dict[str, Any]
_CHILD: Final = """
import json, resource, sys
from pathlib import Path
from caponier.telemetry.events import read_events
from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.field_maps.shipped import shipped_maps
from caponier.telemetry.rejections import RejectedRows
def used():
    told = resource.getrusage(resource.RUSAGE_SELF)
    return told.ru_utime + told.ru_stime
choice, rejected, before, events = MapChoice(known=shipped_maps()), RejectedRows(), used(), 0
for read in read_events([Path(name) for name in sys.argv[1:]], rejected, maps=choice, salt=b"salt"):
    events += read.batch.num_rows
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"events": events, "seconds": used() - before, "peak_mb": peak, "rejected": rejected.count}))
"""


_BETWEEN: Final = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"


def run(quick: bool) -> Scorecard:
    """Read 400,000 events in each form; quick: 80,000."""
    most = QUICK if quick else EVENTS
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for form, write in FORMS.items():
            told = _read(write(folder, most))
            rows.append(
                {
                    "form": form,
                    "events a CPU-second": round(told["events"] / told["seconds"]),
                    "peak MB": round(told["peak_mb"]),
                    "events": told["events"],
                    "not read": told["rejected"],
                }
            )
            say(f"{form}: {rows[-1]['events a CPU-second']:,}")
        less = _read(FORMS["JSON lines"](folder, most // 4))
    by_form = {str(row["form"]): row for row in rows}
    figures = {
        "events": most,
        "json_lines_per_cpu_second": by_form["JSON lines"]["events a CPU-second"],
        "slowest_per_cpu_second": min(int(str(row["events a CPU-second"])) for row in rows),
        "peak_mb_to_that_of_a_quarter": round(int(str(by_form["JSON lines"]["peak MB"])) / less["peak_mb"], 2),
        "rows_lost": sum(most - int(str(row["events"])) for row in rows),
    }
    goals = (
        Goal("json_lines_per_cpu_second", 100_000, True),
        Goal("peak_mb_to_that_of_a_quarter", 1.1, False),
        Goal("rows_lost", 0, False),
    )
    about = f"{most:,} events in each form, read without a word about them, in one process."
    return Scorecard("reading", about, figures, goals, (SEED,), rows, {})


def _read(paths: list[Path]) -> Row:
    # A child's peak is never below that of its parent when it was made, so a small one stands between.
    command = [sys.executable, "-c", _BETWEEN, sys.executable, "-c", _CHILD, *map(str, paths)]
    told: Row = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return told


def _traffic(events: int) -> Iterator[Row]:
    draw = np.random.default_rng(SEED)
    inputs = draw.integers(0, 1_000, (events, FEATURES)) / 8
    scores = draw.integers(0, 128, events) / 128
    for at, (x, score) in enumerate(zip(inputs.tolist(), scores.tolist(), strict=True)):
        yield {
            "ts": 1_767_605_400 + at,
            "user": f"u{at % 500}",
            "features": x,
            "prediction": "a" if score >= 0.5 else "b",
            "probabilities": [score, 1 - score],
        }


def _lines(path: Path, rows: Iterator[bytes]) -> list[Path]:
    with path.open("wb") as file:
        file.writelines(row + b"\n" for row in rows)
    return [path]


def _json_lines(folder: Path, events: int) -> list[Path]:
    return _lines(folder / f"plain-{events}.jsonl", map(orjson.dumps, _traffic(events)))


def _named(folder: Path, events: int) -> list[Path]:
    rows = ({**row, "features": {f"f{at}": x for at, x in enumerate(row["features"])}} for row in _traffic(events))
    return _lines(folder / "named.jsonl", map(orjson.dumps, rows))


def _docker(folder: Path, events: int) -> list[Path]:
    about = {"stream": "stdout", "time": "2026-01-05T09:30:00.000000000Z"}
    rows = ({"log": orjson.dumps(row).decode() + "\n", **about} for row in _traffic(events))
    return _lines(folder / "docker-json.log", map(orjson.dumps, rows))


def _cri(folder: Path, events: int) -> list[Path]:
    begin = b"2026-01-05T09:30:00.000000000Z stdout F "
    return _lines(folder / "0.log", (begin + orjson.dumps(row) for row in _traffic(events)))


def _bodies(folder: Path, events: int) -> list[Path]:
    rows = (
        {
            "ts": row["ts"],
            "user": row["user"],
            "request": orjson.dumps({"instances": [row["features"]]}).decode(),
            "response": orjson.dumps({"predictions": [row["probabilities"]]}).decode(),
        }
        for row in _traffic(events)
    )
    return _lines(folder / "bodies.jsonl", map(orjson.dumps, rows))


def _array(folder: Path, events: int) -> list[Path]:
    path = folder / "array.json"
    with path.open("wb") as file:
        file.write(b"[\n")
        file.writelines(orjson.dumps(row) + b",\n" for row in _traffic(events - 1))
        file.write(orjson.dumps(next(_traffic(1))) + b"\n]\n")
    return [path]


def _pretty(folder: Path, events: int) -> list[Path]:
    return _lines(folder / "pretty.json", (orjson.dumps(row, option=orjson.OPT_INDENT_2) for row in _traffic(events)))


def _wide(folder: Path, events: int) -> list[Path]:
    path = folder / "wide.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["ts", "user", *(f"f{at}" for at in range(FEATURES)), "prediction", "prob_a", "prob_b"])
        for row in _traffic(events):
            out.writerow([row["ts"], row["user"], *row["features"], row["prediction"], *row["probabilities"]])
    return [path]


def _parquet(folder: Path, events: int) -> list[Path]:
    path = folder / "log.parquet"
    pq.write_table(pa.Table.from_pylist(list(_traffic(events))), path)
    return [path]


FORMS: Final[dict[str, Callable[[Path, int], list[Path]]]] = {
    "JSON lines": _json_lines,
    "JSON lines, features by name": _named,
    "Docker around JSON lines": _docker,
    "CRI around JSON lines": _cri,
    "bodies of requests and responses": _bodies,
    "one JSON array, an object a line": _array,
    "JSON over many lines": _pretty,
    "CSV, a column a feature": _wide,
    "Parquet": _parquet,
}
