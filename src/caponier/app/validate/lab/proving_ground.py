"""What a validation is carried out on: a model, benign users to learn from, and a baseline; built once a seed."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.enrich import enrich_events
from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.app.workspace.workspace import create_workspace, load_workspace, read_salt
from caponier.detect.calibration.baseline import Baseline
from caponier.detect.calibration.judging import ALPHA
from caponier.emulate.controls.clients.owner_of_records import RECORDS
from caponier.emulate.event_log import Deployment
from caponier.emulate.images import Images
from caponier.emulate.registry import habits, newcomers
from caponier.emulate.simulation.population import Population, assemble, simulate
from caponier.emulate.simulation.visits import Visitor, let_in, visitors
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim, load_digits_split, train_victim
from caponier.emulate.victims.variable_cost import billed
from caponier.errors import CaponierError
from caponier.formats.one_thread import one_thread
from caponier.records.inventory import FeatureSpec, ModelSpec, Workspace

MAIN: Final = "digits-mlp"
SPEC: Final = FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)
TEST_SEED_OFFSET: Final = 1_000
"""Added to the seed of the users who are controls, so that none of them is one of those who were learned from."""

BEYOND: Final = 50
"""Requests by which a caller who does not only predict goes beyond the queries of the others: not all are events of
the model."""


@dataclass(frozen=True)
class Scale:
    """How much is done.

    Args:
        seeds: Each is a world of its own: other images, another model, other users, other attacks.
        users: Benign users that a baseline is built from.
        queries: Different rows that each benign user asks for.
        look_alikes: Users with each habit, and callers of each kind, that are controls.
        alpha: Share of benign callers that may be flagged, all detectors over events together.
    """

    seeds: tuple[int, ...] = (0, 1, 2)
    users: int = 306
    queries: int = 200
    look_alikes: int = 4
    alpha: float = ALPHA


@dataclass(frozen=True, eq=False)
class Target:
    """A model under attack, and what its benign traffic looks like."""

    deployment: Deployment
    victim: Victim
    baseline: Baseline
    notes: tuple[str, ...]


class ProvingGround:
    """One seed's world; nothing of it is made before it is asked for.

    Args:
        folder: An empty folder for logs and data sets; whoever made it removes it.
        seed: Fixes images, model, users and attacks.
        scale: How much is done.
        enrichments: Names of those that logs are enriched with before they are looked at.
    """

    def __init__(self, folder: Path, seed: int, scale: Scale, enrichments: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.seed = seed
        self.scale = scale
        self.enrichments = enrichments

    @cached_property
    def split(self) -> DigitsSplit:
        """The images, in pools that never meet."""
        return load_digits_split(self.seed)

    @cached_property
    def victim(self) -> Victim:
        """The model that attacks get if they bring none of their own."""
        with one_thread():
            return train_victim(self.split.train, self.split.test, self.seed)

    @cached_property
    def workspace(self) -> Workspace:
        """A workspace with a salt and every detector switched on."""
        create_workspace(self.folder / "workspace")
        made = load_workspace(self.folder / "workspace")
        if made is None:
            raise CaponierError("the workspace that was just written is not there", where=str(self.folder))
        detect = made.detect.model_copy(update={"alpha": self.scale.alpha})
        # Never the store that the environment may name: nothing of this is to be taken for a real finding.
        return made.model_copy(update={"detect": detect, "store": self._store("validation")})

    @property
    def salt(self) -> bytes:
        """The workspace's salt."""
        return read_salt(self.workspace)

    def target(self, name: str, victim: Victim, training: Images) -> Target:
        """Learn the benign traffic of a model.

        Args:
            name: What its events call it.
            victim: The model.
            training: Rows (n, 64) that it learned from.
        """
        deployment = Deployment(name, "1", "digits")
        users = assemble(self.split.calibration.images, self.scale.users, self.seed)
        log = self._enriched(self.write(_benign(name), self._asked(users, victim, deployment)), deployment, victim)
        report = build_baseline([log], workspace=self.workspace, spec=SPEC, training_set=training)
        return Target(deployment, victim, report.baseline, tuple(report.notes))

    def home(self, target: Target) -> Workspace:
        """Return a workspace that knows one model and its baseline, for a guard before it."""
        name = target.deployment.model
        file = self.folder / f"{name}.safetensors"
        file.write_bytes(target.baseline.to_bytes())
        model = ModelSpec(name=name, features=SPEC, baseline=file)
        own = {"models": (model,), "lake": str(self.folder / f"lake-{name}"), "store": self._store(name)}
        return self.workspace.model_copy(update=own)

    def _store(self, name: str) -> str:
        return f"sqlite:///{self.folder / f'{name}.db'}"

    def look_alikes(self, target: Target, names: list[str]) -> tuple[Population, Path]:
        """Let users with some habits ask a model, in process and at their own pace.

        Returns:
            The users, and their log.
        """
        known = habits()
        chosen = {name: known[name] for name in names}
        users = assemble(
            self.split.test.images, len(chosen) * self.scale.look_alikes, self.seed + TEST_SEED_OFFSET, habits=chosen
        )
        asked = self._asked(users, target.victim, target.deployment)
        return users, self.write(f"{target.deployment.model}-controls.parquet", asked)

    def callers(self, target: Target, names: list[str]) -> tuple[tuple[Visitor, ...], Path]:
        """Let harmless callers of some kinds, who do not only predict, ask a model in process.

        Returns:
            The callers, and their log.
        """
        known = newcomers()
        who = visitors({name: known[name] for name in names}, self.scale.look_alikes, self.seed + TEST_SEED_OFFSET)
        with one_thread():
            asked = let_in(
                who,
                self.split.test.images,
                target.victim.predict_proba,
                requests=self.scale.queries + BEYOND,
                deployment=target.deployment,
            )
        return who, self.write(f"{target.deployment.model}-callers.parquet", asked)

    def _asked(self, users: Population, victim: Victim, deployment: Deployment) -> pa.Table:
        with one_thread():
            return simulate(users, victim.predict_proba, self.scale.queries, deployment=deployment)

    def write(self, name: str, events: pa.Table) -> Path:
        """Write a log into the folder, with what each answer cost."""
        path = self.folder / name
        pq.write_table(billed(events), path)
        return path

    def scan(self, log: Path, target: Target) -> ScanReport:
        """Enrich and scan a log as a user would."""
        with one_thread():
            enriched = self._enriched(log, target.deployment, target.victim)
            return scan_inference([enriched], target.baseline, workspace=self.workspace)

    def _enriched(self, log: Path, deployment: Deployment, victim: Victim) -> Path:
        """Ask the victim about the inputs in a log, as far as a detector under validation takes that."""
        if not self.enrichments:
            return log
        out, benign = log.with_suffix(".enriched.parquet"), [self.folder / _benign(deployment.model)]
        enrich_events(
            [log], out, victim.predict_proba, deployment.model, names=self.enrichments, benign=benign, spec=SPEC
        )
        return out


def _benign(model: str) -> str:
    """Name the log of a model's benign traffic."""
    return f"{model}-benign.parquet"


def with_owners(split: DigitsSplit, learned: int) -> DigitsSplit:
    """Put records that benign users own into the first `learned` rows of the training pool, after half of its own.

    They are what `owner_of_records` asks for: without it, its users would own nothing that the model was trained on.
    """
    train, half = split.train, learned - 2 * RECORDS
    parts = [
        Pool(train.images[:half], train.labels[:half]),
        Pool(split.calibration.images[:RECORDS], split.calibration.labels[:RECORDS]),
        Pool(split.test.images[:RECORDS], split.test.labels[:RECORDS]),
        Pool(train.images[half:], train.labels[half:]),
    ]
    images, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "labels"))
    return replace(split, train=Pool(images, labels))
