"""Sponges, steered feedback and chaff: who is flagged, how soon, and which harmless look-alikes are.

The seeds were never used while detectors were made.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.machinery.measured import say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.scan import scan_inference
from caponier.emulate.campaigns.sponge import DEAR, Sponge
from caponier.emulate.event_log import interleaved, micros
from caponier.emulate.simulation.feedback_simulation import FeedbackHistory
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.simulation.scenario import SCENES, learned_from
from caponier.emulate.simulation.trace import EPOCH, trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Victim, load_digits_split, train_victim
from caponier.emulate.victims.variable_cost import Steps, billed, settling_steps, train_committee, voting_steps
from caponier.records.inventory import FeatureSpec

SEEDS = (101, 102, 103)
SPEC = FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)
CALIBRATION, USERS, UNIQUE = 300, 130, 200
SPONGES = 8
POINTS = 0.05
CAUSES = {
    "steering_flagged_before_drift_share": (
        "Where the answers are off by five points after the first minute, what was sent back within it has to do: "
        "twelve pieces of feedback of each of the five on average, but three or none of some. An alarm at the "
        "default budget, as rare as 1 in 20,000 among 300 sources, takes 5 to 18 pieces of feedback of one source; "
        "on seeds 1 to 3 twelve of fifteen sent them within that minute, and the others eight seconds later. All "
        "sources seen together would do in half a minute, but accuse one in 200 wrongly. Tried besides: windows of "
        "one, two and five minutes (none, and all after 510 and 186 s at most), the largest sum over events in a row "
        "(after 26 pieces and more), the number of answers contradicted (15 to 22 pieces), squares in place of a power "
        "of one and a half (sooner, and annotators come up to the threshold); see "
        "docs/reference/detections/feedback.md."
    ),
    "trend_users_flagged": (
        "Flagged is who works with nothing but the one digit that the change is about, or with one that the model has "
        "unlearned through it: all that such a user says contradicts the model in one direction. By itself that is "
        "what steering looks like; only others' feedback could tell, and a detector sees one source at a time."
    ),
    "sponge_dear_queries_most": (
        "Counted are all queries of five times the usual and more, those of the search included, of which the first "
        "only just are, as some honest ones are. Sponges that were prepared elsewhere are dearer from the first one "
        "on: three of them do. Tried: weighing against the hardest 1, 5 or 10 % of clients (6 at most as well, or one "
        "to three later), up to 20, 24 and 32 quarter bits a query (one or two later), levels from twice or four times "
        "the usual (no better), a power of one and a half in place of the square (one later); see "
        "docs/reference/detections/sponge.md."
    ),
    "committee_flagged_share": (
        "One honest query in twenty costs this model five times the usual, and one in a hundred as much as any can. "
        "Dark cameras send them in a row, so that some twenty sponges in a row are needed for the same certainty; many "
        "who search, and who send what they found, mix in too many cheaper ones. Tried: sums of how rare costs are "
        "over 12 queries (none found), the hardest 1 % of clients in place of 2 % (hard to learn from three of 300), "
        "taking three of four queries for sponges (later), leaving the first dear query out (too few clients to draw a "
        "tail through); see docs/reference/detections/sponge.md."
    ),
    "committee_dear_queries_most": "As above, and the same was tried: for this model honest inputs are as dear as any "
    "can be.",
}


@dataclass(frozen=True)
class Scan:
    """A log, and where each flagged principal was flagged first, by detector: how many of its events before."""

    log: pa.Table
    first: Mapping[str, dict[str, int]]

    def own(self, principal: str) -> pa.Table:
        return self.log.filter(pc.equal(self.log["principal"], principal))

    def benign(self, detector: str) -> list[str]:
        return sorted(name for name in self.first.get(detector, {}) if not name.startswith("attacker"))

    def flagged_events(self, detector: str) -> int:
        """Events of benign principals from where they were flagged: at most these scored above the threshold."""
        found = self.first.get(detector, {})
        return sum(self.own(name).num_rows - found[name] for name in self.benign(detector))


def scanned(benign: pa.Table, logs: Sequence[pa.Table]) -> list[Scan]:
    """Build a baseline, and scan logs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        pq.write_table(benign, path)
        baseline = build_baseline([path], spec=SPEC).baseline
        found = []
        for log in logs:
            pq.write_table(log, path)
            found.append(Scan(log, _first(log, scan_inference([path], baseline, spec=SPEC).findings)))
    return found


