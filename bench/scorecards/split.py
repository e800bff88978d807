"""One search shared out over many accounts, in the traffic of 300 benign users: when it is found, and who is named.

The seeds were never used while the detector was made.
"""

import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.machinery import traffic
from bench.machinery.measured import cpu_seconds, say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.load import load_events
from caponier.app.inference.plan import DetectionSettings, Diagnostics, plan_for
from caponier.app.inference.scan import scan_inference
from caponier.app.progress import Silent
from caponier.detect.calibration.baseline import Baseline
from caponier.emulate.controls.clients.flash_crowd import HABIT as FLASH_CROWD
from caponier.emulate.disguises.accounts import Splitting
from caponier.emulate.event_log import Answers, events, micros
from caponier.emulate.images import Images
from caponier.emulate.registry import attacks
from caponier.emulate.simulation.population import DAY_S, assemble, simulate
from caponier.emulate.simulation.trace import DEPLOYMENT, EPOCH, trace
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.engines.local import scan
from caponier.engines.spool import Spool
from caponier.records.accused import accused
from caponier.records.finding import Finding
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder
from caponier.telemetry.rejections import RejectedRows

SEEDS: Final = (101, 102, 103)
KINDS: Final = ("hop_skip_jump", "boundary")
ACCOUNTS: Final = (3, 10, 30)
EACH, USERS = 5, 300
NAME, ALONE = "distributed_query", "iterative_query"
SPEC: Final = FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)
COPIES, VIRAL, SOFT = 400, 5, 0.006
"""Copies of a few pictures that go round, each encoded anew: an error of less than a step of quantisation."""


@dataclass(frozen=True)
class _World:
    """What one seed's logs are scanned with."""

    seed: int
    split: DigitsSplit
    victim: Victim
    day: pa.Table
    """A day of benign users that the baseline does not know."""
    baseline: Baseline
    home: Path

    def findings(self, *tables: pa.Table) -> list[Finding]:
        """Return what a scan of these events finds."""
        log = self.home / "log.parquet"
        traffic.write_sorted(list(tables), log)
        return scan_inference([log], self.baseline).findings

    def shared(self, *tables: pa.Table) -> list[Finding]:
        """Return the findings about like queries of many callers."""
        return [finding for finding in self.findings(*tables) if finding.detector == NAME]


def run(quick: bool) -> Scorecard:
    """Split searches over accounts that ask as often as benign users do; quick: one seed, two attacks of a kind."""
    rows: list[dict[str, Any]] = []
    benign: list[dict[str, Any]] = []
    for seed in SEEDS[:1] if quick else SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            world = _world(seed, Path(folder))
            benign.append(_harmless(world))
            rows += _attacked(world, 2 if quick else EACH)
    figures = {
        **_by_kind(rows),
        "benign_findings_worst_seed": max(row["benign_findings"] for row in benign),
        **{f"{name}_findings": sum(row[name] for row in benign) for name in ("flash_crowd", "service_key", "viral")},
        "viral_on_the_boundary_findings": sum(row["viral_on_the_boundary"] for row in benign),
        "cells_events_per_cpu_second": min(row["events_per_cpu_second"] for row in benign),
    }
    goals = (
        Goal("flagged_share_10", 1.0, at_least=True),
        Goal("hop_skip_jump_10_times_unsplit_worst", 5, at_least=False),
        Goal("boundary_10_times_unsplit_worst", 5, at_least=False),
        Goal("benign_findings_worst_seed", 2, at_least=False),
        Goal("flash_crowd_findings", 0, at_least=False),
        Goal("service_key_findings", 0, at_least=False),
    )
    about = (
        f"A baseline of {USERS} benign users, then a day of {USERS} others with 200 different queries each, and "
        "searches among them whose accounts ask 200 queries a day each. Queries to the alarm are all that the attack "
        f"had sent; they are held against what {ALONE} takes for the same search from one account."
    )
    return Scorecard("split", about, figures, goals, SEEDS[:1] if quick else SEEDS, [*rows, *benign])


