"""A benign month of a small company, written as an enemy of the rules: false findings a million events."""

import json
import tempfile
from pathlib import Path
from typing import Any, Final

from bench.machinery.measured import by_rule, caponier, say
from bench.machinery.scorecard import Goal, Scorecard
from bench.machinery.small_company import DAYS, describe, write
from caponier.app.workspace.workspace import create_workspace

SEEDS: Final = (11, 12, 13)


def run(quick: bool) -> Scorecard:
    """Scan the month for three seeds with and without `[inside]`; quick: one seed."""
    seeds = SEEDS[:1] if quick else SEEDS
    table = [_scan(seed, inside=inside) for seed in seeds for inside in (True, False)]
    figures: dict[str, Any] = {}
    for name, inside in (("inside", True), ("bare", False)):
        rows = [row for row in table if row["inside"] is inside]
        events, found = sum(row["events"] for row in rows), sum(row["findings"] for row in rows)
        figures[f"findings_a_month_{name}"] = round(found / len(rows), 1)
        figures[f"findings_a_million_{name}"] = round(found / events * 1e6, 1)
    figures["critical"] = sum(row["critical"] for row in table)
    goals = (Goal("findings_a_month_inside", 20, False), Goal("critical", 0, False))
    about = (
        f"{DAYS} days of a company of thirty whose everyday work looks like an attack although nobody means "
        "harm; scanned at once by a new workspace."
    )
    causes = {"findings_a_month_inside": "What somebody does once a month, from where he never was, is news by design."}
    return Scorecard("small_company", about, figures, goals, seeds, table, causes)


def _scan(seed: int, *, inside: bool) -> dict[str, Any]:
    say(f"seed {seed}, {'inside' if inside else 'bare'}")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        home = create_workspace(root / "home")
        describe(home, inside=inside)
        write(root / "logs", seed, 1.0)
        told = json.loads(
            caponier("scan", "logs", str(root / "logs"), "--workspace", str(home), "--format", "json").output
        )
    return {
        "seed": seed, "inside": inside, "events": told["events"], "findings": len(told["findings"]),
        "critical": sum(one["severity"] == "critical" for one in told["findings"]),
        "by rule": by_rule(told["findings"]),
    }  # fmt: skip
