"""Whether the promise on false alarms holds: over many benign callers of every habit, and after attackers in the log.

The seeds were never used while detectors were made.
"""

import math
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats

from bench.machinery import traffic
from bench.machinery.measured import say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.app.inference.baseline.build import BaselineReport, build_baseline
from caponier.app.inference.scan import scan_inference
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.detect.calibration.baseline import Baseline
from caponier.detect.calibration.judging import ALPHA, LONGER
from caponier.emulate.controls.clients.owner_of_records import RECORDS
from caponier.emulate.registry import attacks
from caponier.emulate.simulation.population import DAY_S, assemble, simulate
from caponier.emulate.simulation.trace import trace
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.records.accused import accused
from caponier.records.finding import Finding
from caponier.records.inventory import FeatureSpec, Workspace

SEEDS: Final = (201,)
SOILED_SEEDS: Final = tuple(range(301, 321))
SPEC: Final = FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)
CALLERS: Final = 1_000
DAYS: Final = LONGER
"""That callers ask for: as many times as long as the baseline's day, which the promise is for."""
CALIBRATION: Final = (100, 300)
SOILED: Final = 0.02
"""Of the callers in a soiled benign log attack."""
EVASION: Final = ("hop_skip_jump", "boundary")
EACH: Final = 10
"""Attacks of each kind against each soiled baseline."""
CAUSES: Final[dict[str, str]] = {}


@dataclass(frozen=True)
class _World:
    """One seed: a victim, and a workspace whose salt keys the sketch of its training set."""

    seed: int
    split: DigitsSplit
    victim: Victim
    home: Path
    workspace: Workspace

    @classmethod
    def of(cls, seed: int, home: Path) -> "_World":
        split, victim = traffic.world(seed)
        return cls(seed, split, victim, home, require_workspace(create_workspace(home)))

    def baseline(self, benign: list[pa.Table]) -> BaselineReport:
        log = self.home / "benign.parquet"
        traffic.write_sorted(benign, log)
        own = (self.split.train.images, self.split.calibration.images[:RECORDS], self.split.test.images[:RECORDS])
        return build_baseline([log], workspace=self.workspace, spec=SPEC, training_set=np.concatenate(own))

    def callers(self, n: int, days: int) -> pa.Table:
        """Return events of `n` callers that the baseline does not know, each day as much as those it knows."""
        others = assemble(self.split.test.images, n, self.seed + 1_000)
        return daily(simulate(others, self.victim.predict_proba, days * traffic.UNIQUE, span_s=days * DAY_S))

    def attacks(self, each: int, begin: int) -> list[tuple[str, pa.Table]]:
        """Return the events of attacks that succeed, with the names of their principals."""
        originals, found = self.victim.understood(self.split.attackers), []
        for name in EVASION:
            done = 0
            for target in range(begin, len(originals.labels)):
                who = f"attacker-{name}-{target}"
                left = trace(
                    attacks()[name], self.victim.predict_proba, originals.images[target], int(originals.labels[target]),
                    seed=self.seed * 100 + target, principal=who, budget=400,
                )  # fmt: skip
                if left.outcome.success:
                    found.append((who, left.events))
                    done += 1
                if done == each:
                    break
        return found

    def findings(self, baseline: Baseline, tables: Iterable[pa.Table]) -> list[Finding]:
        log = self.home / "log.parquet"
        traffic.write_sorted(list(tables), log)
        return scan_inference([log], baseline, workspace=self.workspace).findings


def run(quick: bool) -> Scorecard:
    """Scan 1,000 benign callers, and go by 40 baselines that attackers have soiled; quick: 200 and 6."""
    figures, table = _benign(SEEDS[0], 200 if quick else CALLERS)
    seeds = SOILED_SEEDS[:3] if quick else SOILED_SEEDS
    goals = [
        Goal("callers_flagged_share", ALPHA, at_least=False),
        Goal("callers_flagged_share_of_worst_habit", 0.03, at_least=False),
    ]
    for users in CALIBRATION:
        rows = [_soiled(seed, users) for seed in seeds]
        table += rows
        figures |= _summed(rows, users)
        goals += [
            Goal(f"callers_flagged_share_after_{users}_upper", ALPHA, at_least=False),
            Goal(f"attackers_flagged_share_after_{users}", 0.9, at_least=True),
        ]
    about = (
        f"First {figures['callers']:,} benign callers of every habit on {DAYS} days with {traffic.UNIQUE} "
        f"different queries a day, against a baseline of a day of 300 others, of whom {ALPHA:.0%} may be flagged. "
        f"Then, over {len(seeds)} seeds, {DAYS} days of 100 and of 300 benign callers and {EACH} attackers of each "
        f"kind, against a baseline of a day of as many others, {SOILED:.0%} of whom attack as well. Intervals are of "
        "95 %."
    )
    return Scorecard("promise", about, figures, tuple(goals), (*SEEDS, *seeds), table, CAUSES)


