"""What is scanned for the scorecard of input kinds: benign traffic, attacks, and what was found of them."""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.scan import scan_inference
from caponier.emulate.event_log import interleaved, micros
from caponier.emulate.simulation.trace import EPOCH
from caponier.records.event import EVENT_SCHEMA
from caponier.records.finding import Finding
from caponier.records.inventory import FeatureSpec

Row: TypeAlias = Any
"""What a model is asked for: an array (d,), a file, a text, or a list of values."""
Scores: TypeAlias = Callable[[Sequence[Row]], NDArray[np.float32]]
"""A model: n rows to scores (n, c)."""
Habit: TypeAlias = Callable[[Sequence[Row], np.random.Generator], Iterator[Row]]
"""Rows that a benign user asks for, from what there is to be asked, without end."""
LEARNED, USERS, UNIQUE = 100, 60, 100
DAY_S = 86_400.0


@dataclass(frozen=True)
class Attack:
    """One attack that was carried out."""

    name: str
    principal: str
    success: bool
    sent: int
    """Queries."""
    measure: float
    """How well it went, in the attack's own terms."""


@dataclass(eq=False)
class Scene:
    """One model with its kind of input."""

    kind: str
    victim: str
    spec: FeatureSpec
    predict: Scores
    logged: Callable[[Row], Row] = lambda row: row
    """What the log holds of a row."""
    attacks: list[Attack] = field(default_factory=list)
    traces: list[pa.Table] = field(default_factory=list)

    def tape(self, name: str, turn: int, seed: int) -> "Tape":
        """Return the line on which an attacker asks."""
        return Tape(self, f"attacker-{name}-{turn}", seed * 100 + turn)

    def attacked(self, name: str, tape: "Tape", success: bool, measure: float) -> None:
        """Note an attack that is over."""
        self.attacks.append(Attack(name, tape.principal, bool(success), len(tape.rows), measure))
        self.traces.append(tape.events())


@dataclass(eq=False)
class Tape:
    """Asks a model and remembers what was asked, one row a request."""

    scene: Scene
    principal: str
    seed: int
    rows: list[Row] = field(default_factory=list)
    scores: list[NDArray[np.float32]] = field(default_factory=list)

    def ask(self, row: Row) -> NDArray[np.float32]:
        """Ask for one row; return its scores (c,)."""
        answer = self.scene.predict([row])[0]
        self.rows.append(row)
        self.scores.append(answer)
        return answer

    def events(self) -> pa.Table:
        gaps = np.random.default_rng(self.seed).exponential(0.5e6, len(self.rows))
        times = micros(EPOCH) + DAY_S / 3 * 1e6 + np.cumsum(gaps)
        return events(self.scene, [self.principal] * len(self.rows), times, self.rows, np.array(self.scores))


def users(
    scene: Scene, habits: Mapping[str, Habit], pool: Sequence[Row], n: int, seed: int, unique: int = UNIQUE
) -> pa.Table:
    """Let benign users ask for different rows, each with one of the habits, within a day."""
    rows: list[Row] = []
    who: list[str] = []
    names = list(habits)
    for turn in range(n):
        name, rng = names[turn % len(names)], np.random.default_rng((seed, turn))
        seen: set[bytes] = set()
        for row in habits[name](pool, rng):
            seen.add(_key(row))
            rows.append(row)
            who.append(f"{name}-{seed}-{turn:03d}")
            if len(seen) == unique:
                break
    times = micros(EPOCH) + np.random.default_rng(seed).uniform(0, DAY_S, len(rows)) * 1e6
    # A user's rows are in the order in which they were asked for.
    places = {name: np.flatnonzero(np.array(who) == name) for name in dict.fromkeys(who)}
    for own in places.values():
        times[own] = np.sort(times[own])
    return events(scene, who, times, rows, scene.predict(rows))


