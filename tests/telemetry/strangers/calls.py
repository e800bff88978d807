"""Traffic of services that never were: what was asked, by whom, and what was answered."""

import csv
import io
import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final


@dataclass(frozen=True)
class Call:
    at: datetime
    who: str
    ip: str
    id: str
    x: object
    label: str | None
    scores: list | None
    ms: float = 0.0
    status: int = 200
    model: str | None = None
    value: float | None = None


KINDS: Final[dict[str, Any]] = {
    "loan": {
        "cols": [
            ("age", "int", 19, 80),
            ("income", "money", 9000, 120000),
            ("tenure_months", "int", 0, 300),
            ("purpose", "cat", ["car", "house", "study", "travel"]),
        ],
        "classes": ["approve", "deny"],
    },
    "flower": {
        "cols": [
            ("sepal_length", "f", 4, 8),
            ("sepal_width", "f", 2, 5),
            ("petal_length", "f", 1, 7),
            ("petal_width", "f", 0, 3),
        ],
        "classes": ["setosa", "versicolor", "virginica"],
    },
    "fraud": {
        "cols": [
            ("amount", "money", 1, 4000),
            ("hour", "int", 0, 23),
            ("merchant_type", "cat", ["food", "fuel", "web", "hotel"]),
            ("card_present", "bool"),
            ("distance_km", "f", 0, 900),
        ],
        "classes": ["fraud", "legit"],
    },
    "house": {
        "cols": [
            ("area_m2", "f", 20, 300),
            ("rooms", "int", 1, 9),
            ("year_built", "int", 1900, 2024),
            ("district", "cat", ["north", "south", "west"]),
        ],
        "classes": None,
    },
}


def cell(rng, kind, *rest):
    if kind == "int":
        return rng.randint(*rest)
    if kind == "money":
        return round(rng.uniform(*rest), 2)
    if kind == "f":
        return round(rng.uniform(*rest), 3)
    if kind == "bool":
        return rng.random() < 0.6
    return rng.choice(rest[0])


def scores(rng, classes):
    parts = [rng.random() + 0.05 for _ in classes]
    total = sum(parts)
    out = [round(p / total, 4) for p in parts]
    out[-1] = round(1 - sum(out[:-1]), 4)
    return out


def calls(
    kind, seed, n=36, callers=("alice", "bob", "carol", "dmitri", "erin"), model=None, fail=(), tick=1000, width=6
):
    rng = random.Random(seed)
    at = datetime(2026, 3, 2, 8, 15, 3, tzinfo=UTC) + timedelta(days=seed % 11)
    out = []
    for i in range(n):
        at += timedelta(seconds=rng.randint(2, 2400) if i % 5 else rng.randint(2, 9), microseconds=0)
        us = rng.randint(0, 999999) // tick * tick
        when = at.replace(microsecond=us)
        k = min(int(rng.expovariate(0.6)), len(callers) - 1) if i >= len(callers) else i
        who = callers[k]
        label = prob = value = None
        if kind in KINDS:
            spec = KINDS[kind]
            x = {c[0]: cell(rng, *c[1:]) for c in spec["cols"]}
            if spec["classes"]:
                prob = scores(rng, spec["classes"])
                label = spec["classes"][prob.index(max(prob))]
            else:
                value = round(rng.uniform(90000, 900000), 2)
        elif kind == "vector":
            x = [round(rng.gauss(0, 1), 4) for _ in range(width)]
            prob = scores(rng, ["cat", "dog", "fox"])
            label = ["cat", "dog", "fox"][prob.index(max(prob))]
        else:
            words = [
                "the",
                "a",
                "delivery",
                "was",
                "late",
                "early",
                "great",
                "poor",
                "box,",
                "arrived.",
                "broken",
                "nice",
                "thanks!",
                "never",
                "again",
                "refund",
                "friendly",
                "and",
                "staff",
                "(very)",
                "much",
            ]
            x = " ".join(rng.choice(words) for _ in range(rng.randint(4, 14)))
            prob = scores(rng, ["negative", "neutral", "positive"])
            label = ["negative", "neutral", "positive"][prob.index(max(prob))]
        status = 200
        if i in fail:
            status, label, prob, value = rng.choice([500, 422]), None, None, None
        out.append(
            Call(
                when,
                who,
                f"10.4.{k}.{17 + k}",
                f"{rng.getrandbits(64):016x}",
                x,
                label,
                prob,
                round(rng.uniform(2, 90), 2),
                status,
                model,
                value,
            )
        )
    return out


def truth(call, **over):
    row = {
        "time": round(call.at.timestamp() * 1e6),
        "who": call.who,
        "x": call.x,
        "label": call.label,
        "scores": call.scores,
        "value": call.value,
        "model": call.model,
        "ms": call.ms,
        "tick": 1000,
    }
    row.update(over)
    return row


Log = tuple[Any, ...]
"""Files by name, what was asked in them, and how many lines beside say nothing of a prediction."""
SHOPS: Final[dict[str, Callable[[], Log]]] = {}


def shop(make: Callable[[], Log]) -> Callable[[], Log]:
    """Name a log after what writes it."""
    SHOPS[make.__name__] = make
    return make


def jl(rows: Iterable[Any]) -> bytes:
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows).encode()


def iso(time: datetime, digits: int = 3) -> str:
    text = time.strftime("%Y-%m-%dT%H:%M:%S.%f")
    return (text[:-7] if not digits else text[: len(text) - 6 + digits]) + "Z"


def ep(time: datetime) -> float:
    return time.timestamp()


def dist(call: Call, kind: str) -> dict[str, float]:
    return dict(zip(KINDS[kind]["classes"], call.scores, strict=True))


def csv_text(head: Any, rows: Iterable[Any], **how: Any) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", **how)
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue().encode()