def _benign(seed: int, callers: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    say(f"seed {seed}: {callers} callers on {DAYS} days")
    with tempfile.TemporaryDirectory() as folder:
        world = _World.of(seed, Path(folder))
        baseline = world.baseline([traffic.calibration(world.split, world.victim, seed)]).baseline
        log = world.callers(callers, DAYS)
        found = world.findings(baseline, [log])
    members = Counter(name.split("-")[0] for name in pc.unique(log["principal"]).to_pylist())
    flagged = {who for one in found for who in accused(one)}
    habits = Counter(who.split("-")[0] for who in flagged)
    rows = [
        {
            "habit": habit,
            "callers": n,
            "flagged": habits[habit],
            "interval": share_interval(habits[habit], n),
            "by": _by(found, habit),
        }
        for habit, n in sorted(members.items())
    ]
    low, high = share_interval(len(flagged), callers)
    return {
        "callers": callers,
        "callers_flagged": len(flagged),
        "callers_flagged_share": len(flagged) / callers,
        "callers_flagged_share_low": low,
        "callers_flagged_share_high": high,
        "callers_flagged_share_of_worst_habit": max(row["flagged"] / row["callers"] for row in rows),
    }, rows


def _by(found: list[Finding], habit: str) -> str:
    names = Counter(one.detector for one in found for who in accused(one) if who.split("-")[0] == habit)
    return ", ".join(f"{name} {n}" for name, n in sorted(names.items()))


def _soiled(seed: int, users: int) -> dict[str, Any]:
    say(f"seed {seed}: {users} callers in a soiled benign log")
    with tempfile.TemporaryDirectory() as folder:
        world = _World.of(seed, Path(folder))
        bad = round(users * SOILED)
        old = world.attacks(bad // len(EVASION), 0)
        new = world.attacks(EACH, 100)
        clean = traffic.calibration(world.split, world.victim, seed, users - len(old))
        report = world.baseline([clean, *(events for _, events in old)])
        found = world.findings(report.baseline, [world.callers(users, DAYS), *(events for _, events in new)])
    names = {who for who, _ in new}
    caught = names & frozenset().union(*map(accused, found))
    false = [one for one in found if not accused(one) & names]
    return {
        "seed": seed,
        "users": users,
        "attackers_in_the_benign_log": len(old),
        "set_aside": sum("was set aside" in note and "attacker-" in note for note in report.notes),
        "benign_set_aside": sum("was set aside" in note and "attacker-" not in note for note in report.notes),
        "benign_flagged": len({who for one in false for who in accused(one)}),
        "false_by": ", ".join(f"{name} {n}" for name, n in sorted(Counter(one.detector for one in false).items())),
        "attackers": len(names),
        "flagged": len(caught),
    }


def _summed(rows: list[dict[str, Any]], users: int) -> dict[str, Any]:
    shares = [row["benign_flagged"] / users for row in rows]
    spread = statistics.stdev(shares) / math.sqrt(len(shares)) if len(shares) > 1 else 0.0
    reach = float(stats.t.ppf(0.975, max(1, len(shares) - 1))) * spread
    return {
        f"callers_flagged_share_after_{users}_mean": round(statistics.mean(shares), 5),
        f"callers_flagged_share_after_{users}_lower": round(max(0.0, statistics.mean(shares) - reach), 5),
        f"callers_flagged_share_after_{users}_upper": round(statistics.mean(shares) + reach, 5),
        f"attackers_flagged_share_after_{users}": sum(row["flagged"] for row in rows)
        / sum(row["attackers"] for row in rows),
    }


def daily(events: pa.Table, unique: int = traffic.UNIQUE) -> pa.Table:
    """Let every caller ask for so many different rows a day, in the order and at the pace of before.

    A nightly job would send the pictures of a week in one night otherwise.
    """
    events = events.sort_by([("principal", "ascending"), ("time", "ascending")])
    who = events["principal"].combine_chunks().dictionary_encode().indices.to_numpy()
    rows = np.asarray(events["input"].combine_chunks().values).reshape(len(events), -1)
    times = events["time"].cast(pa.int64()).to_numpy().copy()
    begin, day_us = int(times.min()), int(DAY_S * 1e6)
    edges = [*np.flatnonzero(np.diff(who, prepend=-1)), len(who)]
    for start, end in pairwise(edges):
        new = np.zeros(end - start, np.int64)
        new[np.unique(rows[start:end], axis=0, return_index=True)[1]] = 1
        day = (np.cumsum(new) - 1) // unique
        for number in range(int(day[-1]) + 1):
            own = start + np.flatnonzero(day == number)
            since = times[own] - times[own[0]]
            pressed = min(1.0, 0.9 * day_us / max(1, int(since[-1])))
            begun = begin + number * day_us + int(times[own[0]]) % (day_us // 10)
            times[own] = begun + (since * pressed).astype(np.int64)
    column = pa.array(times).cast(events.schema.field("time").type)
    return events.set_column(events.column_names.index("time"), events.schema.field("time"), column)


def share_interval(k: int, n: int) -> tuple[float, float]:
    """Return the exact interval of 95 % for a share (Clopper, Pearson 1934)."""
    low = float(stats.beta.ppf(0.025, k, n - k + 1)) if k else 0.0
    high = float(stats.beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
    return round(low, 5), round(high, 5)
