"""The boundary attack (Brendel, Rauber, Bethge, 2018): a random walk along the boundary towards the original."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.attack import QueryAttack
from caponier.emulate.attacker.black_box import classifier, run_toolbox
from caponier.emulate.attacker.foothold import foothold
from caponier.emulate.caller.oracle import Oracle, Predict
from caponier.emulate.images import Images
from caponier.emulate.outcome import AttackOutcome
from caponier.errors import InputError


@dataclass(frozen=True)
class Boundary(QueryAttack):
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
        "Boundary attack: a random walk from noise that the model gets wrong towards the original, by labels alone"
    )

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
        return super().run(predict, original, label, seed=seed, budget=budget, start=start)

    def steps(self, oracle: Oracle, seed: int, start: Images | None) -> None:
        """Walk along the boundary; see `caponier.emulate.attack.QueryAttack.steps`."""
        found = foothold(oracle, np.random.default_rng(seed), start)
        if found is None:
            return
        oracle.hold()
        run_toolbox(
            "BoundaryAttack",
            classifier(oracle),
            oracle.original[None],
            np.array([oracle.label if self.target is None else self.target]),
            seed,
            start=found,
            batch_size=1,
            targeted=self.target is not None,
            delta=self.delta,
            epsilon=self.epsilon,
            max_iter=self.max_iter,
            sample_size=self.sample_size,
        )


EMULATION = Boundary()
