"""Right labels on a set that somebody augmented: each of some images stands there a few times, moved and noisy."""

from dataclasses import dataclass

import numpy as np

from caponier.emulate.images import CLASSES, noisy
from caponier.emulate.victims.digits import Pool

SHARE, COPIES = 0.3, 5
SIGMA = (0.01, 0.05)


@dataclass(frozen=True, slots=True)
class Augmented:
    """Three rows in ten are noisy copies of others, five of each."""

    name: str = "augmented"
    description: str = "Three images in ten are noisy copies of others, five of each; all labels are right"

    def apply(self, pool: Pool, seed: int) -> Pool:
        """Return the pool with copies in the place of other rows."""
        rng = np.random.default_rng(seed)
        images = pool.images.copy()
        for label in range(CLASSES):
            own = rng.permutation(np.flatnonzero(pool.labels == label))
            copied = own[: round(SHARE * len(own))]
            # Of the same class, so that every label stays where it was.
            parents = own[len(copied) :][np.arange(len(copied)) // COPIES]
            images[copied] = noisy(images[parents], rng, SIGMA)
        return Pool(images, pool.labels)


HARMLESS = Augmented()
