"""A small log in two files with whatever else may stand in one."""

from pathlib import Path
from typing import Any

import orjson

START = 1_750_000_000_000
ANSWERS = ("1", "1.", "-2.5e3", "1e999", " 1", "1\n", "x", "", None)
SCORES = ([0.25, 0.5], [0.1, None, 0.9], [], None, [1.5], [-3.0, -4.0])


def _event(at: int, **columns: Any) -> dict[str, Any]:
    plain = {"model": "m", "operation": "predict", "principal": f"user-{at % 7}", "input": [at % 11 / 10, 0.5, 0.25]}
    return {"time": START + at * 1_000, **plain, **columns}


def odd_log(folder: Path) -> Path:
    """Write it and return its folder: nameless callers, other lengths, odd answers and scores, rows that are wrong."""
    events = [_event(at, label=ANSWERS[at % 9], scores=SCORES[at % 6]) for at in range(600)]
    events += [_event(at, principal=None, session=f"s-{at % 3}", source_ip="192.0.2.7") for at in range(600, 700)]
    events += [_event(at, principal="", source_ip="192.0.2.8", user_agent="Zürich ☂") for at in range(700, 800)]
    events += [_event(at, principal=None) for at in range(800, 810)]
    events += [_event(at, principal="stranger", status=401, source_ip="192.0.2.9") for at in range(810, 850)]
    events += [_event(at, principal="prober", status=400, input=None, operation="other") for at in range(850, 1_100)]
    events += [_event(at, input=[0.5] * (at % 5)) for at in range(1_100, 1_150)]
    events += [_event(1_150, principal="twice")] * 5
    events += [_event(at, principal="dear", cost=(-1.0, 0.5, 1e300, None)[at % 4]) for at in range(1_200, 1_300)]
    events += [_event(at, model="other/ü", principal="prober", status=404, input=None) for at in range(1_300, 1_500)]
    # A flood of tiny steps: somebody searches.
    walk = [[0.5 + step / 1_000, 0.5, 0.25] for step in range(400)]
    events += [
        _event(1_500, time=START + 1_500_000 + step * 20, principal="search", input=at, label=str(step // 7 % 2))
        for step, at in enumerate(walk)
    ]
    lines = [orjson.dumps(event) for event in events]
    lines[10:10] = [
        b"{",
        b'{"model": "m", "operation": "predict"}',
        b'{"time": "never", "model": "m", "operation": "x"}',
    ]
    folder.mkdir()
    # The second file is older than the first, and upside down.
    (folder / "a.jsonl").write_bytes(b"\n".join(lines[900:]) + b"\n")
    (folder / "b.jsonl").write_bytes(b"\n".join(reversed(lines[:900])) + b"\n")
    return folder
