"""HopSkipJump (Chen, Jordan, Wainwright, 2020): estimates the boundary's direction from answers alone."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.attack import carry_out
from caponier.emulate.attacker.black_box import classifier, evasion, seeded
from caponier.emulate.attacker.foothold import bisect, foothold
from caponier.emulate.caller.oracle import Oracle, Predict
from caponier.emulate.images import Images
from caponier.emulate.outcome import AttackOutcome
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class HopSkipJump:
    """HopSkipJump in L2, untargeted, on one image.

    Args:
        max_iter: Rounds of estimating, jumping and bisecting.
        init_eval: Queries of the first estimate; the i-th takes sqrt(i) times as many.
        max_eval: Most queries of one estimate.
        budget: Most queries altogether.

    With the defaults, 94 of 100 digits end at half of the first boundary point's distance or nearer, and more queries
    hardly change that: the noise of the others had met the boundary next to its nearest point already.
    """

    max_iter: int = 10
    init_eval: int = 40
    max_eval: int = 80
    budget: int = 1200

    name: ClassVar[str] = "hop_skip_jump"
    description: ClassVar[str] = (
        "HopSkipJump: from noise that is misread to the least change that is, by labels alone, a few hundred queries"
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

        def steps(oracle: Oracle) -> None:
            found = foothold(oracle, np.random.default_rng(seed), start)
            if found is not None:
                self._improve(oracle, bisect(oracle, found), seed)

        oracle = Oracle(predict, original, label, self.budget if budget is None else budget)
        return carry_out(self, oracle, steps)

    def _improve(self, oracle: Oracle, boundary: Images, seed: int) -> None:
        oracle.hold()
        attack = evasion().HopSkipJump(
            classifier(oracle),
            batch_size=1,
            norm=2,
            max_iter=self.max_iter,
            init_eval=self.init_eval,
            max_eval=self.max_eval,
            verbose=False,
        )
        with seeded(seed):
            attack.generate(oracle.original[None], np.array([oracle.label]), x_adv_init=boundary[None])


EMULATION = HopSkipJump()
