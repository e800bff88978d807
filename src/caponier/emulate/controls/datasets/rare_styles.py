"""Right labels on a style that few writers have: slanted, faint, off the middle."""

from dataclasses import dataclass

import numpy as np

from caponier.emulate.images import warped
from caponier.emulate.victims.digits import Pool

SHARE = 0.1


@dataclass(frozen=True, slots=True)
class RareStyles:
    """One image in ten is turned by 15 to 25 degrees, moved by up to a pixel and faint."""

    name: str = "rare_styles"
    description: str = "One image in ten is slanted, moved and faint; all labels are right"

    def apply(self, pool: Pool, seed: int) -> Pool:
        """Return the pool with the rare style."""
        rng = np.random.default_rng(seed)
        images = pool.images.copy()
        rows = rng.permutation(len(pool))[: round(SHARE * len(pool))]
        angles = (rng.uniform(0.26, 0.44, len(rows)) * rng.choice([-1, 1], len(rows))).astype(np.float32)
        moves = rng.uniform(-1, 1, (len(rows), 2)).astype(np.float32)
        light = rng.uniform(0.4, 0.6, len(rows)).astype(np.float32)
        images[rows] = warped(images[rows], angles, moves, light)
        return Pool(images, pool.labels)


HARMLESS = RareStyles()
