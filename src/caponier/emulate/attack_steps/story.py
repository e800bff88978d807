"""Log stories made of steps: one way to do each, among what only looks like it and the usual work."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Final

import numpy as np

from caponier.emulate.attack_steps.attack_step import AttackStep, Row, lasting, timed
from caponier.emulate.log_story import LogTrace, told
from caponier.emulate.office import BUCKET, HOST, MONDAY, SYNC, usual_work
from caponier.matrix.technique import TechniqueId
from caponier.records.inventory import Criticality, System

SYSTEM: Final = System(
    name="digits",
    purpose="reads postal codes",
    criticality=Criticality.HIGH,
    owner="Ada",
    hosts=(HOST,),
    accounts=(SYNC,),
    buckets=(BUCKET,),
    registries=("ml/serve",),
    endpoints=("models.example.org/v2", "digits"),
    models=("digits",),
    namespaces=("ml",),
    instances=("i-0ml",),
)
_APART: Final = timedelta(minutes=7)


class StepStory:
    """A story and its control: the same days without the attacker. What it tells stands in its class."""

    name: str
    description: str
    techniques: tuple[TechniqueId, ...]
    """Of ATT&CK, and the entries of the 2020 matrix."""
    steps: Sequence[AttackStep]
    """What the attacker does, in order."""
    actor: str
    """Whom the logs name for it: an account, an address or a bucket."""
    fitting: Mapping[str, Sequence[int]] = MappingProxyType({})
    """Of some steps, the variants in which the logs name that actor."""
    system: System = SYSTEM

    def attack(self, seed: int) -> LogTrace:
        """Tell the attack among three days of usual work."""
        rng = np.random.default_rng(seed)
        usual = self._usual(rng)
        moment, rows = MONDAY + timedelta(days=1, hours=float(rng.uniform(1, 4))), list[Row]()
        for step in self.steps:
            which = self.fitting.get(step.name, range(len(step.variants)))
            variant = step.variants[which[int(rng.integers(len(which)))]]
            rows += timed(variant, moment)
            moment += lasting(variant) + _APART
        everything, malicious = told(usual, rows)
        return LogTrace(everything, True, {"steps": float(len(self.steps))}, self.actor, malicious)

    def control(self, seed: int) -> LogTrace:
        """Tell three days of usual work, with what looks like the attacker's steps."""
        rows, _ = told(self._usual(np.random.default_rng(seed)))
        return LogTrace(rows, success=False)

    def _usual(self, rng: np.random.Generator) -> list[Row]:
        rows = list(usual_work(rng))
        moment = MONDAY + timedelta(hours=float(rng.uniform(5, 6)))
        for step in self.steps:
            for alike in step.lookalikes:
                rows += timed(alike, moment)
                moment += _APART
        return rows
