"""One simulated world for all tests: a victim, benign users to learn from, other users, and attackers among them."""

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from caponier.app.build_baseline import BaselineReport, build_baseline
from caponier.app.scan_inference import ScanReport, scan_inference
from caponier.app.workspace import create_workspace, load_workspace
from caponier.emulate.benign.owner_of_records import RECORDS
from caponier.emulate.event_log import interleaved
from caponier.emulate.images import Images
from caponier.emulate.population import assemble, simulate
from caponier.emulate.probe import Truth
from caponier.emulate.probe_trace import trace_probe
from caponier.emulate.registry import attacks, campaigns, newcomers, probes
from caponier.emulate.trace import EPOCH, trace, trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Victim, load_digits_split, train_victim
from caponier.emulate.visits import let_in, visitors
from caponier.records.alert_budget import AlertBudget
from caponier.records.inventory import FeatureSpec, Workspace

# pytest-xdist gives its workers a terminal of 80 columns; in a pipe there is none, and that is what users get there.
os.environ.pop("COLUMNS", None)

HORIZON = 50
USERS = 260
"""As many as it takes for a promise of a bound of 2 %, shared out among five detectors."""
RUNS = 5
FLOOD = 1_500
"""Queries of a flood; of everything else 150 are enough."""
BOUND = AlertBudget(bound=0.02)


@dataclass(frozen=True)
class World:
    """Logs and a baseline; every user asks 55 different queries, more than one horizon of 50."""

    benign: Path
    users: Path
    """Other users than those of `benign`, a day later."""
    attacked: Path
    """The same users, and among them five runs of every attack, campaign and probe, and harmless callers."""
    baseline: BaselineReport
    baseline_file: Path
    workspace: Workspace
    """Whose salt the sketch of the training set was made with."""
    training: Images
    """What the victims were trained on."""
    events: pa.Table
    """What `attacked` holds."""


@pytest.fixture(scope="session")
def digits() -> tuple[DigitsSplit, Victim]:
    split = load_digits_split(0)
    return split, train_victim(split.train, split.test, 0)


@pytest.fixture(scope="session")
def world(digits: tuple[DigitsSplit, Victim], tmp_path_factory: pytest.TempPathFactory) -> World:
    split, victim = digits
    folder = tmp_path_factory.mktemp("world")
    later = EPOCH + timedelta(days=1)
    benign = simulate(assemble(split.calibration.images, USERS, 1), victim.predict_proba, 55)
    users = simulate(assemble(split.test.images, USERS, 2), victim.predict_proba, 55, begin=later)
    prey = victim.understood(split.attackers)
    runs = [
        trace(attack, victim.predict_proba, prey.images[i], int(prey.labels[i]), seed=i, budget=150, begin=later).events
        for attack in attacks().values()
        for i in range(RUNS)
    ]
    # What customers own of the training set are the first images of their pools.
    training = [split.train.images, split.calibration.images[:RECORDS], split.test.images[:RECORDS]]
    for name, campaign in campaigns().items():
        for i in range(RUNS):
            stage = campaign.stage(split, i, victim)
            training.append(stage.training.images)
            budget = FLOOD if name == "flood" else 150
            runs.append(trace_campaign(campaign, stage, seed=i, budget=budget, begin=later).events)
    for probe in probes().values():
        told = (trace_probe(probe, victim.predict_proba, Truth.of(victim), seed=i, begin=later) for i in range(RUNS))
        runs += [done.events for done in told]
    callers = visitors(newcomers(), 3, 2)
    runs.append(let_in(callers, split.test.images, victim.predict_proba, requests=80, begin=later))
    # Whoever explores a server also asks for models that are not there.
    attacked = interleaved([users, *(run.filter(pc.equal(run["model"], "digits")) for run in runs)])
    for name, table in {"benign": benign, "users": users, "attacked": attacked}.items():
        pq.write_table(table, folder / f"{name}.parquet")
    create_workspace(folder / "workspace")
    workspace = load_workspace(folder / "workspace")
    assert workspace is not None
    report = build_baseline(
        [folder / "benign.parquet"],
        workspace=workspace,
        spec=FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0),
        horizon=HORIZON,
        training_set=np.concatenate(training),
    )
    file = folder / "digits.safetensors"
    file.write_bytes(report.baseline.to_bytes())
    return World(
        folder / "benign.parquet",
        folder / "users.parquet",
        folder / "attacked.parquet",
        report,
        file,
        workspace,
        np.concatenate(training),
        attacked,
    )


@pytest.fixture(scope="session")
def attacked_scan(world: World) -> ScanReport:
    """The scan of users and attackers at a bound of 2 % for all detectors together."""
    return scan_inference([world.attacked], world.baseline.baseline, workspace=world.workspace, alert_budget=BOUND)
