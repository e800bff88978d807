"""Attackers who have read the code: how many adversarial examples each comes by before its first finding.

One caller each, against a real model, through the product as it comes: a baseline of a log with 300 callers (of whom
one in a hundred attacks, and nobody says which), the self-test, and a scan of a later log in which the attacker is.
Nobody stops a campaign: whatever comes after the first finding is not counted.
"""

import statistics
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.machinery.attackers.attacker import GOAL, Attacker, Campaign, campaign
from bench.machinery.attackers.search import Ground
from bench.machinery.attackers.suite import pictures, quick, tables
from bench.machinery.measured import say
from bench.machinery.scorecard import Goal, Scorecard
from bench.worlds import load
from bench.worlds.populations import DAYS, PAUSE
from bench.worlds.traffic import DAY, START, table
from bench.worlds.world import World
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.plan import enabled
from caponier.app.inference.scan import scan_inference
from caponier.app.planting.self_test import SelfTest
from caponier.app.workspace.workspace import create_workspace, read_salt, require_workspace
from caponier.records.accused import accused
from caponier.records.finding import Finding

WORLDS: Final = ("digits_cnn", "spam_trees")
SEEDS: Final = (1, 2, 3)
CALLERS, USERS = 300, 1_000
FEWER: Final = (150, 100)
"""Callers and users of the quick list."""


def run(few: bool) -> Scorecard:
    """Run both worlds with three seeds; quick: every third attacker and few callers, with one seed."""
    rows = [row for name in WORLDS for seed in (SEEDS[:1] if few else SEEDS) for row in world(load(name), seed, few)]
    figures = summed(rows)
    goals = (
        Goal("examples_before_finding_median", 3, at_least=False),
        Goal("campaigns_found_share", 0.9, at_least=True),
        Goal("benign_flagged_share", 0.01, at_least=False),
    )
    about = (
        f"{', '.join(WORLDS)}: each attacker makes {GOAL} adversarial examples from one account, by a method whose "
        "author had read the detectors, beside benign callers."
    )
    return Scorecard("attackers", about, figures, goals, SEEDS[:1] if few else SEEDS, rows)


def world(one: World, seed: int, few: bool) -> list[dict[str, Any]]:
    """Return a row for each attacker on a world, and one for its benign callers."""
    say(f"{one.name}, seed {seed}")
    callers, users = FEWER if few else (CALLERS, USERS)
    benign, use = one.calibration(seed, callers), one.use(seed, users)
    done = campaigns(one, seed, few)
    with tempfile.TemporaryDirectory() as folder:
        home = require_workspace(create_workspace(Path(folder)))
        learned, scanned = Path(folder) / "benign.parquet", Path(folder) / "scanned.parquet"
        pq.write_table(benign.events, learned)
        pq.write_table(pa.concat_tables([use.events, logged(one, seed, done)]).sort_by("time"), scanned)
        report = build_baseline(
            [learned],
            workspace=home,
            spec=one.spec,
            training_set=one.training_rows(seed),
            self_test=SelfTest(enabled(home), read_salt(home)),
        )
        found = scan_inference([scanned], report.baseline, workspace=home, spec=one.spec).findings
    return judged(one.name, seed, done, use.truth, found)


def campaigns(one: World, seed: int, few: bool) -> list[Campaign]:
    """Carry out every attack on a world, in the time of its later log."""
    victim = one.victim(seed)
    ground, rng = Ground.of(victim), np.random.default_rng([seed, 15])
    everybody: Sequence[Attacker] = list(pictures() if victim.side else tables())
    since, days = START + (DAYS + PAUSE) * DAY, DAYS * victim.further
    chosen = quick(iter(everybody)) if few else everybody
    return [campaign(attacker, ground, days, since, rng) for attacker in chosen]


def logged(one: World, seed: int, done: Sequence[Campaign]) -> pa.Table:
    """Return what a server logs of the campaigns."""
    return table(one.victim(seed), [each.part for each in done], np.random.default_rng(seed))


def judged(
    world: str, seed: int, done: Sequence[Campaign], truth: Mapping[str, str], found: Sequence[Finding]
) -> list[dict[str, Any]]:
    """Hold findings against what every campaign had come by."""
    first: dict[str, Finding] = {}
    for finding in sorted(found, key=lambda finding: finding.last_time):
        for who in accused(finding):
            first.setdefault(who, finding)
    rows = [_row(world, seed, each, first.get(each.part.principal)) for each in done]
    flagged = Counter(f"{truth[who]} by {first[who].detector}" for who in first if who in truth)
    rows.append(
        {"world": world, "seed": seed, "benign": len(truth), "flagged": flagged.total(), "habits": dict(flagged)}
    )
    return rows


def _row(world: str, seed: int, each: Campaign, finding: Finding | None) -> dict[str, Any]:
    # What was answered up to the trigger, that answer included, the attacker has.
    sent = None if finding is None else int((each.part.times <= finding.last_time.timestamp() + 1e-6).sum())
    return {
        "world": world,
        "seed": seed,
        "attacker": each.attacker.name,
        "queries": each.own,
        "events": len(each.part.times),
        "examples": len(each.wins),
        "before_finding": each.before(sent),
        "found_after_events": sent,
        "by": None if finding is None else finding.detector,
    }


def summed(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the figures over all campaigns, and of the worst world and seed."""
    attacks, users = ([row for row in rows if key in row] for key in ("attacker", "benign"))
    lots = {(row["world"], row["seed"]) for row in attacks}
    of = {lot: [row for row in attacks if (row["world"], row["seed"]) == lot] for lot in lots}
    figures: dict[str, Any] = {
        "campaigns": len(attacks),
        "examples_before_finding_median": statistics.median(row["before_finding"] for row in attacks),
        "examples_before_finding_mean": round(statistics.mean(row["before_finding"] for row in attacks), 2),
        "campaigns_found_share": _found(attacks),
        "worst_world_found_share": min(_found(own) for own in of.values()),
        "worst_world_examples_median": max(
            statistics.median(row["before_finding"] for row in own) for own in of.values()
        ),
        "benign_flagged_share": sum(row["flagged"] for row in users) / sum(row["benign"] for row in users),
    }
    for name in dict.fromkeys(row["world"] for row in attacks):
        own = [row for row in attacks if row["world"] == name]
        figures |= {
            f"{name}_found_share": _found(own),
            f"{name}_examples_median": statistics.median(row["before_finding"] for row in own),
        }
    return figures


def _found(rows: Sequence[Mapping[str, Any]]) -> float:
    return round(sum(row["by"] is not None for row in rows) / len(rows), 4)
