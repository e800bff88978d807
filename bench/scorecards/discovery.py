"""Who is flagged while finding out what a model is, and after how many requests; and who is not who only begins.

The seeds were never used while the detection was made.
"""

import csv
import io
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.machinery import traffic
from bench.machinery.measured import caponier, say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.emulate.caller.model_api import ModelApi
from caponier.emulate.caller.oracle import Predict
from caponier.emulate.caller.wire import Reply
from caponier.emulate.discovery.api_crawl import ApiCrawl
from caponier.emulate.discovery.family_fingerprint import FamilyFingerprint
from caponier.emulate.event_log import Deployment, ServerLog, interleaved
from caponier.emulate.images import Images
from caponier.emulate.new_client import photos
from caponier.emulate.probe import FAMILIES, Probe, ProbeOutcome, Truth
from caponier.emulate.registry import newcomers
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.simulation.trace import EPOCH
from caponier.emulate.simulation.visits import let_in, visitors
from caponier.emulate.victims.digits import DigitsSplit, load_digits_split
from caponier.emulate.victims.families import train_kind
from caponier.emulate.victims.in_process import LocalWire

SEEDS = (101, 102, 103)
KINDS = ("mlp", "boosted", "linear")
HABITUAL, CALLERS = 268, 4
"""Benign users of a baseline who only predict, and callers of each of the eight other kinds: 300 together."""
NEWCOMERS, OTHERS, USERS = 50, 20, 100
"""Harmless callers that are scanned: on their first day, of each other kind, and users who only predict."""
RUNS = 10
SLOW_S = 1_800.0
"""Mean seconds between two requests of a slow probe: 60 requests take 30 hours."""
LATER = EPOCH + timedelta(days=1)
SPEC = ("--kind", "image", "--shape", "8,8", "--range", "0,1")
PROBES: Mapping[str, Probe] = {"api_crawl": ApiCrawl(), "family_fingerprint": FamilyFingerprint()}
HARDER: Mapping[str, Probe] = {
    "quiet_crawl": ApiCrawl(thorough=0.1),
    "quiet_fingerprint": FamilyFingerprint(thorough=0),
}
"""Published without a goal: only what the result needs, and hardly a failure."""
WITHIN = 60
DETECTOR = "schema_probe"


@dataclass(frozen=True)
class Run:
    """One probe that was carried out."""

    who: str
    principal: str
    outcome: ProbeOutcome


@dataclass(frozen=True)
class Found:
    """Who was found."""

    warm: dict[str, datetime]
    """By principal, the time of the first finding of `DETECTOR` with a baseline."""
    cold: dict[str, datetime]
    """Without one."""
    by_any: frozenset[str]
    """Principals that any detector found, with a baseline."""


class Mixed:
    """A wire on which every request is followed by one of plain work, half the time by two."""

    def __init__(self, wire: LocalWire, images: Images, seed: int) -> None:
        self._wire, self._images, self._rng = wire, images, np.random.default_rng((seed, 7))

    def send(self, method: str, path: str, body: bytes | None = None) -> Reply:
        reply = self._wire.send(method, path, body)
        for _ in range(self._rng.integers(1, 3)):
            self.wait(self._rng.exponential(30))
            ModelApi(self._wire, "digits").predict(photos(self._images, self._rng))
        return reply

    def wait(self, seconds: float) -> None:
        self._wire.wait(seconds)


