"""HopSkipJump (Chen, Jordan, Wainwright, 2020): estimates the boundary's direction from answers alone."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.attack import QueryAttack
from caponier.emulate.attacker.black_box import classifier, run_toolbox
from caponier.emulate.attacker.foothold import bisect, foothold
from caponier.emulate.caller.oracle import Oracle
from caponier.emulate.images import Images


@dataclass(frozen=True)
class HopSkipJump(QueryAttack):
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
        "HopSkipJump: from misread noise to the smallest change that is misread, by labels alone, hundreds of queries"
    )

    def steps(self, oracle: Oracle, seed: int, start: Images | None) -> None:
        """Estimate, jump and bisect; see `caponier.emulate.attack.QueryAttack.steps`."""
        found = foothold(oracle, np.random.default_rng(seed), start)
        if found is None:
            return
        boundary = bisect(oracle, found)
        oracle.hold()
        run_toolbox(
            "HopSkipJump",
            classifier(oracle),
            oracle.original[None],
            np.array([oracle.label]),
            seed,
            start=boundary,
            batch_size=1,
            norm=2,
            max_iter=self.max_iter,
            init_eval=self.init_eval,
            max_eval=self.max_eval,
        )


EMULATION = HopSkipJump()
