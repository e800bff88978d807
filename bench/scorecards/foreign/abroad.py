"""Detection on worlds that others made: benign callers flagged, attackers found, and how early.

Defaults only. Beside it, on the same logs: the plain rule over the product's own scores, and detectors of others, all
with a threshold of 1.25 times the highest score of the calibration's callers. `--held-out` is run once, when all is
done, and published as it is.
"""

import os
import statistics
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bench.machinery.measured import say
from bench.machinery.others.references import NearPairs
from bench.machinery.same_share import found_at_share, strengths
from bench.machinery.scorecard import Goal, Scorecard
from bench.machinery.streams import Queries
from bench.scorecards.promise import share_interval
from bench.worlds import HELD_OUT, HELD_OUT_3, OPEN, OPEN_2, load
from bench.worlds.world import Campaign, Log, World
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.load import load_events
from caponier.app.inference.plan import DetectionSettings, Diagnostics, enabled, plan_for
from caponier.app.inference.scan import scan_inference
from caponier.app.planting.self_test import SelfTest
from caponier.app.progress import Silent
from caponier.app.workspace.workspace import create_workspace, read_salt, require_workspace
from caponier.detect.calibration.baseline import Baseline
from caponier.detect.calibration.judging import Gathered
from caponier.engines.local import gather
from caponier.engines.plan import Plan
from caponier.engines.shares import EVERYBODY
from caponier.engines.spool import Spool, caller_of
from caponier.records.accused import accused
from caponier.records.finding import Finding
from caponier.records.inventory import Workspace
from caponier.telemetry.features import Encoder
from caponier.telemetry.rejections import RejectedRows

SEEDS: Final = (1, 2, 3)
CALLERS, USERS, EACH = 300, 1_000, 3
MARGIN: Final = 1.25
"""Times the highest score of the calibration's callers: the threshold of the plain rule and of the references."""
PLAIN: Final = "plain rule"
AT_ITS_SHARE: Final = "caponier_found_at_its_share"
"""Attackers whom Caponier finds if it flags no more benign callers than the rule of the row does."""
Peaks = Mapping[str, Mapping[str, float]]
"""The highest score of each caller, by detector."""


@dataclass(frozen=True)
class _Seen:
    """What one detector flagged in one world: callers, with their different queries up to the first alarm."""

    name: str
    first: Mapping[str, int]


def run(quick: bool) -> Scorecard:
    """Run the open worlds with three seeds; quick: two of them with one seed."""
    names, seeds = (("spam_trees", "credit"), SEEDS[:1]) if quick else (OPEN, SEEDS)
    return _scorecard("abroad", names, seeds)


def held_out(quick: bool) -> Scorecard:
    """Run the worlds that nobody looked at."""
    return _scorecard("abroad_held_out", HELD_OUT[:1] if quick else HELD_OUT, SEEDS[:1])


def second(quick: bool) -> Scorecard:
    """Run the open worlds of the second set with two seeds, each row some two minutes; quick: with one."""
    return _scorecard("abroad_second", OPEN_2, SEEDS[:1] if quick else SEEDS[:2])


def third(quick: bool) -> Scorecard:
    """Run the world in which sensors are missing, with one seed; quick: 400 callers, an attacker of each kind."""
    return _scorecard("abroad_third", HELD_OUT_3, SEEDS[:1], *((400, 1) if quick else (USERS, EACH)))


def _scorecard(
    bench: str, names: Sequence[str], seeds: Sequence[int], users: int = USERS, each: int = EACH
) -> Scorecard:
    # Worlds have nothing to do with each other: a process a core, each with one thread.
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), threadpool_limits, (1,)) as pool:
        rows = pool.map(_of, *zip(*product(names, seeds, (users,), (each,)), strict=True))
        table = [row for own in rows for row in own]
    figures = _summed(table)
    goals = (
        Goal("benign_flagged_share", 0.01, at_least=False),
        Goal("benign_flagged_share_of_worst_world_low", 0.01, at_least=False),
    )
    about = (
        f"{len(names)} worlds ({', '.join(names)}), each with a baseline of {CALLERS} callers of whom one in a hundred "
        f"attacks, {users:,} other benign callers over two to five times as long, and {each} attackers of each kind. "
        f"{PLAIN} and near pairs have a threshold of {MARGIN} times the highest score in the calibration."
    )
    return Scorecard(bench, about, figures, goals, tuple(seeds), table)


