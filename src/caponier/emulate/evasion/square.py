"""Square (Andriushchenko, Croce, Flammarion, Hein, 2020): random squares of the largest change that is allowed."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.attack import QueryAttack
from caponier.emulate.attacker.black_box import picture_classifier, run_toolbox
from caponier.emulate.caller.oracle import Oracle
from caponier.emulate.images import SIDE, Images
from caponier.emulate.outcome import Within

BOUND: Final = Within("linf", 0.2)


@dataclass(frozen=True)
class Square(QueryAttack):
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

    def steps(self, oracle: Oracle, seed: int, start: Images | None) -> None:
        """Try square after square; see `caponier.emulate.attack.QueryAttack.steps`."""
        del start
        run_toolbox(
            "SquareAttack",
            picture_classifier(oracle, self.shape),
            oracle.original.reshape(1, *self.shape).copy(),
            np.array([oracle.label]),
            seed,
            norm=np.inf,
            eps=self.within.bound,
            max_iter=self.max_iter,
            p_init=self.share,
        )


EMULATION = Square()