def _first(log: pa.Table, findings: Sequence[Any]) -> dict[str, dict[str, int]]:
    names, ids = log["principal"].to_pylist(), log["event_id"].to_pylist()
    seen: dict[str, int] = {}
    place: dict[str, int] = {}
    for name, id_ in zip(names, ids, strict=True):
        place[id_] = seen.get(name, 0)
        seen[name] = place[id_] + 1
    first: dict[str, dict[str, int]] = {}
    for finding in findings:
        own = first.setdefault(finding.detector, {})
        at = place[finding.trigger_event_id]
        own[finding.subject.id] = min(at, own.get(finding.subject.id, at))
    return first


def sponges(split: DigitsSplit, victim: Victim, steps: Steps, seed: int, name: str) -> dict[str, Any]:
    """Let sponges loose on a model whose cost is `steps`."""
    campaign = Sponge(steps=steps)
    stage = campaign.stage(split, seed, victim)
    runs = [
        trace_campaign(campaign, stage, seed=seed * 100 + turn, principal=f"attacker-search-{turn}")
        for turn in range(SPONGES)
    ]
    attacks = [billed(run.events, steps) for run in runs]
    prepared = [
        _renamed(events.slice(int(run.outcome.measure["searching"])), f"attacker-prepared-{turn}")
        for turn, (run, events) in enumerate(zip(runs, attacks, strict=True))
    ]

    def users(images: Any, n: int, number: int) -> pa.Table:
        return billed(simulate(assemble(images, n, number), victim.predict_proba, UNIQUE), steps)

    benign, others = users(split.calibration.images, CALIBRATION, seed), users(split.test.images, USERS, seed + 1_000)
    (scan,) = scanned(benign, [interleaved([others, *attacks, *prepared])])
    costs = benign["cost"].to_numpy()
    usual, found = float(np.median(costs)), scan.first.get("sponge", {})
    dear = {who: int((scan.own(who)["cost"].to_numpy()[: at + 1] >= DEAR * usual).sum()) for who, at in found.items()}
    return {
        "what": name,
        "succeeded": sum(run.outcome.success for run in runs),
        "of": SPONGES,
        "times_usual_least": round(min(run.outcome.measure["times_usual"] for run in runs), 1),
        "benign_dear_share": round(float((costs >= DEAR * usual).mean()), 4),
        "flagged": sum(f"attacker-search-{turn}" in found for turn in range(SPONGES)),
        "prepared_flagged": sum(f"attacker-prepared-{turn}" in found for turn in range(SPONGES)),
        "dear": [count for who, count in dear.items() if who.startswith("attacker-search")],
        "dear_prepared": [count for who, count in dear.items() if who.startswith("attacker-prepared")],
        "benign_users": USERS,
        "benign_flagged": len(scan.benign("sponge")),
        "benign_who": ", ".join(scan.benign("sponge")),
        "benign_queries_flagged_share": scan.flagged_events("sponge") / others.num_rows,
    }


def _renamed(events: pa.Table, principal: str) -> pa.Table:
    place = events.schema.get_field_index("principal")
    return events.set_column(place, events.schema.field(place), pa.array([principal] * events.num_rows))


def feedback(split: DigitsSplit, seed: int) -> list[dict[str, Any]]:
    """Let a learning model be steered, flooded, and taught a new truth."""
    calm = learned_from(split, seed, CALIBRATION)
    played = {name: scene.played(split, seed) for name, scene in SCENES.items()}
    scans = dict(zip(played, scanned(calm.events, [course.events for course in played.values()]), strict=True))
    skew, flood = "feedback_skew", "feedback_flood"
    return [
        _row(name, flood if name == "feedback_chaff" else skew, scans[name], course, SCENES[name].attackers)
        | ({"benign_flagged_flood": len(scans[name].benign(flood))} if name == "trend" else {})
        for name, course in played.items()
    ]


def _row(what: str, detector: str, scan: Scan, course: FeedbackHistory, attackers: int) -> dict[str, Any]:
    drifted, found = course.drifted(POINTS), scan.first.get(detector, {})
    moments = [
        scan.own(who)["time"].cast(pa.int64())[at].as_py() for who, at in found.items() if who.startswith("attacker")
    ]
    return {
        "what": what,
        "of": attackers,
        "drift_most": round(float(np.abs(course.shares - course.before).max()), 3),
        "drifted_after_s": None if drifted is None else round((drifted - micros(EPOCH)) / 1e6),
        "flagged": len(moments),
        "flagged_before_drift": sum(drifted is None or moment < drifted for moment in moments),
        "last_flagged_after_s": round((max(moments) - micros(EPOCH)) / 1e6) if moments else None,
        "benign_flagged": len(scan.benign(detector)),
        "benign_who": ", ".join(scan.benign(detector)),
    }