def run(quick: bool) -> Scorecard:
    """Quick: one seed and the first kind of model."""
    seeds, kinds = (SEEDS[:1], KINDS[:1]) if quick else (SEEDS, KINDS)
    rows = [row for seed in seeds for kind in kinds for row in _one(seed, kind)]
    attackers, harmless = ([row for row in rows if row["attack"] is attack] for attack in (True, False))
    aimed = [row for row in attackers if row["aimed"]]
    first_day = [row for row in harmless if row["who"] == "first_day"]
    figures: dict[str, Any] = {
        "probes": len(aimed),
        "probes_succeeded_share": _share(aimed, "success"),
        "probes_flagged_within_60_share": sum(_in_time(row) for row in aimed) / len(aimed),
        "slow_probes_flagged_within_60_share": _worst_share([row for row in aimed if "slow" in row["who"]]),
        "requests_to_first_finding_median": _median(aimed),
        "requests_to_first_finding_most": max((row["requests"] for row in aimed if row["flagged"]), default=None),
        "probes_flagged_without_baseline_share": _share(aimed, "cold"),
        "newcomers": len(first_day),
        "newcomers_flagged": sum(row["flagged"] for row in first_day),
        "newcomers_flagged_without_baseline": sum(row["cold"] for row in first_day),
        "other_harmless": len(harmless) - len(first_day),
        "other_harmless_flagged": sum(row["flagged"] for row in harmless) - sum(row["flagged"] for row in first_day),
        "other_harmless_flagged_without_baseline": sum(row["cold"] for row in harmless if row not in first_day),
    }
    goals = (
        Goal("probes_succeeded_share", 0.95, at_least=True),
        Goal("probes_flagged_within_60_share", 1.0, at_least=True),
        Goal("newcomers_flagged", 0, at_least=False),
        Goal("other_harmless_flagged", 0, at_least=False),
    )
    about = (
        f"{len(seeds)} seed{'s' * (len(seeds) > 1)}, models of scikit-learn's digits of {len(kinds)} famil"
        f"{'ies' if len(kinds) > 1 else 'y'} ({', '.join(kinds)}); a baseline of {HABITUAL} benign users who only "
        f"predict and, of the first family, {8 * CALLERS} callers who do not, then {RUNS} runs of each probe, fast and "
        f"slow, and on the first family {NEWCOMERS} newcomers, {OTHERS} callers of each of seven other kinds and "
        f"{USERS} users, with every detector at work; only findings of schema_probe count."
    )
    return Scorecard("discovery", about, figures, goals, seeds, _table(attackers, harmless))


def _one(seed: int, kind: str) -> list[dict[str, Any]]:
    say(f"seed {seed}, {kind}: training and asking")
    split = load_digits_split(seed)
    predict = train_kind(split, seed, kind)
    benign = [simulate(assemble(split.calibration.images, HABITUAL, seed), predict, traffic.UNIQUE)]
    log, calm = ServerLog(), list[pa.Table]()
    runs = list(_probed(split, predict, Truth(FAMILIES[kind]), log, seed))
    if kind == KINDS[0]:
        # What callers send, and how it fails, does not depend on the kind of model; only how long an answer takes does.
        benign.append(let_in(visitors(newcomers(), CALLERS, seed), split.calibration.images, predict))
        calm += _harmless(split, predict, seed + 1_000)
    scanned = interleaved([*calm, log.table()])
    say(f"seed {seed}, {kind}: baseline and scan")
    found = _found(benign, scanned)
    warm, cold = found.warm, found.cold
    rows: list[dict[str, Any]] = []
    for done in runs:
        about = {"who": done.who, "attack": True, "aimed": done.who.removesuffix("_slow") in PROBES}
        seen = {"flagged": done.principal in warm, "cold": done.principal in cold}
        at = _requests(scanned, done.principal, warm.get(done.principal))
        others = {"by_any": done.principal in found.by_any, "success": done.outcome.success}
        rows.append({**about, **seen, **others, "requests": at})
    harmless = sorted(set(scanned["principal"].to_pylist()) - {done.principal for done in runs} - {None})
    return rows + [
        {"who": name.split("-")[0], "attack": False, "flagged": name in warm, "cold": name in cold} for name in harmless
    ]


def _harmless(split: DigitsSplit, predict: Predict, seed: int) -> Iterator[pa.Table]:
    images, others = split.test.images, newcomers()
    first_day = {"first_day": others.pop("first_day")}
    yield simulate(assemble(images, USERS, seed), predict, traffic.UNIQUE, begin=LATER)
    yield let_in(visitors(first_day, NEWCOMERS, seed), images, predict, begin=LATER)
    yield let_in(visitors(others, OTHERS, seed), images, predict, begin=LATER)


