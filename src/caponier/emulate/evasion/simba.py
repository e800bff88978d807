"""SimBA (Guo, Gardner, You, Wilson, Weinberger, 2019): one pixel after the other, kept if the score falls."""

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import numpy as np

from caponier.emulate.attack import QueryAttack
from caponier.emulate.attacker.black_box import picture_classifier, run_toolbox
from caponier.emulate.caller.oracle import Oracle
from caponier.emulate.images import SIDE, Images
from caponier.emulate.outcome import Within

BOUND: Final = Within("l2", 2.0)


@dataclass(frozen=True)
class SimBA(QueryAttack):
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

    def steps(self, oracle: Oracle, seed: int, start: Images | None) -> None:
        """Try pixel after pixel, or wave after wave; see `caponier.emulate.attack.QueryAttack.steps`."""
        del start
        run_toolbox(
            "SimBA",
            picture_classifier(oracle, self.shape),
            oracle.original.reshape(1, *self.shape).copy(),
            np.eye(oracle.classes)[[oracle.label]],
            seed,
            attack=self.basis,
            epsilon=self.epsilon,
            max_iter=self.max_iter,
            freq_dim=self.shape[1],
        )


EMULATION = SimBA()
