"""How a home-grown log is read without any option, against the truth: right, lacking, refused, or silently wrong."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.machinery.homegrown.logs import Homegrown, Truth
from caponier.errors import CaponierError
from caponier.telemetry.events import read_events
from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.field_maps.shipped import shipped_maps
from caponier.telemetry.rejections import RejectedRows

Row = dict[str, Any]
ASIDE: Final = ("other", "health", "metadata")


@dataclass(frozen=True)
class Judged:
    """What one reading gave."""

    refused: str | None
    """Why nothing was read."""
    lacking: tuple[str, ...]
    """What the log says and the events do not: they are poorer, and not false."""
    wrong: tuple[str, ...]
    """What the events say and the log does not."""

    @property
    def is_right(self) -> bool:
        """Whether everything was read as it was."""
        return self.refused is None and not self.lacking and not self.wrong

    @property
    def kind(self) -> str:
        """Return right, refused, wrong or lacking."""
        return "refused" if self.refused else "wrong" if self.wrong else "lacking" if self.lacking else "right"


def judge(log: Homegrown, folder: Path) -> Judged:
    """Read a log in `folder` as the command line does, and hold it against the truth."""
    path = folder / log.file
    path.write_bytes(log.data)
    rejected, rows, read = RejectedRows(), list[Row](), None
    try:
        for read in read_events([path], rejected, maps=MapChoice(known=shipped_maps()), salt=b"pepper"):
            rows += read.batch.to_pylist()
    except CaponierError as error:
        return Judged(str(error), (), ())
    rows = [row for row in rows if row["operation"] not in ASIDE]
    if not rows:
        return Judged(rejected.reasons_in_words or "nothing read", (), ())
    if len(rows) != len(log.events):
        found = f"{len(rows)} events of {len(log.events)}"
        return (
            Judged(None, (found,), ()) if rejected.count and len(rows) < len(log.events) else Judged(None, (), (found,))
        )
    rows.sort(key=lambda row: row["time"])
    spec = rejected.spec_of(rows[0]["model"])
    names = [column.name for column in spec.columns] if spec else []
    lacking, wrong = list[str](), list[str]()
    for about in (_times, _callers, _models, _latency, _answers):
        one, other = about(rows, log.events)
        lacking += one
        wrong += other
    one, other = _inputs(rows, [truth.asked for truth in log.events], names)
    return Judged(None, (*lacking, *one), (*wrong, *other))


Found = tuple[list[str], list[str]]


def _times(rows: Sequence[Row], truths: Sequence[Truth]) -> Found:
    off = [
        row["time"]
        for row, one in zip(rows, truths, strict=True)
        if abs(round(row["time"].timestamp() * 1e6) - one.time) > one.tick
    ]
    return [], [f"time {off[0]}"] if off else []


def _callers(rows: Sequence[Row], truths: Sequence[Truth]) -> Found:
    named = next(
        (name for name in ("principal", "session", "source_ip") if any(row[name] is not None for row in rows)), None
    )
    if truths[0].who is None:
        return [], [f"caller: {named} where none is"] if named else []
    if named is None:
        return ["caller: none"], []
    pairs = {(row[named], one.who) for row, one in zip(rows, truths, strict=True)}
    same = len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}) and None not in {a for a, _ in pairs}
    return [], [] if same else [f"caller: {named} is another"]


def _models(rows: Sequence[Row], truths: Sequence[Truth]) -> Found:
    held, want = {row["model"] for row in rows}, truths[0].model
    if want is None:
        return [], [] if len(held) == 1 else [f"model: {sorted(held)[:3]}"]
    if held == {want}:
        return [], []
    return (["model: none"], []) if held == {"model"} else ([], [f"model: {sorted(held)[:3]}"])


def _latency(rows: Sequence[Row], truths: Sequence[Truth]) -> Found:
    held = [row["latency_ms"] for row in rows]
    if truths[0].latency_ms is None:
        return [], [f"latency: {held[0]} where none is"] if held[0] is not None else []
    if set(held) == {None}:
        return ["latency: none"], []
    same = all(
        a is not None and abs(a - (b.latency_ms or 0)) <= 0.06 + 0.001 * a for a, b in zip(held, truths, strict=True)
    )
    return [], [] if same else [f"latency: {held[0]} for {truths[0].latency_ms}"]


def _answers(rows: Sequence[Row], truths: Sequence[Truth]) -> Found:
    lacking, wrong = dict[str, None](), dict[str, None]()
    for row, one in zip(rows, truths, strict=True):
        label, scores = row["label"], row["scores"] or []
        if one.amount is not None:
            told = scores or ([_number(label)] if label is not None else [])
            if not told:
                lacking["amount: none"] = None
            elif len(told) != 1 or not _near(told[0], one.amount):
                wrong[f"amount: {told[:3]}"] = None
            continue
        if one.label is not None and label != one.label:
            (lacking if label is None else wrong)[
                "label: none" if label is None else f"label: {label} for {one.label}"
            ] = None
        if one.label is None and label is not None and one.scores is not None and len(one.scores) > 1:
            # The best class by its number, or by a name that the log has: never another.
            best = str(one.scores.index(max(one.scores)))
            if label.isdecimal() and label != best:
                wrong[f"label: {label} of a list"] = None
        if one.scores is None:
            if scores:
                wrong[f"scores: {scores[:3]} where none are"] = None
        elif not scores:
            lacking["scores: none"] = None
        elif len(scores) != len(one.scores) or not all(map(_near, sorted(scores), sorted(one.scores))):
            wrong[f"scores: {scores[:3]} for {one.scores[:3]}"] = None
    return list(lacking)[:2], list(wrong)[:2]


def _inputs(rows: Sequence[Row], asked: Sequence[Any], names: Sequence[str]) -> Found:
    if isinstance(asked[0], str):
        held = [row["input_raw"] for row in rows]
        if set(held) == {None}:
            return (["input: none"], []) if rows[0]["input"] is None else ([], ["input: numbers for a text"])
        return [], [] if list(map(_text, held)) == list(asked) else [f"input: {str(held[0])[:60]}"]
    inputs = [row["input"] for row in rows]
    values = [list(one.values()) if isinstance(one, dict) else list(one) for one in asked]
    if set(map(type, inputs)) == {type(None)}:
        raws = [row["input_raw"] for row in rows]
        if set(raws) == {None}:
            return ["input: none"], []
        held_raw = [json.loads(raw) if raw and raw[:1] in "[{" else raw for raw in raws]
        lists = [list(one.values()) if isinstance(one, dict) else one for one in held_raw]
        same = [
            sorted(map(str, a)) == sorted(map(str, b)) if isinstance(a, list) else False
            for a, b in zip(lists, values, strict=True)
        ]
        return [], [] if all(same) else [f"input: raw {str(raws[0])[:60]}"]
    if any(one is None for one in inputs) or len({len(one) for one in inputs}) != 1:
        return [], ["input: some have none, or others"]
    return _columns(list(zip(*inputs, strict=True)), asked, values, names)


def _columns(held: list[Any], asked: Sequence[Any], values: list[list[Any]], names: Sequence[str]) -> Found:
    wanted = list(zip(*values, strict=True))
    titles = list(asked[0]) if isinstance(asked[0], dict) else [str(at) for at in range(len(wanted))]
    left = dict(enumerate(held))
    lacking = []
    last = -1
    for title, column in zip(titles, wanted, strict=True):
        place = next((at for at, one in left.items() if _is_column(one, column)), None)
        if place is None:
            lacking.append(f"input: lost {title}")
            continue
        del left[place]
        if not isinstance(asked[0], dict) and place < last:
            return [], ["input: another order"]
        last = place
    # A column of missing values is one of which nothing could be read.
    false = (at for at, one in left.items() if not all(map(math.isnan, one)))
    return lacking, [f"input: too many: {names[at] if at < len(names) else at}" for at in false]


def _is_column(held: Sequence[Any], want: Sequence[Any]) -> bool:
    if all(isinstance(one, int | float) for one in want):
        return all(_near(a, float(b)) for a, b in zip(held, want, strict=True))
    pairs = {(a, str(b)) for a, b in zip(held, want, strict=True)}
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def _text(held: Any) -> Any:
    if isinstance(held, str) and held[:1] == '"':
        return json.loads(held)
    return held


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _near(held: Any, want: float) -> bool:
    return isinstance(held, int | float) and abs(held - want) <= 1e-5 + 2e-6 * abs(want)