def _world(seed: int, home: Path) -> _World:
    say(f"seed {seed}: baseline")
    split, victim = traffic.world(seed)
    log = home / "benign.parquet"
    traffic.write_sorted([traffic.calibration(split, victim, seed, USERS)], log)
    baseline = build_baseline([log], spec=SPEC).baseline
    day = simulate(assemble(split.test.images, USERS, seed + 1_000), victim.predict_proba, traffic.UNIQUE)
    return _World(seed, split, victim, day, baseline, home)


def _attacked(world: _World, each: int) -> list[dict[str, Any]]:
    """Return a row for each attack and number of accounts; a day sees one search of each kind."""
    rows = []
    for accounts in (1, *ACCOUNTS):
        say(f"seed {world.seed}: {accounts} accounts")
        for turn in range(each):
            runs = {kind: _search(world, kind, turn, accounts) for kind in KINDS}
            found = world.findings(world.day, *(log for _, log in runs.values()))
            names = {who for _, log in runs.values() for who in log["principal"].to_pylist()}
            rows += [
                {"kind": kind, "turn": turn, "seed": world.seed, "accounts": accounts, "success": success}
                | _noticed(log, found, names, ALONE if accounts == 1 else NAME)
                for kind, (success, log) in runs.items()
            ]
    return rows


def _search(world: _World, kind: str, turn: int, accounts: int) -> tuple[bool, pa.Table]:
    originals, rng = world.victim.understood(world.split.attackers), np.random.default_rng((world.seed, turn, accounts))
    found = trace(
        attacks()[kind],
        world.victim.predict_proba,
        originals.images[turn],
        int(originals.labels[turn]),
        seed=world.seed * 100 + turn,
        principal=f"attacker-{kind}-{turn}-of-{accounts}",
        accounts=accounts,
        disguise=Splitting,
        begin=EPOCH + timedelta(seconds=float(rng.uniform(0, DAY_S / 8))),
        gap_s=DAY_S / (traffic.UNIQUE * accounts),
    )
    asked = found.events
    end = pa.scalar(EPOCH + timedelta(seconds=DAY_S), asked.schema.field("time").type)
    # What would be asked on other days, without benign users, would not be a fair rate.
    return found.outcome.success, asked if accounts == 1 else asked.filter(pc.less(asked["time"], end))


def _noticed(log: pa.Table, findings: Sequence[Finding], attackers: set[str], detector: str) -> dict[str, Any]:
    """Return how many queries an attack had sent when it was found, and whom its findings name."""
    own = set(log["principal"].to_pylist())
    about = [finding for finding in findings if finding.detector == detector and own & accused(finding)]
    if not about:
        return {"flagged": False}
    first = min(about, key=lambda finding: finding.last_time)
    ids, sent = set(first.event_ids), log["event_id"].to_pylist()
    named = frozenset().union(*(accused(finding) for finding in about))
    return {
        "flagged": True,
        "queries": max(at for at, id_ in enumerate(sent, 1) if id_ in ids),
        "named_at_first": len(own & accused(first)) / len(own),
        "named_in_all": len(own & named) / len(own),
        "wrongly_named": len(named - attackers),
        "findings": len(about),
    }


def _by_kind(rows: list[dict[str, Any]]) -> dict[str, Any]:
    alone = {(row["seed"], row["kind"], row["turn"]): row.get("queries") for row in rows if row["accounts"] == 1}
    figures: dict[str, Any] = {"attacks_succeeded_share": statistics.mean(row["success"] for row in rows)}
    for accounts in ACCOUNTS:
        mine = [row for row in rows if row["accounts"] == accounts]
        figures[f"flagged_share_{accounts}"] = statistics.mean(row["flagged"] for row in mine)
        for kind in KINDS:
            seen = [row for row in mine if row["kind"] == kind and row["flagged"]]
            queries = [row["queries"] for row in seen]
            figures[f"{kind}_{accounts}_queries_median"] = statistics.median(queries) if queries else None
            figures[f"{kind}_{accounts}_queries_most"] = max(queries, default=None)
            usual = [before for row in seen if (before := alone[row["seed"], kind, row["turn"]])]
            times = [row["queries"] / alone[row["seed"], kind, row["turn"]] for row in seen] if usual else []
            figures[f"{kind}_{accounts}_times_unsplit_worst"] = round(max(times), 2) if times else None
        seen = [row for row in mine if row["flagged"]]
        for name in ("named_at_first", "named_in_all"):
            figures[f"{name}_{accounts}"] = round(statistics.mean(row[name] for row in seen), 3) if seen else None
        figures[f"wrongly_named_{accounts}"] = sum(row["wrongly_named"] for row in seen)
    return figures


