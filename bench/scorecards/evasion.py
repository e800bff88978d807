"""Online evasion: which attacks succeed, which are seen, after how many queries, and what is left if they are refused.

Attackers hold images that neither victim, baseline nor benign users have. The seeds were never used while detectors or
attacks were made. An attacker who is refused is answered up to and including the query that raised the alarm.
"""

import statistics
import tempfile
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from bench.machinery import traffic
from bench.machinery.evaders import ACCOUNTS, MAIN, TARGETS, Run, adaptive_refused, attacked, cases, first_alarms, judge
from bench.machinery.measured import caponier, say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.detect.calibration.baseline import Baseline
from caponier.emulate.event_log import interleaved
from caponier.emulate.simulation.population import assemble, simulate

SEEDS = (101, 102, 103)
USERS, REFUSED = 300, 5
SPEC = ("--kind", "image", "--shape", "8,8", "--range", "0,1")
EARLY: Final = ("hop_skip_jump", "boundary", "simba")
CAUSES = {
    "flagged_least": (
        "square wins with its first stripes on some images: with one query besides the picture itself. Where what "
        "black borders do not cut off moves all one way, that step looks like light or a sticker and counts as "
        "nothing. Tried before even steps were looked at (15 of 60 seen): less shrinkage of the covariance (0 of 40), "
        "scores that fall along steps (pollers set the threshold at 20 times the present one), runs of equal steps "
        "(likewise)."
    ),
    "square_refused_success": (
        "The alarm comes with the first or second step, as soon as one can, and that query is answered: what has won "
        "by then has won. Tried besides even steps: less shrinkage of the covariance, scores that fall along steps, "
        "runs of equal steps, rare combinations of values (0 to 15 of 60 seen at all); see "
        "docs/reference/detections/evasion.md."
    ),
    "adaptive_refused_success": (
        "Blends of natural pictures in wide steps are like other people's photos one by one; distance_shape sees their "
        "spread after 179 queries (median), and every account begins anew. Tried besides: rare combinations of values "
        "(see it if it blends in views of one image, not if it has pictures of its own), flips on wider steps (pollers "
        "of a scene that the model is unsure of flip as often), a window of 16 queries as a whole against those of "
        "benign callers (0 to 2 of 20), and against what this attack's look like (51 of 60 after some 20 queries, on "
        "other seeds; six of 60 have won after 35, with two accounts); see docs/reference/detections/evasion.md."
    ),
}


def run(quick: bool) -> Scorecard:
    """Attack, scan, and attack again with refusal; quick: one seed with fewer images."""
    seeds = SEEDS[:1] if quick else SEEDS
    runs: list[Run] = []
    flagged: list[list[str]] = []
    adaptive: list[dict[str, Any]] = []
    with threadpool_limits(1, user_api="blas"):
        for seed in seeds:
            say(f"seed {seed}: attacking")
            done, accused, refused = _one(seed, quick)
            runs, adaptive = runs + done, adaptive + refused
            flagged.append(accused)
    figures = _figures(runs, flagged, adaptive)
    goals = (
        Goal("succeeded_least", 0.8, at_least=True),
        Goal("flagged_least", 1.0, at_least=True),
        Goal("queries_median_worst_seed", 10, at_least=False),
        Goal("refused_success_most", 0.05, at_least=False),
        Goal("square_refused_success", 0.05, at_least=False),
        Goal("adaptive_refused_success", 0.05, at_least=False),
        Goal("benign_users_flagged", 2 if quick else 6, at_least=False),
    )
    about = (
        f"{len(seeds)} seeds; MLPs for scikit-learn's digits; a baseline of 300 benign users with 200 different "
        f"queries each, {USERS} other users, and attackers on images of their own. "
        "succeeded_least and flagged_least are over hop_skip_jump, boundary, simba, square and nes, the median is of "
        "the first three, and refused_success_most of all but square."
    )
    return Scorecard("evasion", about, figures, goals, seeds, _table(runs, adaptive), CAUSES)


