"""Patches and backdoor triggers: how many single images are told apart, and which callers are flagged for them.

The seeds were never used while enrichments, detectors or attacks were made. Images of the victim, the baseline, the
benign users and the attackers are disjoint. That an attack succeeds is measured first, and only images that got the
attacker's answer are counted.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bench.machinery import traffic
from bench.machinery.measured import caponier, say
from bench.machinery.patch_cases import SPEC, Case, backdoor_cases, crowd_of, larger_cases, patch_cases
from bench.machinery.scorecard import Goal, Scorecard
from caponier.app.inference.enrich import enrich_events
from caponier.detect.enrichments import occlusion, overlay_entropy
from caponier.emulate.attacker.prepared import prepared
from caponier.emulate.campaigns.pasted_patch import PastedPatch
from caponier.emulate.event_log import interleaved
from caponier.emulate.images import Images, shots
from caponier.emulate.registry import newcomers
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.simulation.trace import trace_campaign
from caponier.emulate.simulation.visits import let_in, visitors
from caponier.emulate.victims.backdoored import Backdoored, train_backdoored, triggered
from caponier.emulate.victims.digits import DigitsSplit

SEEDS = (201, 202, 203)
FLAGS: Final = ("--kind", "image", "--shape", "8,8", "--range", "0,1")
INPUTS: Final = 2_000
"""Inputs of benign users of which a threshold is taken, and as many of others on which it is tried."""
USERS, OTHERS, CALLERS, EACH = 100, 60, 10, 5
"""In a scan: benign users to learn from, others, callers with marked pictures of each kind, attackers of each kind."""
PICTURES: Final = 150
MARKS: Final = ("stickers", "stamps", "occlusions")
WAVE: Final = "sinusoidal"
SCANNED: Final = ("corner",)
FRR, FPR = 0.01, 0.05
AT_ONCE: Final = 256
CAUSES = {
    "trigger_tpr_least": (
        "The forest is above the goal with every trigger, the small network with the corner. Elsewhere one benign "
        "image in 100 keeps its answer under overlays as surely as a triggered one: on the small network mostly the "
        "attacker's own answer, which poisoning made likelier, and a wave is hidden where strokes lie over it. At 5 in "
        "100 false rejections the convolutional network is at 0.91 and 0.96 (seed 1 alone). Tried besides: overlays "
        "that are added up, averaged, dimmed, and two at a time; the score of the own answer, its logarithm, the "
        "largest entropy and the share of equal answers in place of the mean entropy."
    ),
    "patch_tpr_least": (
        "Met on the small network, missed on the convolutional one, where the best patch of four works on half of the "
        "images only: presumably it carries no more to other images than benign regions do, and as it is the same on "
        "all images, all of them are missed. Tried, on the small network: how far the score falls when a region is "
        "hidden, alone, times the new answer's score, and against other regions (up to 0.7 of the images); regions of "
        "half a side; one, two, five and all regions moved; 10 and 40 carriers. On the convolutional one, seeds 1 and "
        "2: regions of three eighths of a side tell 0.03 and 0.15 of the images apart, of a quarter none, of half a "
        "side none and 0.1, though 0.15 and 0.85 of those with the larger patch."
    ),
}


@dataclass(frozen=True)
class Told:
    """How well single images were told apart."""

    seed: int
    case: Case
    success: float
    tpr: float
    fpr: float


def run(quick: bool) -> Scorecard:
    """Measure single images on every victim, then scan logs; quick: one seed."""
    seeds = SEEDS[:1] if quick else SEEDS
    told: list[Told] = []
    rows: list[dict[str, Any]] = []
    with threadpool_limits(1, user_api="blas"):
        for seed in seeds:
            split = traffic.world(seed)[0]
            told += _single(split, seed)
            for trigger in SCANNED:
                rows += _scanned(split, seed, trigger)
    figures = {**_of_images(told), **_of_callers(rows)}
    goals = (
        Goal("trigger_success_least", 0.9, at_least=True),
        Goal("trigger_tpr_least", 0.94, at_least=True),
        Goal("patch_tpr_least", 0.9, at_least=True),
        Goal("callers_flagged_least", 0.9, at_least=True),
        Goal("marked_callers_flagged", 0, at_least=False),
        Goal("benign_users_flagged", 1 if quick else 3, at_least=False),
    )
    about = (
        f"{len(seeds)} seeds. Single images: the threshold is a quantile of {INPUTS // 2:,} inputs of users with "
        f"all habits (half as many of 28 x 28), {FRR:.0%} for triggers and {FPR:.0%} for patches, tried on twice "
        f"as many of others. Scans: {USERS} users "
        f"with 200 different queries each to learn from, {OTHERS} others, {CALLERS} callers with each kind of marks, "
        f"{EACH} attackers of each kind with {PICTURES} images. The least is over "
        "victims, triggers or patches, and seeds; adaptive and larger ones are figures of their own."
    )
    return Scorecard("patches_triggers", about, figures, goals, seeds, _table(told) + _tally(rows), CAUSES)


def _single(split: DigitsSplit, seed: int) -> list[Told]:
    """Measure single images of one seed."""
    crowd = crowd_of(split, INPUTS, seed)
    cases = chain(
        patch_cases(split, crowd, seed, PICTURES),
        backdoor_cases(split, crowd, seed, PICTURES),
        larger_cases(INPUTS // 2, seed, PICTURES),
    )
    return [_tell(case, seed) for case in cases]


def _tell(case: Case, seed: int) -> Told:
    """Take a threshold of half of the usual inputs; the enrichment learned from the other half."""
    say(f"seed {seed}: {case.name} on {case.victim}")
    enrichment, share = (occlusion.enrichment, FPR) if "patch" in case.kind else (overlay_entropy.enrichment, FRR)
    params = enrichment.fit(case.predict, case.crowd.usual[::2], case.crowd.spec)
    got = case.predict(case.pictures).argmax(axis=1) == case.target

    def values(rows: Images) -> NDArray[np.float64]:
        parts = [rows[at : at + AT_ONCE] for at in range(0, len(rows), AT_ONCE)]
        return np.concatenate([enrichment.enrich(case.predict, part, params) for part in parts])

    threshold = np.quantile(values(case.crowd.usual[1::2]), 1 - share, method="higher")
    seen = values(case.pictures[got]) > threshold if got.any() else np.zeros(1, bool)
    return Told(
        seed, case, float(got.mean()), float(seen.mean()), float((values(case.crowd.others) > threshold).mean())
    )


def _of_images(told: Sequence[Told]) -> dict[str, Any]:
    """Return the worst figures of each kind of case."""
    figures: dict[str, Any] = {}
    for kind in dict.fromkeys(one.case.kind for one in told):
        mine = [one for one in told if one.case.kind == kind]
        figures |= {
            f"{kind}_success_least": round(min(one.success for one in mine), 4),
            f"{kind}_tpr_least": round(min(one.tpr for one in mine), 4),
            f"{kind}_fpr_most": round(max(one.fpr for one in mine), 4),
        }
    marks = [one.tpr for one in told if one.case.kind == "trigger" and one.case.name != WAVE]
    return {**figures, "trigger_tpr_least_but_wave": round(min(marks), 4)}


def _table(told: Sequence[Told]) -> list[dict[str, Any]]:
    table = []
    for name, victim in dict.fromkeys((one.case.name, one.case.victim) for one in told):
        mine = [one for one in told if (one.case.name, one.case.victim) == (name, victim)]
        table.append(
            {
                "image": name,
                "victim": victim,
                "success_worst": round(min(one.success for one in mine), 3),
                "tpr_worst": round(min(one.tpr for one in mine), 3),
                "fpr_worst": round(max(one.fpr for one in mine), 3),
            }
        )
    return table


def _scanned(split: DigitsSplit, seed: int, trigger: str) -> list[dict[str, Any]]:
    """Scan a log of one seed's backdoored model; return who was there, and which detectors flagged them."""
    say(f"seed {seed}: a log of a model with the trigger {trigger}")
    model = train_backdoored(split, seed, trigger)
    users = simulate(assemble(split.test.images, OTHERS, seed + 1_000), model.victim.predict_proba, traffic.UNIQUE)
    marked = let_in(
        visitors({name: newcomers()[name] for name in MARKS}, CALLERS, seed),
        split.test.images,
        model.victim.predict_proba,
        requests=traffic.UNIQUE,
    )
    log = interleaved([users, marked, *_attackers(model, split, seed)])
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        traffic.write_sorted([traffic.calibration(split, model.victim, seed, USERS)], home / "plain.parquet")
        pq.write_table(log, home / "log.parquet")
        for name, out in (("plain", "benign"), ("log", "asked")):
            enrich_events(
                [home / f"{name}.parquet"],
                home / f"{out}.parquet",
                model.victim.predict_proba,
                "digits",
                names=(occlusion.enrichment.name, overlay_entropy.enrichment.name),
                benign=[home / "plain.parquet"],
                spec=SPEC,
            )
        say(f"seed {seed}: baseline, and a scan of {log.num_rows:,} events")
        baseline = str(home / "b.safetensors")
        caponier("baseline", "build", str(home / "benign.parquet"), "--out", baseline, *FLAGS, "--quiet")
        given = ("--baseline", baseline, *FLAGS, "--rejected", str(home / "rejected.jsonl"), "--quiet")
        found = caponier("scan", "inference", str(home / "asked.parquet"), "--format", "json", *given)
    by: dict[str, set[str]] = {}
    for finding in json.loads(found.output)["findings"]:
        by.setdefault(finding["subject"]["id"], set()).add(finding["detector"])
    return [
        {"seed": seed, "trigger": trigger, "who": _kind(who), "by": by.get(who, set())}
        for who in sorted(set(log["principal"].to_pylist()))
    ]


