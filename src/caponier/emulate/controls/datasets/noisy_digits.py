"""Right labels on images from a bad camera: hard to read, and nobody's fault."""

from dataclasses import dataclass

import numpy as np

from caponier.emulate.images import noisy
from caponier.emulate.victims.digits import Pool

SHARE = 0.3
SIGMA = (0.2, 0.35)


@dataclass(frozen=True, slots=True)
class NoisyDigits:
    """Heavy sensor noise on three images in ten."""

    name: str = "noisy_digits"
    description: str = "Three images in ten are very noisy; all labels are right"

    def apply(self, pool: Pool, seed: int) -> Pool:
        """Return the pool with noise."""
        rng = np.random.default_rng(seed)
        images = pool.images.copy()
        rows = rng.permutation(len(pool))[: round(SHARE * len(pool))]
        images[rows] = noisy(images[rows], rng, SIGMA)
        return Pool(images, pool.labels)


HARMLESS = NoisyDigits()