def _one(seed: int, quick: bool) -> tuple[list[Run], list[str], list[dict[str, Any]]]:
    """Return a seed's attacks, its benign users who were flagged, and its adaptive attacks under refusal."""
    split, victim = traffic.world(seed)
    originals = victim.understood(split.attackers)
    runs = [
        attacked(case, victim, originals, seed, target)
        for case in cases(originals.images[TARGETS:], quick)
        for target in range(case.each)
    ]
    users = simulate(assemble(split.test.images, USERS, seed + 1_000), victim.predict_proba, traffic.UNIQUE)
    log = interleaved([users, *(run.left.events for run in runs)])
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        traffic.write_sorted([traffic.calibration(split, victim, seed)], home / "benign.parquet")
        pq.write_table(log, home / "log.parquet")
        say(f"seed {seed}: baseline, and a scan of {log.num_rows:,} events")
        baseline = home / "b.safetensors"
        caponier("baseline", "build", str(home / "benign.parquet"), "--out", str(baseline), *SPEC, "--quiet")
        given = ("--baseline", str(baseline), *SPEC, "--rejected", str(home / "rejected.jsonl"), "--quiet")
        found = caponier("scan", "inference", str(home / "log.parquet"), "--format", "json", *given)
        first = first_alarms(log, found.output)
        say(f"seed {seed}: attacking again, with refusal")
        for run in runs:
            judge(run, first, victim, originals)
        loaded = Baseline.load(baseline)
    refused = [adaptive_refused(loaded, victim, originals, seed, at) for at in range(2 if quick else REFUSED)]
    accused = sorted(first.keys() & set(users.column("principal").to_pylist()))
    return runs, accused, refused


def _figures(runs: list[Run], flagged: list[list[str]], adaptive: list[dict[str, Any]]) -> dict[str, Any]:
    by_attack = {name: [run for run in runs if run.case.name == name] for name in (*MAIN, "adaptive")}
    shares = {name: _shares(mine) for name, mine in by_attack.items()}
    refused = [success["success"] for success in adaptive]
    per_seed = [
        _median([run for run in runs if run.seed == seed and run.case.name == name])
        for seed in {run.seed for run in runs}
        for name in EARLY
    ]
    return {
        "attacks_each": len(by_attack[MAIN[0]]),
        "succeeded_least": min(shares[name]["succeeded"] for name in MAIN),
        "flagged_least": min(shares[name]["flagged"] for name in MAIN),
        "flagged_least_but_square": min(shares[name]["flagged"] for name in MAIN if name != "square"),
        "queries_median_worst_seed": max((median for median in per_seed if median is not None), default=None),
        "refused_success_most": max(shares[name]["refused_success"] for name in MAIN if name != "square"),
        "square_flagged": shares["square"]["flagged"],
        "square_refused_success": shares["square"]["refused_success"],
        "adaptive_succeeded": shares["adaptive"]["succeeded"],
        "adaptive_flagged": shares["adaptive"]["flagged"],
        "adaptive_refused_success": sum(refused) / len(refused),
        "adaptive_refused_attacks": len(refused),
        "benign_users": USERS * len(flagged),
        "benign_users_flagged": sum(len(accused) for accused in flagged),
        "benign_users_flagged_worst_seed": max(len(accused) for accused in flagged),
    }


def _shares(runs: list[Run]) -> dict[str, float]:
    return {
        "succeeded": sum(run.left.outcome.success for run in runs) / len(runs),
        "flagged": sum(run.detector is not None for run in runs) / len(runs),
        "refused_success": sum(bool(run.refused_success) for run in runs) / len(runs),
    }


def _median(runs: list[Run]) -> float | None:
    queries = [run.queries for run in runs if run.queries is not None]
    return statistics.median(queries) if queries else None


def _table(runs: list[Run], adaptive: list[dict[str, Any]]) -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = [
        _row(name, [run for run in runs if run.case.name == name])
        for name in dict.fromkeys(run.case.name for run in runs)
    ]
    by = sorted({detector for attack in adaptive for detector in attack["by"]})
    return [
        *table,
        {
            "who": f"adaptive, refused, {ACCOUNTS} accounts",
            "number": len(adaptive),
            "succeeded": sum(attack["success"] for attack in adaptive),
            "attack_queries_median": statistics.median(attack["queries"] for attack in adaptive),
            "accounts_lost_median": statistics.median(attack["lost"] for attack in adaptive),
            "first_by": ", ".join(by),
        },
    ]


def _row(name: str, mine: list[Run]) -> dict[str, Any]:
    queries = [run.queries for run in mine if run.queries is not None]
    refused = [run.refused_success for run in mine if run.refused_success is not None]
    return {
        "who": name,
        "number": len(mine),
        "succeeded": sum(run.left.outcome.success for run in mine),
        "attack_queries_median": statistics.median(run.left.outcome.queries for run in mine),
        "flagged": len(queries),
        "queries_median": _median(mine),
        "queries_most": max(queries, default=None),
        "succeeded_though_refused": sum(refused) if len(refused) == len(mine) else None,
        "first_by": ", ".join(sorted({run.detector for run in mine if run.detector})),
    }