def events(
    scene: Scene, who: Sequence[str], times: NDArray[Any], rows: Sequence[Row], scores: NDArray[np.float32]
) -> pa.Table:
    """Return answered predictions as events; rows that are no arrays are logged as they came."""
    n, held = len(rows), [scene.logged(row) for row in rows]
    columns: dict[str, Any] = {
        "time": pa.array(np.asarray(times).astype(np.int64), pa.timestamp("us", tz="UTC")),
        "model": pa.array([scene.victim] * n),
        "operation": pa.array(["predict"] * n),
        "principal": pa.array(list(who)),
        "label": pa.array(scores.argmax(axis=1).astype(str)),
        "scores": pa.array(list(scores.astype(np.float32)), pa.list_(pa.float32())),
        "status": pa.array(np.full(n, 200, np.int32)),
    }
    if isinstance(held[0], np.ndarray):
        columns["input"] = pa.array(held, pa.list_(pa.float32()))
    else:
        columns["input_raw"] = pa.array([row if isinstance(row, str) else json.dumps(row) for row in held])
    arrays = [columns.get(f.name, pa.nulls(n, f.type)) for f in EVENT_SCHEMA]
    return pa.Table.from_arrays(arrays, schema=EVENT_SCHEMA)


def _key(row: Row) -> bytes:
    if isinstance(row, bytes):
        return row
    return row.tobytes() if isinstance(row, np.ndarray) else repr(row).encode()


def judged(
    scene: Scene,
    plain: Mapping[str, Habit],
    editing: Mapping[str, Habit],
    pools: tuple[Sequence[Row], Sequence[Row]],
    seed: int,
) -> list[dict[str, Any]]:
    """Let benign users ask, build a baseline, scan: once with plain users alone, once with others who edit, too.

    Args:
        scene: A model, and the attacks on it.
        plain: Habits of users who ask for what comes.
        editing: Habits of users who ask for one thing in many versions.
        pools: What users of the baseline have to ask for, and others.
        seed: Fixes them all.

    Returns:
        A row for each attack and one for each benign user.
    """
    rows = []
    for among, habits in (("plain users", plain), ("users who edit", {**plain, **editing})):
        benign = users(scene, habits, pools[0], LEARNED, seed)
        others = users(scene, habits, pools[1], USERS, seed + 1_000)
        rows += [row | {"among": among} for row in _judged(scene, benign, others, seed)]
    return rows


def _judged(scene: Scene, benign: pa.Table, others: pa.Table, seed: int) -> list[dict[str, Any]]:
    log = interleaved([others, *scene.traces])
    with tempfile.TemporaryDirectory() as folder:
        learned, scanned = Path(folder) / "benign.parquet", Path(folder) / "log.parquet"
        pq.write_table(interleaved([benign]), learned)
        pq.write_table(log, scanned)
        baseline = build_baseline([learned], spec=scene.spec).baseline
        report = scan_inference([scanned], baseline, spec=scene.spec)
    first = _first(log, report.findings)
    about = {"kind": scene.kind, "victim": scene.victim, "seed": seed}
    rows: list[dict[str, Any]] = []
    for attack in scene.attacks:
        found = first.get(attack.principal, {})
        by = min(found, key=lambda name: found[name], default=None)
        done = {"attack": attack.name, "success": attack.success, "sent": attack.sent, "measure": attack.measure}
        rows.append(about | done | {"found": found, "queries": found[by] if by else None, "by": by})
    for name in sorted(set(others["principal"].to_pylist())):
        by = sorted(first.get(name, {}))
        rows.append(about | {"attack": None, "habit": name.split("-")[0], "flagged": bool(by), "by": ", ".join(by)})
    return rows


def _first(log: pa.Table, findings: Sequence[Finding]) -> dict[str, dict[str, int]]:
    """Return by principal and detector how many queries had been sent when an alarm came."""
    number: dict[str, tuple[str, int]] = {}
    sent: dict[str, int] = {}
    for id_, who in zip(log["event_id"].to_pylist(), log["principal"].to_pylist(), strict=True):
        sent[who] = sent.get(who, 0) + 1
        number[id_] = (who, sent[who])
    first: dict[str, dict[str, int]] = {}
    for finding in findings:
        who, at = number[finding.trigger_event_id or ""]
        own = first.setdefault(who, {})
        own[finding.detector] = min(at, own.get(finding.detector, at))
    return first