def _harmless(world: _World) -> dict[str, Any]:
    """Count findings where nobody attacks."""
    say(f"seed {world.seed}: benign days")
    key = pa.array(["one-service"] * world.day.num_rows, world.day.schema.field("principal").type)
    one_key = world.day.set_column(world.day.schema.get_field_index("principal"), "principal", key)
    pictures = world.split.test.images
    crowd = assemble(pictures[:VIRAL], USERS, world.seed + 2_000, {"flash_crowd": FLASH_CROWD})
    flash = simulate(crowd, world.victim.predict_proba, 12, begin=EPOCH + timedelta(hours=3), span_s=600)
    margin = np.diff(np.sort(world.victim.predict_proba(pictures), axis=1)[:, -2:]).ravel()
    return {
        "seed": world.seed,
        "benign_findings": len(world.shared(world.day)),
        "service_key": len(world.shared(one_key)),
        "flash_crowd": len(world.shared(world.day, flash, _later(flash))),
        "viral": len(world.shared(world.day, _copies(world, pictures[:VIRAL]))),
        "viral_on_the_boundary": len(world.shared(world.day, _copies(world, pictures[np.argsort(margin)[:VIRAL]]))),
        "events_per_cpu_second": _speed(world),
    }


def _later(asked: pa.Table) -> pa.Table:
    """Return the same queries, byte for byte, from the same people a minute later."""
    at = asked.schema.get_field_index("time")
    return asked.set_column(at, asked.schema.field(at), pc.add(asked["time"], pa.scalar(timedelta(minutes=1))))


def _copies(world: _World, pictures: Images) -> pa.Table:
    """Return copies of a few pictures, each encoded anew and sent by one of 200 people within an hour."""
    rng = np.random.default_rng((world.seed, 7))
    sent = pictures[rng.integers(len(pictures), size=COPIES)]
    rows = np.clip(sent + rng.normal(0, SOFT, sent.shape), 0, 1).astype(np.float32)
    who = [f"viral-{number}" for number in rng.integers(0, 200, COPIES)]
    answers = Answers(
        time=micros(EPOCH + timedelta(hours=5)) + np.sort(rng.integers(0, 3_600_000_000, COPIES)),
        input=rows,
        scores=world.victim.predict_proba(rows),
        principal=who,
        request_id=[f"{name}/{at}" for at, name in enumerate(who)],
        source_ip=["198.51.100.4"] * COPIES,
        latency_ms=rng.lognormal(0.7, 0.3, COPIES),
    )
    return events(answers, DEPLOYMENT)


def _speed(world: _World) -> int:
    """Return events a CPU second of the pass over cells alone, reading from the spool included."""
    log = world.home / "speed.parquet"
    pq.write_table(world.day, log)
    section = world.baseline.models[0]
    terms = DetectionSettings.of(None, world.baseline)
    detectors = [detector for detector in terms.detectors if detector.name == NAME]
    encoder = Encoder(section.spec, section.knots)
    case = plan_for(Diagnostics(), section.model, section.version, encoder, detectors, terms)
    assert case is not None
    with Spool() as spool:
        load_events(spool, [log], RejectedRows(), Silent(), salt=b"")
        cells = next(part for part in case.plan.parts() if part.lines)
        began = cpu_seconds()
        scan(spool, [cells])
        return int(world.day.num_rows / (cpu_seconds() - began))
