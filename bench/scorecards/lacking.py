"""What detection loses where a log lacks something: names, scores, inputs, answers, or most of its events.

The same traffic is logged in several ways, and baseline and scan see it the same way. What comes out is also what a
scan tells its user: `src/caponier/app/inference/log_gaps.json`. The seeds were never used while detectors were made.
"""

import json
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import caponier.app.inference
from bench.machinery import traffic
from bench.machinery.measured import say
from bench.machinery.scorecard import Goal, Scorecard
from bench.scorecards.discovery import FAMILIES, PROBES
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.load import enrichments_of
from caponier.app.inference.scan import scan_inference
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.detect.registry import event_detectors
from caponier.emulate.event_log import Deployment, ServerLog, interleaved
from caponier.emulate.images import Images
from caponier.emulate.probe import Truth
from caponier.emulate.registry import newcomers
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.simulation.scenario import SCENES, learned_from
from caponier.emulate.simulation.trace import EPOCH
from caponier.emulate.simulation.visits import let_in, visitors
from caponier.emulate.victims.digits import DigitsSplit
from caponier.emulate.victims.in_process import LocalWire
from caponier.emulate.victims.variable_cost import billed, settling_steps
from caponier.errors import InputError
from caponier.records.accused import accused
from caponier.records.finding import Finding
from caponier.records.inventory import FeatureSpec

SEEDS = (201, 202, 203)
SPEC = FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)
LEARNED, USERS, EACH = 100, 30, 2
UNIQUE: Final = 400
"""Different queries of each benign user, in two days."""
SPAN_S: Final = 2 * 86_400.0
CALLERS: Final = 4
"""Harmless callers of each kind that do not only predict, in the baseline."""
SHARED: Final = 2
"""Callers behind one address."""
STEERED: Final = ("steered_feedback", "feedback_chaff")
RATES: Final = (0.5, 0.1, 0.01)
ANY: Final = "any"
PUBLISHED: Final = Path(caponier.app.inference.__file__).parent / "log_gaps.json"

Logged = Callable[[pa.Table, int], pa.Table]
"""Logs traffic in one way; the number fixes chance."""


@dataclass(frozen=True)
class AttackRun:
    """One attack that succeeded, and who carried it out."""

    name: str
    principal: str


@dataclass(frozen=True, eq=False)
class World:
    """Benign traffic to learn from, and traffic with attacks in it."""

    benign: pa.Table
    log: pa.Table
    attack_runs: Sequence[AttackRun]
    failed: int = 0
    training: Images | None = None


def run(quick: bool) -> Scorecard:
    """Log, learn and scan in every way; quick: one seed, one attack of each kind, and few of the ways."""
    seeds, each = (SEEDS[:1], 1) if quick else (SEEDS, EACH)
    ways = {name: WAYS[name] for name in QUICK} if quick else WAYS
    rows: list[dict[str, Any]] = []
    for seed in seeds:
        say(f"seed {seed}: traffic")
        split = traffic.world(seed)[0]
        for world in (_predictions(seed, each), _feedback(split, seed)):
            for name, logged in ways.items():
                say(f"seed {seed}: {name}")
                rows += _one(world, name, logged, seed)
    table = _table(rows, list(ways))
    figures = _figures(table, rows)
    if not quick:
        publish(table, seeds)
    goals = (
        Goal("own_found_share_whole", 0.9, at_least=True),
        *(Goal(f"benign_flagged_share_{way.replace(' ', '_')}", 0.03, at_least=False) for way in ways),
    )
    about = (
        f"{len(seeds)} seed{'s' * (len(seeds) > 1)}, a model of scikit-learn's digits: {LEARNED} benign users to learn "
        f"from and {USERS} others with {UNIQUE:,} different queries each, {each} attacks of each kind, and feedback. "
        "Each detector is held against its own emulations, as far as they succeeded; queries are those that the "
        "attacker had sent, logged or not. Benign users who share an address with an attacker are counted apart: the "
        "address is rightly flagged."
    )
    return Scorecard("lacking", about, figures, goals, seeds, table, CAUSES)


CAUSES: dict[str, str] = {}


