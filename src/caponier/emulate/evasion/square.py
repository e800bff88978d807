"""Square (Andriushchenko, Croce, Flammarion, Hein, 2020): random squares of the largest change that is allowed."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.attack import carry_out, refuse_start
from caponier.emulate.attacker.black_box import evasion, picture_classifier, seeded
from caponier.emulate.caller.oracle import Oracle, Predict
from caponier.emulate.images import SIDE, Images
from caponier.emulate.outcome import AttackOutcome, Within
from caponier.matrix.technique import TechniqueId

BOUND: Final = Within("linf", 0.2)


@dataclass(frozen=True)
class Square:
    """The square attack in L-infinity, untargeted, on one image.

    Args:
        max_iter: Squares that are tried; they shrink on the way.
        share: Share of the picture that the first square covers.
        budget: Most queries.
        within: Success is an image that is misread within this bound, which is also what every pixel is moved by.
        shape: Height, width and channels of the image.
    """

    max_iter: int = 500
    share: float = 0.8
    budget: int = 600
    within: Within = BOUND
    shape: tuple[int, int, int] = (SIDE, SIDE, 1)

    name: ClassVar[str] = "square"
    description: ClassVar[str] = (
        "Square: stripes, then random squares of the largest change allowed, kept if the margin falls, from scores"
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
            attack = evasion().SquareAttack(
                picture_classifier(oracle, self.shape),
                norm=np.inf,
                eps=self.within.bound,
                max_iter=self.max_iter,
                p_init=self.share,
                verbose=False,
            )
            with seeded(seed):
                attack.generate(original.reshape(1, *self.shape).copy(), np.array([label]))

        oracle = Oracle(predict, original, label, self.budget if budget is None else budget, within=self.within)
        return carry_out(self, oracle, steps)


EMULATION = Square()