def _of(name: str, seed: int, users: int, each: int) -> list[dict[str, Any]]:
    say(f"{name}, seed {seed}")
    return list(_world(load(name), seed, users, each))


def _world(world: World, seed: int, users: int, each: int) -> Iterator[dict[str, Any]]:
    calibration, use, attackers = world.calibration(seed, CALLERS), world.use(seed, users), world.attackers(seed, each)
    with tempfile.TemporaryDirectory() as folder:
        home = require_workspace(create_workspace(Path(folder)))
        benign, scanned = Path(folder) / "benign.parquet", Path(folder) / "scanned.parquet"
        pq.write_table(calibration.events, benign)
        events = pa.concat_tables([use.events, *(one.events for one in attackers)]).sort_by("time")
        pq.write_table(events, scanned)
        test = SelfTest(enabled(home), read_salt(home))
        training = _training(world, seed)
        learned = build_baseline([benign], workspace=home, spec=world.spec, training_set=training, self_test=test)
        found = scan_inference([scanned], learned.baseline, workspace=home, spec=world.spec).findings
        peaks, strong = _scored(world, home, learned.baseline, benign, scanned)
    seen = [_Seen("caponier", _first(found)), _Seen(PLAIN, _plain(*peaks))]
    if world.spec.kind in ("image", "numeric"):
        seen.append(_Seen("near pairs", _near_pairs(calibration.events, events)))
    for one in seen:
        row = _row(world.name, seed, one, use, attackers)
        if one is not seen[0]:
            row[AT_ITS_SHARE] = found_at_share(
                strong, use.truth, [each.principal for each in attackers], row["benign_flagged"]
            )
        yield row
    yield from _by_habit(world.name, seed, seen[0], use, found)


def caponier(world: World, seed: int, calibration: pa.Table, use: Log, attackers: Sequence[Campaign]) -> dict[str, Any]:
    """Return what Caponier alone flags, with any benign log and any use of it."""
    with tempfile.TemporaryDirectory() as folder:
        home = require_workspace(create_workspace(Path(folder)))
        benign, scanned = Path(folder) / "benign.parquet", Path(folder) / "scanned.parquet"
        pq.write_table(calibration, benign)
        pq.write_table(pa.concat_tables([use.events, *(one.events for one in attackers)]).sort_by("time"), scanned)
        training = _training(world, seed)
        learned = build_baseline([benign], workspace=home, spec=world.spec, training_set=training)
        found = scan_inference([scanned], learned.baseline, workspace=home, spec=world.spec).findings
    return _row(world.name, seed, _Seen("caponier", _first(found)), use, attackers)


def _training(world: World, seed: int) -> NDArray[Any]:
    """Return what the model learned from as its log writes it: numbers, or texts and forms."""
    victim = world.victim(seed)
    return victim.train.rows if victim.texts is None else np.array(victim.texts(victim.train.rows).to_pylist(), object)


def _row(world: str, seed: int, seen: _Seen, use: Log, attackers: Sequence[Campaign]) -> dict[str, Any]:
    benign = sum(who in seen.first for who in use.truth)
    kinds: dict[str, list[int | None]] = defaultdict(list)
    for one in attackers:
        kinds[one.name].append(seen.first.get(one.principal))
    early = [at for found in kinds.values() for at in found if at is not None]
    low, high = share_interval(benign, len(use.truth))
    return {
        "world": world,
        "seed": seed,
        "detector": seen.name,
        "benign": len(use.truth),
        "benign_flagged": benign,
        "benign_flagged_low": low,
        "benign_flagged_high": high,
        "attackers": len(attackers),
        "found": len(early),
        "queries_median": statistics.median(early) if early else None,
        "by_attack": {name: f"{sum(at is not None for at in found)}/{len(found)}" for name, found in kinds.items()},
    }


def _by_habit(world: str, seed: int, seen: _Seen, use: Log, found: Sequence[Finding]) -> Iterator[dict[str, Any]]:
    flagged = Counter(use.truth[who] for who in seen.first if who in use.truth)
    by = Counter(one.detector for one in found for who in accused(one) if who in use.truth)
    if flagged:
        habits = ", ".join(f"{habit} {count}" for habit, count in flagged.most_common())
        yield {"world": world, "seed": seed, "benign habits flagged": habits, "by": dict(by.most_common())}


