"""Traffic for scorecards: benign users of a digits model with their habits, and attacks among them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from caponier.emulate.controls.clients.owner_of_records import RECORDS
from caponier.emulate.images import Images, shots
from caponier.emulate.registry import attacks, campaigns
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.simulation.trace import trace, trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Kind, Victim, load_digits_split, train_victim
from caponier.records.event import EVENT_SCHEMA

UNIQUE = 200
"""Different queries of each benign user."""


def world(seed: int, kind: Kind = "mlp") -> tuple[DigitsSplit, Victim]:
    """Return disjoint pools of images and a victim trained on the first of them."""
    split = load_digits_split(seed)
    return split, train_victim(split.train, split.test, seed, kind)


def calibration(split: DigitsSplit, victim: Victim, seed: int, users: int = 300) -> pa.Table:
    """Return benign traffic to build a baseline on."""
    return simulate(assemble(split.calibration.images, users, seed), victim.predict_proba, UNIQUE)


@dataclass(frozen=True)
class Run:
    """One attack, carried out in process."""

    name: str
    principal: str
    success: bool
    """By the attack's own measure."""
    events: pa.Table


def attacks_on(split: DigitsSplit, victim: Victim, seed: int, each: int) -> tuple[list[Run], Images]:
    """Carry out attacks of every kind; return them, and the rows that the attacked models were trained on."""
    targets = victim.understood(split.attackers)
    runs = []
    # What customers own of the training set are the first images of their pools.
    training = [split.train.images, split.calibration.images[:RECORDS], split.test.images[:RECORDS]]
    for turn in range(each):
        for name, attack in attacks().items():
            if attack.accounts > 1:
                continue
            who, number = f"attacker-{name}-{turn}", seed * 100 + turn
            image, label = targets.images[turn], int(targets.labels[turn])
            found = trace(attack, victim.predict_proba, image, label, seed=number, principal=who)
            runs.append(Run(name, who, found.outcome.success, found.events))
        for name, campaign in campaigns().items():
            who, number = f"attacker-{name}-{turn}", seed * 100 + turn
            stage = campaign.stage(split, number, victim)
            training.append(stage.training.images)
            done = trace_campaign(campaign, stage, seed=number, principal=who)
            runs.append(Run(name, who, done.outcome.success, done.events))
    return runs, np.concatenate(training)


def write_sorted(tables: list[pa.Table], path: Path) -> None:
    """Write one log in order of time."""
    pq.write_table(pa.concat_tables(tables).sort_by("time"), path)


def write_benign_log(path: Path, events: int, features: int = 64, each: int = 200, seed: int = 0) -> None:
    """Write a log of any length: users with `each` photos of digits, interleaved as they come.

    Chunks are written one by one, so that making the log takes no more memory than reading it.
    """
    split, victim = world(seed)
    rng = np.random.default_rng(seed)
    users = max(1, events // each)
    schema = pa.schema([EVENT_SCHEMA.field(n) for n in ("time", "model", "operation", "principal", "input", "label")])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, events, 100_000):
            n = min(100_000, events - start)
            images = shots(split.test.images[rng.integers(0, len(split.test.images), n)], rng)
            # Each user comes round once in `users` events, so that all of them ask as much.
            who = [f"user-{user:07d}" for user in np.arange(start, start + n) % users]
            columns = [
                pa.array(1_767_571_200_000_000 + np.arange(start, start + n) * 10_000, schema.field("time").type),
                pa.array(["digits"] * n),
                pa.array(["predict"] * n),
                pa.array(who),
                pa.ListArray.from_arrays(np.arange(0, n * features + 1, features, dtype=np.int32), images.ravel()),
                pa.array(victim.answers(images).astype(str)),
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))