def _predictions(seed: int, each: int) -> World:
    split, victim = traffic.world(seed)
    predict = victim.predict_proba

    def users(images: Images, n: int, number: int) -> pa.Table:
        return billed(simulate(assemble(images, n, number), predict, UNIQUE, span_s=SPAN_S), settling_steps)

    runs, training = traffic.attacks_on(split, victim, seed, each)
    attack_runs, probed = ServerLog(), []
    for name, probe in PROBES.items():
        for turn in range(each):
            wire = LocalWire(predict, Deployment(), attack_runs.record, f"attacker-{name}-{turn}", EPOCH)
            if probe.run(wire, "digits", Truth(FAMILIES["mlp"]), seed=seed * 1_000 + turn, gap_s=None).success:
                probed.append(AttackRun(name, f"attacker-{name}-{turn}"))
    benign = [users(split.calibration.images, LEARNED, seed)]
    benign.append(let_in(visitors(newcomers(), CALLERS, seed), split.calibration.images, predict))
    attacked = [billed(run.events, settling_steps) for run in runs]
    return World(
        interleaved(benign),
        interleaved([users(split.test.images, USERS, seed + 1_000), attack_runs.table(), *attacked]),
        [*(AttackRun(run.name, run.principal) for run in runs if run.success), *probed],
        sum(not run.success for run in runs) + len(PROBES) * each - len(probed),
        training,
    )


def _feedback(split: DigitsSplit, seed: int) -> World:
    """A model that learns from feedback: calm to learn from, and steered and flooded."""
    played = [SCENES[name].played(split, seed) for name in STEERED]
    parts, attack_runs = [], []
    for name, course in zip(STEERED, played, strict=True):
        place = course.events.schema.get_field_index("principal")
        who = [f"{name}-{principal}" for principal in course.events["principal"].to_pylist()]
        parts.append(course.events.set_column(place, "principal", pa.array(who, pa.string())))
        attack_runs += [
            AttackRun(name, principal) for principal in sorted(set(who)) if principal.startswith(f"{name}-attacker")
        ]
    return World(learned_from(split, seed, LEARNED).events, interleaved(parts), attack_runs)


def _one(world: World, way: str, logged: Logged, seed: int) -> list[dict[str, Any]]:
    """Return a row for each attack and detector that is made for it, and one for the benign users."""
    log = logged(world.log, seed + 1_000)
    findings = _findings(world, logged(world.benign, seed), log)
    first = _first(world, findings)
    rows = []
    for attack_run in world.attack_runs:
        for detector in (ANY, *_made_for(attack_run.name)):
            at = first.get((detector, attack_run.principal))
            rows.append({"way": way, "detector": detector, "attack": attack_run.name, "queries": at})
    return [*rows, {"way": way, "detector": None, **_calm(world, log, findings)}]


def _calm(world: World, log: pa.Table, findings: Sequence[Finding]) -> dict[str, int]:
    """Count the benign users and the flagged ones, and apart from them those who share a name with an attacker."""
    attackers = {attack_run.principal for attack_run in world.attack_runs}
    behind: dict[str | None, set[str]] = {}
    sender = dict(zip(world.log["event_id"].to_pylist(), world.log["principal"].to_pylist(), strict=True))
    names = pc.coalesce(log["principal"], log["source_ip"]).to_pylist()
    for id_, name in zip(log["event_id"].to_pylist(), names, strict=True):
        behind.setdefault(name, set()).add(sender[id_])
    # An address goes with what the caller says to be; here that is nothing.
    flagged = {name.strip() for finding in findings for name in accused(finding)}
    told = dict.fromkeys(("flagged", "of", "flagged_beside", "beside"), 0)
    for name, users in behind.items():
        if name is None:
            # Whom a log does not name is neither flagged nor beside anybody.
            told["of"] += len({who for who in users if "attacker" not in who} - attackers)
            continue
        bad = {who for who in users if who in attackers or "attacker" in who}
        told["beside" if bad else "of"] += len(users - bad)
        told["flagged_beside" if bad else "flagged"] += len(users - bad) * (name in flagged)
    return told


def _findings(world: World, benign: pa.Table, log: pa.Table) -> list[Finding]:
    """Return what is found of a log by what was learned of benign traffic."""
    with tempfile.TemporaryDirectory() as folder:
        learned_from, judged = Path(folder) / "benign.parquet", Path(folder) / "log.parquet"
        pq.write_table(benign, learned_from)
        pq.write_table(log, judged)
        create_workspace(Path(folder) / "home")
        home = load_workspace(Path(folder) / "home")
        try:
            learned = build_baseline([learned_from], workspace=home, spec=SPEC, training_set=world.training).baseline
        except InputError:
            # Of a log in which nobody is named nothing can be learned.
            learned = None
        return scan_inference([judged], learned, workspace=home, spec=SPEC).findings


