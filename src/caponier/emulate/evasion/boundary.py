"""The boundary attack (Brendel, Rauber, Bethge, 2018): a random walk along the boundary towards the original."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.attack import carry_out
from caponier.emulate.attacker.black_box import classifier, evasion, seeded
from caponier.emulate.attacker.foothold import foothold
from caponier.emulate.caller.oracle import Oracle, Predict
from caponier.emulate.images import Images
from caponier.emulate.outcome import AttackOutcome
from caponier.errors import InputError
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class Boundary:
    """The boundary attack in L2 on one image.

    Args:
        target: Class that the model is to answer; any wrong one by default. A target asks for a starting image of
            that class, as noise is hardly ever read as a chosen one.
        max_iter: Steps along the boundary.
        delta: First size of a sideways step, as a share of the distance.
        epsilon: First size of a step towards the original, as a share of the distance.
        sample_size: Sideways steps tried at a time.
        budget: Most queries altogether.
    """

    target: int | None = None
    max_iter: int = 200
    delta: float = 0.1
    epsilon: float = 0.1
    sample_size: int = 8
    budget: int = 1500

    name: ClassVar[str] = "boundary"
    description: ClassVar[str] = (
        "Boundary attack: a random walk from noise that is misread towards the original, by labels alone"
    )
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0043.001"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"),
    )
    within: ClassVar[None] = None

    def run(
        self,
        predict: Predict,
        original: Images,
        label: int,
        *,
        seed: int,
        budget: int | None = None,
        start: Images | None = None,
    ) -> AttackOutcome:
        """Attack one image; see `caponier.emulate.attack.Attack.run`."""
        if self.target is not None and start is None:
            raise InputError("A targeted boundary attack needs an image of the target class to start from")

        def steps(oracle: Oracle) -> None:
            found = foothold(oracle, np.random.default_rng(seed), start)
            if found is not None:
                self._walk(oracle, found, seed)

        oracle = Oracle(predict, original, label, self.budget if budget is None else budget, self.target)
        return carry_out(self, oracle, steps)

    def _walk(self, oracle: Oracle, found: Images, seed: int) -> None:
        oracle.hold()
        attack = evasion().BoundaryAttack(
            classifier(oracle),
            batch_size=1,
            targeted=self.target is not None,
            delta=self.delta,
            epsilon=self.epsilon,
            max_iter=self.max_iter,
            sample_size=self.sample_size,
            verbose=False,
        )
        aim = oracle.label if self.target is None else self.target
        with seeded(seed):
            attack.generate(oracle.original[None], np.array([aim]), x_adv_init=found[None])


EMULATION = Boundary()
