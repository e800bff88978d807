"""One simulated world for all tests: a victim, benign users to learn from, other users, and attackers among them."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caponier.app.build_baseline import BaselineReport, build_baseline
from caponier.app.scan_inference import ScanReport, scan_inference
from caponier.emulate.event_log import interleaved
from caponier.emulate.population import assemble, simulate
from caponier.emulate.registry import attacks
from caponier.emulate.trace import EPOCH, trace
from caponier.emulate.victims.digits import DigitsSplit, Victim, load_digits_split, train_victim
from caponier.records.alert_budget import AlertBudget

HORIZON = 50
USERS = 110
RUNS = 5
BOUND = AlertBudget(bound=0.02)


@dataclass(frozen=True)
class World:
    """Logs and a baseline; every user asks 55 different queries, more than one horizon of 50."""

    benign: Path
    users: Path
    """Other users than those of `benign`, a day later."""
    attacked: Path
    """The same users, with five runs of every attack among them."""
    baseline: BaselineReport
    baseline_file: Path
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
    attacked = interleaved([users, *runs])
    for name, table in {"benign": benign, "users": users, "attacked": attacked}.items():
        pq.write_table(table, folder / f"{name}.parquet")
    report = build_baseline([folder / "benign.parquet"], horizon=HORIZON)
    file = folder / "digits.safetensors"
    file.write_bytes(report.baseline.to_bytes())
    return World(
        folder / "benign.parquet", folder / "users.parquet", folder / "attacked.parquet", report, file, attacked
    )


@pytest.fixture(scope="session")
def attacked_scan(world: World) -> ScanReport:
    """The scan of users and attackers at a bound of 2 % for all detectors together."""
    return scan_inference([world.attacked], world.baseline.baseline, alert_budget=BOUND)