def _first(world: World, findings: Sequence[Finding]) -> dict[tuple[str, str], int]:
    """Return by detector and principal the queries that were sent up to the first finding that one of them raised."""
    number: dict[str, tuple[str, int]] = {}
    sent: dict[str, int] = {}
    for id_, who in zip(world.log["event_id"].to_pylist(), world.log["principal"].to_pylist(), strict=True):
        sent[who] = sent.get(who, 0) + 1
        number[id_] = (who, sent[who])
    first: dict[tuple[str, str], int] = {}
    for finding in findings:
        who, at = number[finding.trigger_event_id or ""]
        for name in (finding.detector, ANY):
            first[name, who] = min(at, first.get((name, who), at))
    return first


def _made_for(attack: str) -> list[str]:
    """Return the detectors that an attack emulates for, but for those that read enrichments: these logs have none."""
    return [
        name
        for name, detector in event_detectors().items()
        if attack in detector.emulations and not enrichments_of(detector)
    ]


def _whole(table: pa.Table, seed: int) -> pa.Table:
    return table


def _sampled(rate: float) -> Logged:
    def logged(table: pa.Table, seed: int) -> pa.Table:
        return table.filter(pa.array(np.random.default_rng(seed).random(table.num_rows) < rate))

    return logged


def _without(*columns: str) -> Logged:
    def logged(table: pa.Table, seed: int) -> pa.Table:
        for name in columns:
            place = table.schema.get_field_index(name)
            field = table.schema.field(place)
            table = table.set_column(place, field, pa.nulls(table.num_rows, field.type))
        return table

    return logged


def _addresses(table: pa.Table, seed: int) -> pa.Table:
    """Log an address for every few callers in place of the callers."""
    names = pc.unique(table["principal"]).to_pylist()
    place = np.random.default_rng(seed).permutation(len(names)) // SHARED
    address = {name: f"10.1.{at >> 8}.{at & 255}" for name, at in zip(names, place.tolist(), strict=True)}
    column = table.schema.get_field_index("source_ip")
    shared = pa.array([address[name] for name in table["principal"].to_pylist()], pa.string())
    return _without("principal", "session", "user_agent")(table.set_column(column, "source_ip", shared), seed)


def _sampled_name(rate: float) -> str:
    return f"sampled {rate:g}"


WAYS: Final[Mapping[str, Logged]] = {
    "whole": _whole,
    **{_sampled_name(rate): _sampled(rate) for rate in RATES},
    "addresses": _addresses,
    "nobody": _without("principal", "session", "source_ip", "user_agent"),
    "no scores": _without("scores"),
    "no inputs": _without("input", "input_shape", "input_digest"),
    "no labels": _without("label"),
}
QUICK: Final = ("whole", "sampled 0.1", "nobody", "no inputs")


def _table(rows: Sequence[Mapping[str, Any]], ways: Sequence[str]) -> list[dict[str, Any]]:
    table = []
    for way in ways:
        for detector in (ANY, *event_detectors()):
            mine = [row for row in rows if row["way"] == way and row["detector"] == detector]
            queries = [row["queries"] for row in mine if row["queries"] is not None]
            line = {"way": way, "detector": detector, "attacks": len(mine), "found": len(queries)}
            table.append(line | {"queries_median": statistics.median(queries) if queries else None})
    return table


def _figures(table: Sequence[dict[str, Any]], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for way in dict.fromkeys(line["way"] for line in table):
        name = way.replace(" ", "_")
        own = [line for line in table if line["way"] == way and line["detector"] != ANY]
        every = next(line for line in table if line["way"] == way and line["detector"] == ANY)
        figures[f"own_found_share_{name}"] = sum(line["found"] for line in own) / sum(line["attacks"] for line in own)
        figures[f"any_found_share_{name}"] = every["found"] / every["attacks"]
        calm = [row for row in rows if row["way"] == way and row["detector"] is None]
        # The worst seed and model, since there are far more sources of feedback than users of the other model.
        figures[f"benign_flagged_share_{name}"] = max(row["flagged"] / max(1, row["of"]) for row in calm)
        if beside := sum(row["beside"] for row in calm):
            figures[f"beside_attacker_flagged_share_{name}"] = sum(row["flagged_beside"] for row in calm) / beside
    return figures


def publish(table: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> None:
    """Write what a scan tells its user."""
    ways: dict[str, dict[str, list[Any]]] = {}
    for line in table:
        measured = [line["found"], line["attacks"], line["queries_median"]]
        ways.setdefault(line["way"], {})[line["detector"]] = measured
    PUBLISHED.write_text(json.dumps({"seeds": list(seeds), "ways": ways}, indent=1) + "\n")
