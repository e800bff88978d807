"""Inputs that are no small images: tables, categories, 500 columns, large pictures, texts. Who is flagged, and when?

The seeds were never used while detectors were made.
"""

import statistics
from collections.abc import Sequence
from typing import Any

from threadpoolctl import threadpool_limits

from bench.machinery import mails, pictures, tables
from bench.machinery.measured import say
from bench.machinery.scenes import LEARNED, UNIQUE, USERS
from bench.machinery.scorecard import Goal, Scorecard
from caponier.detect.registry import event_detectors

SEEDS = (201, 202, 203)
EACH = 2
SCENES = {
    "tables": tables.numeric,
    "categories": tables.categorical,
    "digits": pictures.digits,
    "pictures": pictures.pictures,
    "text": mails.text,
}
GROUPS = {
    "search": ("hop_skip_jump", "boundary", "simba"),
    "path_finding": ("path_finding",),
    "substitution": ("substitution",),
}
"""Attacks that are alike."""
CAUSES = {
    "attacks_succeeded_share": (
        "SimBA keeps to a tenth of a pixel's range: where a model is sure, that is not enough (3 of 6 on pictures of "
        "28 x 28, 4 of 6 on those of 224 x 224). Tried for it: 12, 8, 6, 5 and 4 waves each way, and steps of 3, 4 and "
        "6. The others are HopSkipJump on pictures (4 of 6) and searches on trees with 500 columns (5 of 6), which end "
        "with less than half of the way gone."
    ),
    "search_flagged_share": (
        "Who wins early is not found: on seed 2 SimBA on a large picture near the boundary, after 15 queries. Cuttings "
        "of two photographs are alike by chance, so that near queries are common among benign ones, too. With 150 "
        "cuttings instead of 500, or several versions of one among plain users, others were flagged instead."
    ),
    "substitution_flagged_share": (
        "An application passes after 11 to 20 queries. On seeds 1 and 3 they are found after 5, by near queries; on "
        "seed 2, where benign applications happen to be as near, 2 of 4 are, by their odd values. Tried there: a "
        "baseline of 300 users instead of 100 (2 of 4, after 8 and 9 queries instead of 7 and 16), and 14 and 70 false "
        "alerts a week (2 of 4)."
    ),
}


def run(quick: bool) -> Scorecard:
    """Attack a model of each kind; quick: one seed, one attacker of each kind."""
    seeds, each = (SEEDS[:1], 1) if quick else (SEEDS, EACH)
    rows: list[dict[str, Any]] = []
    # Set once: to set it costs three milliseconds, and attackers ask for one row at a time.
    with threadpool_limits(1):
        for seed in seeds:
            for name, scene in SCENES.items():
                say(f"seed {seed}: {name}")
                rows += scene(seed, each)
    plain, edits = ([row for row in rows if row["among"] == among] for among in ("plain users", "users who edit"))
    tried = [row for row in plain if row["attack"]]
    benign = [row for row in rows if not row["attack"]]
    figures: dict[str, Any] = {
        "attacks": len(tried),
        "attacks_succeeded_share": sum(row["success"] for row in tried) / len(tried),
        **{f"{name}_flagged_share": _flagged(plain, attacks) for name, attacks in GROUPS.items()},
        **{f"{name}_flagged_share_among_edits": _flagged(edits, attacks) for name, attacks in GROUPS.items()},
        "benign_users": len(benign),
        "benign_users_flagged_share_worst_kind": max(
            sum(row["flagged"] for row in own) / len(own)
            for kind in {row["kind"] for row in benign}
            if (own := [row for row in benign if row["kind"] == kind])
        ),
        **pictures.whole_pictures(seeds[0]),
    }
    goals = (
        Goal("attacks_succeeded_share", 0.9, at_least=True),
        Goal("search_flagged_share", 1.0, at_least=True),
        Goal("path_finding_flagged_share", 1.0, at_least=True),
        Goal("substitution_flagged_share", 0.9, at_least=True),
        Goal("benign_users_flagged_share_worst_kind", 0.03, at_least=False),
        Goal("whole_pictures_peak_mb", 2_000, at_least=False),
    )
    about = (
        f"{len(seeds)} seed{'s' * (len(seeds) > 1)}; for each kind of input a model of real data, {LEARNED} benign "
        f"users to learn from and {USERS} others of {UNIQUE} different queries each, once of habits without near "
        f"queries and once with users among them who ask for one thing in many versions, and {each} "
        "attackers of each kind."
    )
    return Scorecard("kinds", about, figures, goals, seeds, _table(rows), CAUSES)


def _flagged(rows: Sequence[dict[str, Any]], attacks: Sequence[str]) -> float | None:
    won = [row for row in rows if row["attack"] in attacks and row["success"]]
    return sum(row["queries"] is not None for row in won) / len(won) if won else None


def _table(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    table = []
    for kind, victim, among in dict.fromkeys((row["kind"], row["victim"], row["among"]) for row in rows):
        about = {"kind": kind, "victim": victim, "among": among}
        mine = [row for row in rows if about.items() <= row.items()]
        table += [about | _attack(mine, name) for name in dict.fromkeys(row["attack"] for row in mine if row["attack"])]
        for habit in dict.fromkeys(row["habit"] for row in mine if not row["attack"]):
            own = [row for row in mine if not row["attack"] and row["habit"] == habit]
            table.append(about | {"habit": habit, "number": len(own), "flagged": sum(row["flagged"] for row in own)})
    return table


def _attack(rows: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    own = [row for row in rows if row["attack"] == name]
    won = [row for row in own if row["success"]]
    queries = [row["queries"] for row in won if row["queries"] is not None]
    by = {who: sum(who in row["found"] for row in won) for who in event_detectors()}
    return {
        "attack": name,
        "number": len(own),
        "succeeded": len(won),
        "flagged": len(queries),
        "queries_median": statistics.median(queries) if queries else None,
        "queries_most": max(queries, default=None),
        "sent_median": statistics.median(row["sent"] for row in won) if won else None,
        "by": {who: count for who, count in by.items() if count},
    }
