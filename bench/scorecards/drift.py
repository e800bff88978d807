"""Does a baseline know when it is stale, and how far does the old one carry a new version of its model?

The seeds were never used while the limits were chosen.
"""

import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.machinery import traffic
from bench.machinery.measured import say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.baseline.warm_start import warm_start
from caponier.app.inference.load import load_events
from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.app.progress import Silent
from caponier.detect.calibration.baseline import Baseline
from caponier.detect.traffic_profile.behaviour_clusters import BehaviourCluster, habits
from caponier.detect.traffic_profile.drift import TraitHistogram, compare
from caponier.detect.traffic_profile.profile import TrafficProfile
from caponier.detect.traffic_profile.profile_windows import Sums
from caponier.emulate.event_log import Deployment
from caponier.emulate.images import Images
from caponier.emulate.registry import attacks, campaigns
from caponier.emulate.simulation.population import Population, assemble, simulate
from caponier.emulate.simulation.trace import EPOCH, trace, trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Victim, train_victim
from caponier.engines.local import gather, sample
from caponier.engines.plan import Plan
from caponier.engines.profiles import ProfileBuilder
from caponier.engines.shares import EVERYBODY
from caponier.engines.spool import SEPARATOR, Spool
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder
from caponier.telemetry.rejections import RejectedRows

SEEDS: Final = (201, 202, 203)
SPEC: Final = FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)
CROWD, WINDOWED, KNOWN = 600, 60, 300
"""Callers of each pool, the different queries of each, and callers of a baseline."""
DRAWS, CHANGED = 200, 40
"""Draws of stable days and of changed ones."""
SIZES: Final = (20, 50, 100, 300)
FADE, DAYS = 0.02, 8
"""What a lens loses of its light in a day."""
DAY, UNIQUE, BUDGET = 100, 100, 300
"""Benign callers of a day under a new version, the different queries that each asks, and those of an attacker."""
NEW: Final = (5, 20)
"""Callers of a new version when a baseline starts warm."""
ATTACKS: Final = ("hop_skip_jump", "boundary", "simba", "nes")
CAMPAIGNS: Final = ("jbda", "knockoff")
EXPECTED: Final[Mapping[str, BehaviourCluster]] = {
    **dict.fromkeys(("poller", "camera", "sunrise", "tuner"), BehaviourCluster.STILL),
    **dict.fromkeys(("augmenter", "low_contrast"), BehaviourCluster.VIEWS),
    # Three quarters of what a shadow deployment mirrors are the rows of batch jobs.
    **dict.fromkeys(("heavy", "batch_scoring", "shadow_deployment"), BehaviourCluster.BATCHES),
    **dict.fromkeys(("burst", "flash_crowd", "evaluation_team"), BehaviourCluster.BURSTS),
    **dict.fromkeys(("random_user", "owner_of_records", "aging_camera"), BehaviourCluster.DIFFERENT),
    "one_class": BehaviourCluster.ONE_ANSWER,
    "retrier": BehaviourCluster.REPEATS,
}


@dataclass(frozen=True, eq=False)
class _Crowd:
    """Callers with what was seen of them."""

    names: list[str]
    sums: Sums

    def some(self, n: int, rng: np.random.Generator) -> Sums:
        """Draw callers, each at most once: their habits are mixed as chance has it."""
        chosen: Sums = self.sums[rng.permutation(len(self.sums))[:n]]
        return chosen