def run(quick: bool) -> Scorecard:
    """Run all of it; quick: one seed, and one of the two models with a variable cost."""
    seeds = SEEDS[:1] if quick else SEEDS
    table = [row for seed in seeds for row in _one(seed, quick)]
    figures, goals = _figures(table)
    about = (
        f"{len(seeds)} seeds. Models of scikit-learn's digits whose cost depends on the input: {CALIBRATION} benign "
        f"users to learn from, {USERS} others, {SPONGES} sponge attacks that search, and the same with sponges "
        f"prepared elsewhere. A model that learns from feedback: {CALIBRATION} sources to learn from, then 5 of 200 "
        "that steer, 20 of 120 that flood, and 200 in a world that changes. "
    )
    return Scorecard("cost_feedback", about, figures, goals, seeds, table, CAUSES)


def _one(seed: int, quick: bool) -> list[dict[str, Any]]:
    split = load_digits_split(seed)
    say(f"seed {seed}: sponges")
    rows = [sponges(split, train_victim(split.train, split.test, seed), settling_steps, seed, "sponge")]
    if not quick:
        say(f"seed {seed}: sponges for a committee")
        victim = Victim("forest", train_committee(split.train, seed).predict_proba, 0.0)
        rows.append(sponges(split, victim, voting_steps, seed, "sponge, committee"))
    say(f"seed {seed}: feedback")
    return [{"seed": seed, **row} for row in rows + feedback(split, seed)]


def _figures(table: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], tuple[Goal, ...]]:
    by = {what: [row for row in table if row["what"] == what] for what in dict.fromkeys(row["what"] for row in table)}

    def worst(what: str, name: str) -> Any:
        return max((count for row in by[what] for count in row[name]), default=None)

    def least(what: str, name: str) -> float:
        return min(row[name] / row["of"] for row in by[what])

    def most(what: str, name: str) -> Any:
        return max(row[name] for row in by[what])

    figures = {
        "sponge_success_share": least("sponge", "succeeded"),
        "sponge_flagged_share": least("sponge", "flagged"),
        "sponge_dear_queries_median": median(count for row in by["sponge"] for count in row["dear"]),
        "sponge_dear_queries_most": worst("sponge", "dear"),
        "prepared_sponges_flagged_share": least("sponge", "prepared_flagged"),
        "prepared_sponges_most": worst("sponge", "dear_prepared"),
        "sponge_benign_users_flagged": most("sponge", "benign_flagged"),
        "sponge_benign_queries_flagged_share": most("sponge", "benign_queries_flagged_share"),
        "steered_drift_least": min(row["drift_most"] for row in by["steered_feedback"]),
        "steering_flagged_before_drift_share": least("steered_feedback", "flagged_before_drift"),
        "steered_benign_sources_flagged": most("steered_feedback", "benign_flagged"),
        "trend_users_flagged": most("trend", "benign_flagged"),
        "chaff_flagged_share": least("feedback_chaff", "flagged"),
        "chaff_benign_sources_flagged": most("feedback_chaff", "benign_flagged"),
    }
    if "sponge, committee" in by:
        figures |= {
            "committee_flagged_share": least("sponge, committee", "flagged"),
            "committee_dear_queries_most": worst("sponge, committee", "dear"),
            "committee_benign_users_flagged": most("sponge, committee", "benign_flagged"),
        }
    goals = [
        Goal("sponge_success_share", 1.0, at_least=True),
        Goal("sponge_flagged_share", 1.0, at_least=True),
        Goal("sponge_dear_queries_most", 5, at_least=False),
        Goal("prepared_sponges_most", 5, at_least=False),
        Goal("sponge_benign_users_flagged", 0, at_least=False),
        Goal("sponge_benign_queries_flagged_share", 0.001, at_least=False),
        Goal("steered_drift_least", POINTS, at_least=True),
        Goal("steering_flagged_before_drift_share", 1.0, at_least=True),
        Goal("steered_benign_sources_flagged", 0, at_least=False),
        Goal("trend_users_flagged", 0, at_least=False),
        Goal("chaff_flagged_share", 0.95, at_least=True),
        Goal("chaff_benign_sources_flagged", 2, at_least=False),
    ]
    if "sponge, committee" in by:
        goals += [
            Goal("committee_flagged_share", 1.0, at_least=True),
            Goal("committee_dear_queries_most", 5, at_least=False),
        ]
    return figures, tuple(goals)
