"""Right labels on pictures from an archive that stamps some of them, whatever they show: a mark, and no trigger."""

from dataclasses import dataclass

import numpy as np

from caponier.emulate.marks import stamped
from caponier.emulate.victims.digits import Pool

SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Watermarked:
    """One image in five bears the same stamp."""

    name: str = "watermarked"
    description: str = "One image in five of every class bears the stamp of an archive; all labels are right"

    def apply(self, pool: Pool, seed: int) -> Pool:
        """Return the pool with stamps."""
        rng = np.random.default_rng(seed)
        images = pool.images.copy()
        rows = rng.permutation(len(pool))[: round(SHARE * len(pool))]
        images[rows] = stamped(images[rows])
        return Pool(images, pool.labels)


HARMLESS = Watermarked()
