"""Who is flagged, and after how many queries: attacks and benign habits on a real model, on held-out images.

The seeds were never used while detectors were made.
"""

import csv
import io
import statistics
import tempfile
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from bench import traffic
from bench.measured import caponier, say
from bench.scorecard import Goal, Scorecard
from caponier.emulate.population import assemble, simulate

SEEDS = (101, 102, 103)
ATTACKS_EACH, USERS = 5, 100
CAUSES = {
    "attackers_flagged_share": (
        "Square's steps are as wide as those between ordinary inputs, NES hides its own in clouds that are nearly so, "
        "and natural extraction asks what customers ask: what of them is seen, and what was tried, is said in "
        "docs/detections/evasion.md and docs/detections/extraction.md. Patches and triggers are for detectors that "
        "need an enriched log, and this one is not: see the scorecard patches_triggers."
    )
}
SPEC = ("--kind", "image", "--shape", "8,8", "--range", "0,1")
EVASION = ("hop_skip_jump", "boundary")


def run(quick: bool) -> Scorecard:
    """Build a baseline on 300 users, scan 100 others and 5 attackers of each kind; quick: one seed."""
    seeds = SEEDS[:1] if quick else SEEDS
    rows = [row for seed in seeds for row in _one(seed)]
    attackers = [row for row in rows if row["attack"]]
    users = [row for row in rows if not row["attack"]]
    evading = [row for row in attackers if row["who"] in EVASION]
    first = [row["queries"] for row in evading if row["flagged"]]
    flagged = [row for row in users if row["flagged"]]
    habits = Counter(row["who"] for row in flagged)
    figures: dict[str, Any] = {
        "attackers": len(attackers),
        "attacks_succeeded": sum(row["success"] for row in attackers),
        "attackers_flagged_share": sum(row["flagged"] for row in attackers) / len(attackers),
        "evasion_flagged_share": sum(row["flagged"] for row in evading) / len(evading),
        "evasion_queries_to_first_finding_median": statistics.median(first) if first else None,
        "evasion_queries_to_first_finding_most": max(first, default=None),
        "benign_users": len(users),
        "benign_users_flagged": len(flagged),
    }
    goals = (
        Goal("attackers_flagged_share", 1.0, at_least=True),
        Goal("evasion_flagged_share", 1.0, at_least=True),
        Goal("evasion_queries_to_first_finding_median", 12, at_least=False),
        Goal("benign_users_flagged", 2 if quick else 6, at_least=False),
    )
    about = (
        f"{len(seeds)} seeds; a baseline of 300 benign users with 200 different queries each, then {USERS} other users "
        f"and {ATTACKS_EACH} attackers of each kind on models of scikit-learn's digits, at the default alert budget. "
        "Images of the victim, the baseline, the users and the attackers are disjoint, but for the few records that "
        "customers own of the training set."
    )
    return Scorecard("behaviour", about, figures, goals, seeds, _table(attackers, users, habits), CAUSES)


def _one(seed: int) -> list[dict[str, Any]]:
    say(f"seed {seed}: training and attacking")
    split, victim = traffic.world(seed)
    users = simulate(assemble(split.test.images, USERS, seed + 1_000), victim.predict_proba, traffic.UNIQUE)
    attacks, training = traffic.attacks_on(split, victim, seed, ATTACKS_EACH)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        benign, log, baseline = home / "benign.parquet", home / "log.parquet", home / "b.safetensors"
        traffic.write_sorted([traffic.calibration(split, victim, seed)], benign)
        traffic.write_sorted([users, *(attack.events for attack in attacks)], log)
        np.savez(home / "training.npz", x=training, y=np.zeros(len(training), np.int64))
        say(f"seed {seed}: baseline and scan")
        caponier("init", folder, "--quiet")
        sketch = ("--training-set", str(home / "training.npz"), "--workspace", folder)
        caponier("baseline", "build", str(benign), "--out", str(baseline), *SPEC, *sketch, "--quiet")
        arguments = ("--baseline", str(baseline), *SPEC, "--workspace", folder, "--format", "csv", "--quiet")
        arguments += ("--rejected", str(home / "rejected.jsonl"))
        found = caponier("scan", "inference", str(log), *arguments)
    first = _first_findings(found.output)
    rows = [
        {"who": attack.name, "attack": True, "success": attack.success, **first.get(attack.principal, _SILENT)}
        for attack in attacks
    ]
    names = sorted(set(users.column("principal").to_pylist()))
    return rows + [{"who": name.split("-")[0], "attack": False, **first.get(name, _SILENT)} for name in names]


_SILENT: dict[str, Any] = {"flagged": False, "queries": None, "detector": None}


def _first_findings(output: str) -> dict[str, dict[str, Any]]:
    """Return, for each flagged principal, its first finding and the different queries up to it."""
    first: dict[str, dict[str, Any]] = {}
    rows = sorted(csv.DictReader(io.StringIO(output)), key=lambda row: datetime.fromisoformat(row["last_time"]))
    for row in rows:
        found = {"flagged": True, "queries": int(row["unique_queries"]), "detector": row["detector"]}
        first.setdefault(row["subject_id"], found)
    return first


def _table(attackers: list[dict[str, Any]], users: list[dict[str, Any]], habits: Counter[str]) -> list[dict[str, Any]]:
    table = []
    for name in sorted({row["who"] for row in attackers}):
        mine = [row for row in attackers if row["who"] == name]
        queries = [row["queries"] for row in mine if row["flagged"]]
        table.append(
            {
                "who": name,
                "number": len(mine),
                "succeeded": sum(row["success"] for row in mine),
                "flagged": sum(row["flagged"] for row in mine),
                "queries_median": statistics.median(queries) if queries else None,
                "queries_most": max(queries, default=None),
                "first_by": ", ".join(sorted({row["detector"] for row in mine if row["flagged"]})),
            }
        )
    names = sorted({row["who"] for row in users})
    return table + [
        {"who": name, "number": sum(row["who"] == name for row in users), "flagged": habits[name]} for name in names
    ]