def run(quick: bool) -> Scorecard:
    """Compare stable and drifting days with a baseline, and start new versions warm; quick: one seed, fewer draws."""
    seeds = SEEDS[:1] if quick else SEEDS
    rows: list[dict[str, Any]] = []
    for seed in seeds:
        split, victim = traffic.world(seed)
        with tempfile.TemporaryDirectory() as folder:
            rows += _monitored(Path(folder), split, victim, seed, DRAWS // 4 if quick else DRAWS)
            rows += _renewed(Path(folder), split, victim, seed)
    goals = (
        Goal("stable_called_stale_worst", 0.01, at_least=False),
        *(Goal(f"{name}_found", 0.95, at_least=True) for name in ("new_camera", "blur", "classes_vanish")),
        Goal("fading_found_by_loss_worst", 0.2, at_least=False),
        Goal("habits_recognised_worst_seed", 0.9, at_least=True),
        *(Goal(f"warm_{own}_benign_flagged_worst", 0.02, at_least=False) for own in NEW),
        *(Goal(f"warm_{own}_attacks_found_worst", 0.8, at_least=True) for own in NEW),
    )
    about = (
        f"{CROWD} callers of each of two pools of digits, habits mixed by chance: baselines of {KNOWN} of the one are "
        f"held {DRAWS} times against draws of the other, stable or changed. Then the model is trained anew, and a "
        f"baseline that starts warm judges {DAY} other callers and one attack of each of "
        f"{len(ATTACKS) + len(CAMPAIGNS)} kinds by the old version's knowledge."
    )
    return Scorecard("drift", about, _figures(rows), goals, seeds, rows, _CAUSES)


def _monitored(home: Path, split: DigitsSplit, victim: Victim, seed: int, draws: int) -> list[dict[str, Any]]:
    """Return a row for each kind of day: how often it is called stale."""
    say(f"seed {seed}: drift")
    blank, first = _crowd(home, split.calibration.images, victim, seed, CROWD)
    profile, chosen = blank.of(first.sums)
    kinds = [name.partition(SEPARATOR)[2].rsplit("-", 2)[0] for name in first.names]
    named = [EXPECTED[kinds[at]] is habit for at, habit in zip(chosen, habits(profile), strict=True)]
    rows: list[dict[str, Any]] = [{"seed": seed, "what": "habits", "share": statistics.mean(named)}]
    rng = np.random.default_rng(seed)
    images, labels = split.test.images, split.test.labels
    _, same = _crowd(home, images, victim, seed + 1_000, CROWD, blank)
    rows += [_row(seed, "stable", size, _stale(blank, first, [same], [size], draws, rng)) for size in SIZES]
    pictures = images.reshape(-1, 8, 8)
    soft = (pictures + np.roll(pictures, 1, 1) + np.roll(pictures, 1, 2) + np.roll(pictures, (1, 1), (1, 2))) / 4
    others = {
        "new_camera": np.roll(pictures, 1, 2).reshape(-1, 64),
        "blur": soft.reshape(-1, 64).astype(np.float32),
        "classes_vanish": images[labels < 7],
        "classes_halved": images[(labels < 7) | (rng.random(len(labels)) < 0.5)],
    }
    for what, seen in others.items():
        _, other = _crowd(home, seen, victim, seed + 2_000, KNOWN, blank)
        rows.append(_row(seed, what, 100, _stale(blank, first, [other], [100], CHANGED, rng)))
        for part in (20, 50):
            mixed = _stale(blank, first, [other, same], [part, 100 - part], CHANGED, rng)
            rows.append(_row(seed, f"{what}_of_{part}_percent", 100, mixed))
    for day in range(1, DAYS + 1):
        light = np.float32((1 - FADE) ** day)
        _, dim = _crowd(home, images * light, victim, seed + 3_000 + day, 150, blank)
        row = _row(seed, "fading", 100, _stale(blank, first, [dim], [100], CHANGED, rng))
        rows.append({**row, "day": day, "loss": round(float(1 - light), 3)})
    return rows


def _row(seed: int, what: str, callers: int, share: float) -> dict[str, Any]:
    return {"seed": seed, "what": what, "callers": callers, "share": round(share, 4)}


def _crowd(
    home: Path, images: Images, victim: Victim, seed: int, n: int, blank: TrafficProfile | None = None
) -> tuple[TrafficProfile, _Crowd]:
    """Let callers with habits mixed by chance ask, and return what is seen of them."""
    members = assemble(images, 2 * n, seed).members
    chosen = np.random.default_rng((seed, 9)).choice(len(members), n, replace=False)
    log = home / "crowd.parquet"
    crowd = Population(tuple(members[at] for at in chosen))
    traffic.write_sorted([simulate(crowd, victim.predict_proba, WINDOWED)], log)
    with Spool() as spool:
        (summary,) = load_events(spool, [log], RejectedRows(), Silent())
        plan = Plan(summary.model, Encoder.fit(SPEC, images), ())
        blank = blank or TrafficProfile.blank(sample(spool, plan, 1.0, 1_000)[0])
        builder = ProfileBuilder(blank)
        gather(spool, plan, EVERYBODY, {}, None, builder)
        names, sums = builder.windows()
    return blank, _Crowd(names, sums)


def _stale(
    blank: TrafficProfile, known: _Crowd, seen: list[_Crowd], sizes: list[int], draws: int, rng: np.random.Generator
) -> float:
    """Return how often a day of callers from some crowds is called stale by a baseline of others."""
    found = []
    for _ in range(draws):
        profile, _ = blank.of(known.some(KNOWN, rng))
        day = np.concatenate([crowd.some(size, rng) for crowd, size in zip(seen, sizes, strict=True)])
        found.append(
            compare(profile, TraitHistogram.over(profile).with_rows(profile, profile.traits(day))).stale is True
        )
    return statistics.mean(found)


def _renewed(home: Path, split: DigitsSplit, victim: Victim, seed: int) -> list[dict[str, Any]]:
    """Return a row for each new version and each baseline that judges a day under it."""
    say(f"seed {seed}: version 1")
    first = home / "first.parquet"
    users = assemble(split.calibration.images, KNOWN, seed)
    traffic.write_sorted([simulate(users, victim.predict_proba, UNIQUE)], first)
    old = build_baseline([first], spec=SPEC).baseline
    rows = []
    say(f"seed {seed}: version 2")
    new = train_victim(split.train, split.test, seed + 50)
    deployed = Deployment(model_version="2")
    day = _day(home, split, new, seed, deployed)
    rows.append(_judged(day, old, seed, "old", 0))
    for n in NEW:
        log = home / "new.parquet"
        crowd = assemble(split.calibration.images, n, seed + 4_000)
        begin = EPOCH + timedelta(days=7)
        traffic.write_sorted([simulate(crowd, new.predict_proba, UNIQUE, begin=begin, deployment=deployed)], log)
        report = build_baseline([log], spec=SPEC)
        if n == NEW[-1]:
            rows.append(_judged(day, report.baseline, seed, "cold", n))
        rows.append(_judged(day, warm_start(report, [log], old).baseline, seed, "warm", n))
    return rows


@dataclass(frozen=True)
class _Day:
    """A day under a new version."""

    log: Path
    attackers: Mapping[str, bool]
    """With whether the attack succeeded by its own measure."""


def _day(home: Path, split: DigitsSplit, victim: Victim, seed: int, deployed: Deployment) -> _Day:
    begin = EPOCH + timedelta(days=8)
    users = assemble(split.test.images, DAY, seed + 5_000)
    tables = [simulate(users, victim.predict_proba, UNIQUE, begin=begin, deployment=deployed)]
    originals, success = victim.understood(split.attackers), {}
    for turn, name in enumerate(ATTACKS):
        found = trace(
            attacks()[name],
            victim.predict_proba,
            originals.images[turn],
            int(originals.labels[turn]),
            seed=seed,
            budget=BUDGET,
            principal=f"attacker-{name}",
            begin=begin,
            deployment=deployed,
        )
        tables.append(found.events)
        success[f"attacker-{name}"] = found.outcome.success
    for name in CAMPAIGNS:
        stage = campaigns()[name].stage(split, seed, victim)
        who = f"attacker-{name}"
        how = {"seed": seed, "budget": BUDGET, "principal": who, "begin": begin, "deployment": deployed}
        done = trace_campaign(campaigns()[name], stage, **how)
        tables.append(done.events)
        success[who] = done.outcome.success
    traffic.write_sorted([_only_model(table, deployed.model) for table in tables], home / "day.parquet")
    return _Day(home / "day.parquet", success)


def _only_model(table: pa.Table, model: str) -> pa.Table:
    return table.filter(pc.equal(table["model"], model))


def _judged(day: _Day, baseline: Baseline, seed: int, how: str, own: int) -> dict[str, Any]:
    report: ScanReport = scan_inference([day.log], baseline)
    named = {finding.subject.id for finding in report.findings if finding.subject.kind == "principal"}
    fit = report.fits.get("digits")
    return {
        "seed": seed,
        "what": how,
        "own_principals": own,
        "benign_flagged": len(named - day.attackers.keys()) / DAY,
        "attacks_found": len(named & day.attackers.keys()) / len(day.attackers),
        "missed": sorted(day.attackers.keys() - named),
        "attacks_succeeded": sum(day.attackers.values()),
        "bases": sorted({str(finding.evidence.basis) for finding in report.findings}),
        "stale": fit.drift.stale if fit else None,
    }


def _figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for size in SIZES:
        stable = [row["share"] for row in rows if row["what"] == "stable" and row["callers"] == size]
        figures[f"stable_called_stale_{size}"] = max(stable)
    figures["stable_called_stale_worst"] = max(figures[f"stable_called_stale_{size}"] for size in SIZES)
    shares = [row["share"] for row in rows if row["what"] == "stable"]
    figures["stable_called_stale_mean"] = round(statistics.mean(shares), 4)
    for what in ("new_camera", "blur", "classes_vanish", "classes_halved"):
        for part in ("", "_of_50_percent", "_of_20_percent"):
            figures[f"{what}{part}_found"] = min(row["share"] for row in rows if row["what"] == what + part)
    fading = [row for row in rows if row["what"] == "fading"]
    found = [
        min((row["loss"] for row in fading if row["seed"] == seed and row["share"] >= 0.95), default=1.0)
        for seed in {row["seed"] for row in fading}
    ]
    figures["fading_found_by_loss_worst"] = max(found)
    figures["habits_recognised_worst_seed"] = min(round(row["share"], 3) for row in rows if row["what"] == "habits")
    for how, own in (("old", 0), ("cold", NEW[-1]), *(("warm", own) for own in NEW)):
        mine = [row for row in rows if row["what"] == how and row["own_principals"] == own]
        figures[f"{how}_{own}_benign_flagged_worst"] = max(row["benign_flagged"] for row in mine)
        figures[f"{how}_{own}_attacks_found_worst"] = round(min(row["attacks_found"] for row in mine), 3)
    return figures


_CAUSES: Final = {
    "stable_called_stale_worst": (
        "The worst seed and size; the stable days of a seed come from a second pool of 500 digits, and where that "
        "differs by chance it does so in every draw. On seeds 1 to 3 up to 65 % of them were called stale, all for the "
        "mean share of one answer, as long as 0.15 of a deviation beyond three errors was enough for answers, too. "
        "Asking for a quarter without errors calls up to 15 % of days with 50 callers stale, a fifth beyond two errors "
        "up to 1.7 % (seeds 4 to 6). As it is, 1.3 % of days with 20 callers are on seed 1, and none else."
    ),
    "classes_vanish_found": (
        "Three of ten classes that vanish hardly move the mean share of an answer, for callers of one class lie far "
        "apart: 13 to 88 % of days are found by 0.15 of a deviation beyond three errors (seeds 1 to 3), all by a "
        "quarter without errors, and 47 to 100 % by a fifth beyond two (seeds 4 to 6), with stable days called stale. "
        "The sum over all answers of the squared gaps in errors overlaps: up to 160 on stable days of 100 callers, "
        "from 76 on where classes vanish. The share of callers who ever get an answer does not: at least a half of "
        "what it was in 99 of 100 stable days, at most a third where classes vanish. That is the test, as it is."
    ),
}