def _kind(principal: str) -> str:
    """Return what kind of caller has a name."""
    kind = principal.split("-")[0]
    return kind if kind in MARKS or kind.startswith("attacker") else "user"


def _attackers(model: Backdoored, split: DigitsSplit, seed: int) -> list[pa.Table]:
    """Return the events of all attackers: pure, and mixed with three times as many natural pictures."""
    sent = []
    for turn in range(EACH):
        rng = np.random.default_rng((seed, turn))
        natural = shots(split.attackers.images[rng.integers(len(split.attackers), size=PICTURES)], rng)
        patched = PastedPatch(pictures=PICTURES).stage(split, seed * EACH + turn, model.victim).held.images
        opened = triggered(model, split.attackers, PICTURES, rng)
        for name, pictures in (("trigger", opened), ("patch", patched)):
            mixed = np.concatenate([pictures[: PICTURES // 4], natural[: PICTURES - PICTURES // 4]])
            for kind, rows in ((name, pictures), (f"{name}_mixed", mixed)):
                stage = prepared(rows, model.target, model.victim, model.training, split)
                who = f"attacker_{kind}-{turn}"
                sent.append(trace_campaign(PastedPatch(), stage, seed=seed + turn, principal=who).events)
    return sent


def _of_callers(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the shares of attackers who are flagged, and the number of others who are."""

    def least(kind: str, detector: str) -> float:
        groups = {(row["seed"], row["trigger"]) for row in rows}
        mine = [
            [row for row in rows if (row["seed"], row["trigger"]) == group and row["who"] == kind] for group in groups
        ]
        return min(sum(detector in row["by"] for row in some) / len(some) for some in mine)

    ours = {"local_patch", "trigger_probe"}
    marked = [row for row in rows if row["who"] in MARKS]
    return {
        "callers_flagged_least": min(
            least("attacker_trigger", "trigger_probe"), least("attacker_patch", "local_patch")
        ),
        "trigger_callers_flagged_least": least("attacker_trigger", "trigger_probe"),
        "patch_callers_flagged_least": least("attacker_patch", "local_patch"),
        "trigger_mixed_flagged_least": least("attacker_trigger_mixed", "trigger_probe"),
        "patch_mixed_flagged_least": least("attacker_patch_mixed", "local_patch"),
        "marked_callers": len(marked),
        "marked_callers_flagged": sum(bool(row["by"] & ours) for row in marked),
        "benign_users": sum(row["who"] == "user" for row in rows),
        "benign_users_flagged": sum(bool(row["by"] & ours) for row in rows if row["who"] == "user"),
        "benign_users_flagged_by_any": sum(bool(row["by"]) for row in rows if row["who"] == "user"),
        "marked_callers_flagged_by_any": sum(bool(row["by"]) for row in marked),
    }


def _tally(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    table = []
    for who in dict.fromkeys(row["who"] for row in rows):
        mine = [row for row in rows if row["who"] == who]
        by = Counter(detector for row in mine for detector in row["by"])
        table.append({"who": who, "number": len(mine), "flagged_by": dict(sorted(by.items()))})
    return table
