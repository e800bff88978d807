"""A month of 200 people, robots and administrators: false findings a million events, and three attacks among them."""

import json
import random
import tempfile
from pathlib import Path
from typing import Any, Final

from bench.machinery.estate.attacks import STORIES, plant
from bench.machinery.estate.month import DAYS, OF_HOST, describe, write
from bench.machinery.estate.people import people
from bench.machinery.measured import by_rule, caponier, say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.app.workspace.workspace import create_workspace

SEEDS: Final = (1, 2, 3)


def run(quick: bool) -> Scorecard:
    """Scan a month for three seeds with and without `[inside]`, and with attacks; quick: one seed, a tenth."""
    seeds, size = (SEEDS[:1], 0.1) if quick else (SEEDS, 1.0)
    table = [row for seed in seeds for row in _of_seed(seed, size)]
    figures: dict[str, Any] = {}
    for way in ("inside", "bare"):
        rows = [row for row in table if row["way"] == way]
        events, found = sum(row["events"] for row in rows), sum(row["findings"] for row in rows)
        figures[f"false_a_million_{way}"] = round(found / events * 1e6, 1)
    figures["critical"] = sum(row["critical"] for row in table if row["way"] != "attacked")
    attacked = [row for row in table if row["way"] == "attacked"]
    figures["attacks_told_by_one_incident"] = sum(row["one_incident"] for row in attacked) / (
        len(STORIES) * len(attacked)
    )
    goals = (
        Goal("false_a_million_inside", 5, False),
        Goal("false_a_million_bare", 20, False),
        Goal("critical", 0, False),
        Goal("attacks_told_by_one_incident", 1, True),
    )
    about = f"{DAYS} days of 200 people in eight native logs, scanned at once by a new workspace."
    return Scorecard("quiet", about, figures, goals, seeds, table)


def _of_seed(seed: int, size: float) -> list[dict[str, Any]]:
    rows = []
    for way in ("inside", "bare", "attacked"):
        say(f"seed {seed}, {way}")
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            home = create_workspace(root / "home")
            describe(home, inside=way != "bare")
            planted = plant(people(random.Random(seed))) if way == "attacked" else None
            write(root / "month", seed=seed, size=size, planted=planted)
            told = [_scan(root, folder, host) for folder, host in (("logs", None), *((h, h) for h in OF_HOST.values()))]
            found = [one for document in told for one in document["findings"]]
            row = {
                "seed": seed, "way": way, "events": sum(document["events"] for document in told),
                "findings": len(found), "critical": sum(one["severity"] == "critical" for one in found),
                "by rule": by_rule(found),
            }  # fmt: skip
            rows.append(row | ({"one_incident": _told(home, seed)} if planted else {}))
    return rows


def _scan(root: Path, folder: str, host: str | None) -> dict[str, Any]:
    where = ("--host", host) if host else ()
    path = str(root / "month" / folder)
    cost = caponier("scan", "logs", path, *where, "--workspace", str(root / "home"), "--format", "json", "--quiet")
    document: dict[str, Any] = json.loads(cost.output)
    return document


def _told(home: Path, seed: int) -> int:
    """Count the attacks of which there is one incident and no more."""
    cost = caponier("incidents", "list", "--workspace", str(home), "--format", "json")
    actors = [set(incident["actors"]) for incident in json.loads(cost.output)["incidents"]]
    everybody = people(random.Random(seed))
    return sum(sum(story.actor(everybody) in one for one in actors) == 1 for story in STORIES.values())