def _first(found: Sequence[Finding]) -> dict[str, int]:
    first: dict[str, int] = {}
    for one in sorted(found, key=lambda one: one.last_time):
        for who in accused(one):
            first.setdefault(who, one.unique_queries)
    return first


def _scored(
    world: World, home: Workspace, baseline: Baseline, benign: Path, scanned: Path
) -> tuple[tuple[Peaks, Peaks], dict[str, int]]:
    """Return the highest scores of both logs' callers, and the evidence against those of the second."""
    section = baseline.models[0]
    terms = DetectionSettings.of(home, baseline)
    case = plan_for(
        Diagnostics(), section.model, section.version, Encoder(section.spec, section.knots), enabled(home), terms
    )
    if case is None:
        return ({}, {}), {}
    plan = case.plan.parts()[0]
    known, later = (_gathered(world, plan, path, terms.salt) for path in (benign, scanned))
    peaks = [{name: found.peaks() for name, found in one.items()} for one in (known, later)]
    return (peaks[0], peaks[1]), strengths(plan, later)


def _gathered(world: World, plan: Plan, path: Path, salt: bytes) -> dict[str, Gathered]:
    found = {line.name: Gathered() for line in plan.lines}
    with Spool() as spool:
        load_events(spool, [path], RejectedRows(), Silent(), salt=salt, spec_of=lambda _: world.spec)
        gather(spool, plan, EVERYBODY, found)
    return found


def _plain(known: Peaks, later: Peaks) -> dict[str, int]:
    """Flag whoever passes, with any detector, a quarter more than the highest caller of the calibration."""
    limits = {name: MARGIN * max(1.0, *one.values()) for name, one in known.items() if one}
    return {
        caller_of(who).id: 0 for name, limit in limits.items() for who, score in later[name].items() if score > limit
    }


def _near_pairs(calibration: pa.Table, scanned: pa.Table) -> dict[str, int]:
    rule = NearPairs()
    known, log = (_queries(events) for events in (calibration, scanned))
    limit = MARGIN * float(rule.scores(known).max(initial=0.0))
    scores, first = rule.scores(log), {}
    for who, rows in log.callers():
        passed = np.flatnonzero(scores[rows] > limit)
        if len(passed):
            first[str(who)] = int(passed[0]) + 1
    return first


def _queries(events: pa.Table) -> Queries:
    """Return the different queries of each caller, scaled to 0..1."""
    asked = events.filter(pc.and_(pc.is_valid(events["input"]), pc.is_valid(events["label"])))
    lists = asked["input"].combine_chunks()
    inputs = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float32).reshape(len(asked), -1)
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    inputs = (inputs - low) / np.maximum(high - low, 1e-9)
    who = np.array(asked["principal"].fill_null("").to_pylist())
    _, labels = np.unique(np.array(asked["label"].to_pylist()), return_inverse=True)
    times = asked["time"].cast(pa.int64()).to_numpy()
    new = _new(who, inputs)
    return Queries(who[new], inputs[new], labels[new], times[new], np.arange(len(who))[new])


def _new(who: NDArray[np.str_], inputs: NDArray[np.float32]) -> NDArray[np.int64]:
    keys = [hash((name, row.tobytes())) for name, row in zip(who.tolist(), inputs, strict=True)]
    _, first = np.unique(np.array(keys), return_index=True)
    return np.sort(first)


def _summed(table: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    rows = [row for row in table if "detector" in row]
    for name in dict.fromkeys(row["detector"] for row in rows):
        own = [row for row in rows if row["detector"] == name]
        flagged, benign = (sum(row[key] for row in own) for key in ("benign_flagged", "benign"))
        found, attackers = (sum(row[key] for row in own) for key in ("found", "attackers"))
        prefix = "" if name == "caponier" else f"{name.replace(' ', '_')}_"
        figures |= {
            f"{prefix}benign_flagged_share": flagged / benign,
            f"{prefix}found_share": found / attackers,
        }
        if all(AT_ITS_SHARE in row for row in own):
            figures[f"caponier_found_share_at_{prefix}share"] = sum(row[AT_ITS_SHARE] for row in own) / attackers
        if not prefix:
            figures |= {
                "benign": benign,
                "attackers": attackers,
                "benign_flagged_share_of_worst_world_low": max(row["benign_flagged_low"] for row in own),
                "worst_world_found_share": min(row["found"] / row["attackers"] for row in own),
            }
    return figures
