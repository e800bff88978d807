"""How well a validation on one's own log foretells who is caught: foretold on one log, shown on another one.

The first log is all that is known: a surrogate learns from it, and attackers on the surrogate are planted into it. The
second log is of other users of another model, and that model itself is attacked, by attackers with pictures of their
own. The seeds were never used before.
"""

import json
import multiprocessing
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.machinery import traffic
from bench.machinery.measured import caponier, say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.app.planting.own_attacks import BATCH, QUERIES
from caponier.app.planting.report import interval
from caponier.app.planting.validate_log import Effort, validate_log
from caponier.emulate.campaigns.active_learning import ActiveLearning
from caponier.emulate.registry import attacks, campaigns
from caponier.emulate.simulation.population import DAY_S, assemble, simulate
from caponier.emulate.simulation.trace import EPOCH, trace, trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.records.accused import NAMES
from caponier.records.inventory import FeatureSpec

SEEDS = (203, 204)
"""Of the log on which is foretold, and of the log on which is shown."""
ATTACKERS, QUICK_ATTACKERS = 100, 20
USERS, OTHERS = 300, 100
POINTS = 0.1
"""How far what is shown may be from what was foretold."""
GAP_S = 20.0
IMAGES = ("adaptive", "boundary", "hop_skip_jump", "nes", "simba", "square")
MODELS = ("active_learning", "jbda", "knockoff", "model_inversion", "natural_extraction")
KINDS = (*IMAGES, *MODELS)
SPEC = FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)
CAUSES: dict[str, str] = {}
LOOKS = ("--kind", "image", "--shape", "8,8", "--range", "0,1")


def run(quick: bool) -> Scorecard:
    """Foretell on the log of the first seed, show on that of the second; quick: fewer attackers."""
    many = QUICK_ATTACKERS if quick else ATTACKERS
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        first = pool.submit(_foretold, SEEDS[0], many)
        second = pool.submit(_shown, SEEDS[1], many)
        foretold, shown = first.result(), second.result()
    table = [_row(kind, foretold, shown[kind], many) for kind in KINDS]
    near = sum(row["within_10_points"] for row in table)
    flagged = next(one for one in foretold["false_alerts"] if one["alpha"] == foretold["alpha"])
    figures = {
        "kinds": len(KINDS),
        "kinds_within_10_points": near,
        "kinds_within_10_points_share": near / len(KINDS),
        "largest_difference": max(abs(row["difference"]) for row in table),
        "attackers_of_each_kind": many,
        "surrogate_agreement": foretold["attacked"]["agreement"],
        "users_flagged_foretold": flagged["users_flagged"],
        "users_foretold": flagged["of"],
        "users_flagged_shown": shown["users"],
        "users_shown": OTHERS,
        "seconds_to_foretell": foretold["seconds"],
    }
    about = (
        f"{many} attackers of each of {len(KINDS)} kinds, each with {QUERIES} queries, planted by "
        f"caponier validate --log among a sixth of {USERS} benign users of one model, on a surrogate that learned from "
        f"the log (seed {SEEDS[0]}); and as many on the very model of another log (seed {SEEDS[1]}), with pictures of "
        f"their own, among {OTHERS} users, under a baseline of {USERS} others. Both at the default "
        "share of benign callers that may be flagged."
    )
    goals = (Goal("kinds_within_10_points_share", 0.8, at_least=True),)
    return Scorecard("own_log", about, figures, goals, SEEDS, table, CAUSES)


def _foretold(seed: int, many: int) -> dict[str, Any]:
    say(f"seed {seed}: planting into the log")
    split, victim = traffic.world(seed)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.parquet"
        traffic.write_sorted([traffic.calibration(split, victim, seed, USERS)], log)
        return validate_log([log], spec=SPEC, effort=Effort(many, KINDS, (), seed)).to_dict()


def _shown(seed: int, many: int) -> dict[str, Any]:
    """Return the attackers of each kind who are caught and the users who are flagged by a scan of the other log."""
    say(f"seed {seed}: attacking the model")
    split, victim = traffic.world(seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        benign, log, baseline = home / "benign.parquet", home / "log.parquet", home / "b.safetensors"
        users = simulate(assemble(split.test.images, OTHERS, seed + 1_000), victim.predict_proba, traffic.UNIQUE)
        traffic.write_sorted([traffic.calibration(split, victim, seed, USERS)], benign)
        traffic.write_sorted([users, *_attacks(split, victim, seed, many)], log)
        say(f"seed {seed}: baseline and scan")
        caponier("baseline", "build", str(benign), "--out", str(baseline), *LOOKS, "--quiet")
        arguments = ("--baseline", str(baseline), *LOOKS, "--format", "json", "--quiet")
        found = json.loads(caponier("scan", "inference", str(log), *arguments).output)["findings"]
        names = set(pq.read_table(log, columns=["principal"])["principal"].to_pylist())
    accused = {name for one in found for name in (one["subject"]["id"], *one["evidence"]["facts"].get(NAMES, ()))}
    caught = {kind: sum(name.startswith(f"attacker-{kind}-") for name in accused & names) for kind in KINDS}
    alone = {one["subject"]["id"] for one in found}
    return {**caught, "users": sum(not name.startswith("attacker-") for name in alone & names)}


def _attacks(split: DigitsSplit, victim: Victim, seed: int, many: int) -> Iterator[pa.Table]:
    """Carry out attacks on the model itself, at the pace of ordinary users, somewhere in the same day."""
    originals, rng = victim.understood(split.attackers), np.random.default_rng(seed)
    room = DAY_S - 2 * QUERIES * GAP_S
    # What a copier trains anew after each batch is what takes the time here.
    known = {**campaigns(), "active_learning": replace(ActiveLearning(), batch=BATCH, queries=QUERIES)}
    for kind in KINDS:
        for turn in range(many):
            number = seed * 1_000 + turn
            begin = EPOCH + timedelta(seconds=rng.uniform(0, room))
            how: dict[str, Any] = {
                "principal": f"attacker-{kind}-{turn}",
                "budget": QUERIES,
                "begin": begin,
                "gap_s": GAP_S,
            }
            if kind in IMAGES:
                image, label = originals.images[turn % len(originals)], int(originals.labels[turn % len(originals)])
                yield trace(attacks()[kind], victim.predict_proba, image, label, seed=number, **how).events
            else:
                stage = known[kind].stage(split, number, victim)
                yield trace_campaign(known[kind], stage, seed=number, **how).events


def _row(kind: str, foretold: dict[str, Any], caught: int, many: int) -> dict[str, Any]:
    one = next(one for one in foretold["kinds"] if one["kind"] == kind)
    difference = caught / many - one["recall"]
    return {
        "kind": kind,
        "foretold": one["recall"],
        "foretold_95": one["recall_95"],
        "shown": caught / many,
        "shown_95": [round(end, 4) for end in interval(caught, many)],
        "difference": round(difference, 4),
        "within_10_points": abs(difference) <= POINTS + 1e-9,
        "succeeded_foretold": one["succeeded"],
        "queries_median": one["queries_median"],
        "queries_most": one["queries_most"],
        "caught_at": one["caught_at"],
    }