def _probed(split: DigitsSplit, predict: Predict, truth: Truth, log: ServerLog, seed: int) -> Iterator[Run]:
    """Carry out probes: fast, slow, slow between plain work, and those that ask only what they need."""
    place = Deployment()
    plans = [(name, probe, None) for name, probe in (*PROBES.items(), *HARDER.items())]
    plans += [(f"{name}_slow", probe, SLOW_S) for name, probe in PROBES.items()]
    plans += [(f"{name}_mixed", probe, SLOW_S) for name, probe in PROBES.items()]
    for who, probe, gap_s in plans:
        for turn in range(RUNS):
            number, principal = seed * 1_000 + turn, f"{who}-{seed}-{turn}"
            wire = LocalWire(predict, place, log.record, principal, LATER)
            used = Mixed(wire, split.attackers.images, number) if who.endswith("_mixed") else wire
            yield Run(who, principal, probe.run(used, place.model, truth, seed=number, gap_s=gap_s))


def _found(benign: list[pa.Table], scanned: pa.Table) -> Found:
    """Build a baseline, and scan with it and without."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        learned, log, baseline = home / "benign.parquet", home / "log.parquet", home / "b.safetensors"
        traffic.write_sorted(benign, learned)
        traffic.write_sorted([scanned], log)
        caponier("init", folder, "--quiet")
        caponier("baseline", "build", str(learned), "--out", str(baseline), *SPEC, "--workspace", folder, "--quiet")
        arguments = (*SPEC, "--workspace", folder, "--format", "csv", "--quiet")
        arguments += ("--rejected", str(home / "rejected.jsonl"))
        warm = caponier("scan", "inference", str(log), "--baseline", str(baseline), *arguments)
        cold = caponier("scan", "inference", str(log), *arguments)
    by_any = frozenset(row["subject_id"] for row in csv.DictReader(io.StringIO(warm.output)))
    return Found(_first(warm.output), _first(cold.output), by_any)


def _first(output: str) -> dict[str, datetime]:
    first: dict[str, datetime] = {}
    for row in csv.DictReader(io.StringIO(output)):
        if row["detector"] == DETECTOR and row["model"] == "digits":
            moment = datetime.fromisoformat(row["last_time"])
            first[row["subject_id"]] = min(moment, first.get(row["subject_id"], moment))
    return first


def _requests(events: pa.Table, principal: str, until: datetime | None) -> int | None:
    """Return how many requests a caller had sent up to a moment; the rows of one request have one time."""
    if until is None:
        return None
    mine = pc.and_(pc.equal(events["principal"], principal), pc.less_equal(events["time"], pa.scalar(until)))
    return len(events["time"].filter(pc.fill_null(mine, False)).unique())


def _in_time(row: dict[str, Any]) -> bool:
    return bool(row["flagged"] and row["requests"] <= WITHIN)


def _share(rows: list[dict[str, Any]], column: str) -> float:
    return sum(row[column] for row in rows) / len(rows)


def _worst_share(rows: list[dict[str, Any]]) -> float:
    """Return the share that was found in time of the probe of which fewest were."""
    return min(
        sum(_in_time(row) for row in mine) / len(mine)
        for name in {row["who"] for row in rows}
        if (mine := [row for row in rows if row["who"] == name])
    )


def _median(rows: list[dict[str, Any]]) -> float | None:
    flagged = [row["requests"] for row in rows if row["flagged"]]
    return statistics.median(flagged) if flagged else None


def _table(attackers: list[dict[str, Any]], harmless: list[dict[str, Any]]) -> list[dict[str, Any]]:
    table = []
    for name in sorted({row["who"] for row in attackers}):
        mine = [row for row in attackers if row["who"] == name]
        counts = {column: sum(row[column] for row in mine) for column in ("success", "flagged", "cold", "by_any")}
        most = max((row["requests"] for row in mine if row["flagged"]), default=None)
        table.append({"who": name, "number": len(mine), **counts, "requests": _median(mine), "requests_most": most})
    for name in sorted({row["who"] for row in harmless}):
        mine = [row for row in harmless if row["who"] == name]
        counts = {column: sum(row[column] for row in mine) for column in ("flagged", "cold")}
        table.append({"who": name, "number": len(mine), **counts})
    return table
