"""Whether a stranger's log is read whole and right: rows, times, callers, inputs, answers."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from caponier.telemetry.events import read_events
from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.field_maps.shipped import shipped_maps
from telemetry.conftest import Kept, Row
from telemetry.strangers.calls import Log

ASIDE: Final = ("other", "health", "metadata")
WHO: Final = ("principal", "session", "source_ip")


def wrongs(log: Log, folder: Path) -> list[str] | None:
    """Read a log as the command line does without an option; say what is wrong of it, or None where it is refused."""
    files, want, *aside = log
    paths = [folder / file for file in files]
    for path in paths:
        path.write_bytes(files[path.name])
    kept, rows = Kept(), list[Row]()
    for events in read_events(paths, kept, maps=MapChoice(known=shipped_maps()), salt=b"pepper"):
        rows += events.batch.to_pylist()
    rows = [row for row in rows if row["operation"] not in ASIDE]
    if not rows:
        return None
    if len(rows) != len(want):
        return [f"{len(rows)} events of {len(want)}"]
    rows.sort(key=lambda row: row["time"])
    want = sorted(want, key=lambda one: _moment(one["time"]))
    spec = kept.spec_of(rows[0]["model"])
    names = [column.name for column in spec.columns] if spec else []
    found = []
    # Each model takes its own.
    for model in sorted({row["model"] for row in rows}):
        own = [(row, one) for row, one in zip(rows, want, strict=True) if row["model"] == model]
        found += _inputs([row for row, _ in own], [one["x"] for _, one in own], names)
    found += _about(rows, want) + _callers(rows, [one["who"] for one in want]) + _answers(rows, want)
    return found + [str(one) for one in kept.all[sum(aside) :]]


def _moment(time: Any) -> int:
    return int(time[1] if isinstance(time, tuple) else time)


def _about(rows: Sequence[Row], want: Sequence[Row]) -> list[str]:
    found = []
    for row, one in zip(rows, want, strict=True):
        if abs(round(row["time"].timestamp() * 1e6) - _moment(one["time"])) > one["tick"]:
            found.append(f"time {row['time']}")
        if one["model"] not in (None, row["model"]):
            found.append(f"model {row['model']}")
        ms = one["ms"]
        may_lack = isinstance(ms, tuple)
        ms = ms[1] if may_lack else ms
        if ms is not None and not (may_lack and row["latency_ms"] is None) and not _near(row["latency_ms"], ms, 0.02):
            found.append(f"latency {row['latency_ms']} for {ms}")
    return found[:3]


def _callers(rows: Sequence[Row], who: Sequence[Any]) -> list[str]:
    named = next((name for name in WHO if any(row[name] is not None for row in rows)), None)
    if who[0] == "*":
        return []
    if who[0] is None:
        return [f"a caller where none is: {named}"] if named in WHO[:2] else []
    told = [row[named] if named else None for row in rows]
    pairs = set(zip(told, who, strict=True))
    return [] if None not in told and len(pairs) == len(set(told)) == len(set(who)) else [f"callers by {named}"]


def _inputs(rows: Sequence[Row], asked: list[Any], names: Sequence[str]) -> list[str]:
    if isinstance(asked[0], str):
        return [] if [row["input_raw"] for row in rows] == asked else ["another text"]
    inputs = [row["input"] for row in rows]
    if not isinstance(asked[0], dict):
        return [f"inputs {inputs[0]}"] if any(map(_differs, inputs, asked)) else []
    if inputs[0] is None:
        raws = [json.loads(row["input_raw"] or "null") for row in rows]
        lists = [
            raw if isinstance(raw, list) else raw and list(map(raw.get, one))
            for raw, one in zip(raws, asked, strict=True)
        ]
        same = (list(one.values()) == held for held, one in zip(lists, asked, strict=True))
        return [] if all(same) else [f"raw {raws[0]}"]
    if None in inputs or len({len(one) for one in inputs}) != 1:
        return ["some have no inputs, or others"]
    columns = [list(one) for one in zip(*inputs, strict=True)]
    wanted = {key: [one.get(key) for one in asked] for one in asked for key in one}
    left = dict(enumerate(columns))
    found = []
    for key, values in wanted.items():
        place = next((at for at, held in left.items() if _is_column(held, values)), None)
        if place is None:
            found.append(f"lost {key}")
        else:
            del left[place]
    return found + [f"too many: {names[at] if at < len(names) else at}" for at in left]


def _differs(held: Any, want: Any) -> bool:
    if want is None:
        return held is not None
    return held is None or len(held) != len(want) or not all(map(_near, held, want))


def _is_column(held: list[Any], want: list[Any]) -> bool:
    if all(isinstance(one, int | float | None) for one in want):
        return all(math.isnan(a) if b is None else _near(a, float(b)) for a, b in zip(held, want, strict=True))
    pairs = {(a, str(b)) for a, b in zip(held, want, strict=True)}
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def _answers(rows: Sequence[Row], want: Sequence[Row]) -> list[str]:
    found = []
    for row, one in zip(rows, want, strict=True):
        scores, label = row["scores"] or [], row["label"]
        if one["label"] not in (None, "*", label):
            found.append(f"label {label} for {one['label']}")
        amounts = scores if label is None else [float(label)] if one["value"] is not None else []
        if one["value"] is not None and not (len(amounts) == 1 and _near(amounts[0], one["value"], 0.05)):
            found.append(f"{label} or {scores} for {one['value']}")
        if one["scores"] not in (None, "*") and _differs(sorted(scores), sorted(one["scores"])):
            found.append(f"scores {scores} for {one['scores']}")
        if (one["label"], one["value"], one["scores"]) == (None, None, None) and (scores or label is not None):
            found.append(f"an answer where none is: {label}")
    return found[:3]


def _near(held: Any, want: float, slack: float = 1e-5) -> bool:
    return isinstance(held, int | float) and abs(held - want) <= slack + 2e-6 * abs(want)
