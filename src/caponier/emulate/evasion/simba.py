"""SimBA (Guo, Gardner, You, Wilson, Weinberger, 2019): one pixel after the other, kept if the score falls."""

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import numpy as np

from caponier.emulate.attack import carry_out, refuse_start
from caponier.emulate.attacker.black_box import evasion, picture_classifier, seeded
from caponier.emulate.caller.oracle import Oracle, Predict
from caponier.emulate.images import SIDE, Images
from caponier.emulate.outcome import AttackOutcome, Within
from caponier.matrix.technique import TechniqueId

BOUND: Final = Within("l2", 2.0)


@dataclass(frozen=True)
class SimBA:
    """SimBA, untargeted, on one image.

    Args:
        epsilon: How much is changed at a time (L2).
        basis: What is changed at a time: `px`, one pixel, or `dct`, one wave over the whole picture.
        max_iter: Pixels or waves that are tried, both ways.
        budget: Most queries.
        within: Success is an image that is misread within this bound.
        shape: Height, width and channels of the image; a record of n numbers is (1, n, 1).
    """

    epsilon: float = 0.2
    basis: Literal["px", "dct"] = "px"
    max_iter: int = 500
    budget: int = 1000
    within: Within = BOUND
    shape: tuple[int, int, int] = (SIDE, SIDE, 1)

    name: ClassVar[str] = "simba"
    description: ClassVar[str] = (
        "SimBA: lightens and darkens one pixel after the other and keeps what lowers the score, from scores"
    )
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0043.001"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"),
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
        refuse_start(self, start)

        def steps(oracle: Oracle) -> None:
            attack = evasion().SimBA(
                picture_classifier(oracle, self.shape),
                attack=self.basis,
                epsilon=self.epsilon,
                max_iter=self.max_iter,
                freq_dim=self.shape[1],
                verbose=False,
            )
            with seeded(seed):
                attack.generate(original.reshape(1, *self.shape).copy(), np.eye(oracle.classes)[[label]])

        oracle = Oracle(predict, original, label, self.budget if budget is None else budget, within=self.within)
        return carry_out(self, oracle, steps)


EMULATION = SimBA()
