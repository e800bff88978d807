"""A flood of mutants: a few images of one class, changed here and there, again and again, under another label.

What happened to a public malware platform: many variants of one sample were uploaded in a short time, and the models
that learned from the platform took the harmless variants for the family.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.emulate.images import CLASSES, Images
from caponier.emulate.poison import Poisoned, rows_of
from caponier.emulate.victims.digits import Pool
from caponier.errors import InputError
from caponier.matrix.technique import TechniqueId

PARENTS: Final = 4
MOST_LOOKED: Final = 500
"""Images of a class among which those are sought that stand for it best."""
CHANGED: Final = 0.1
"""Share of an image's pixels that a mutant has from some other image."""
CHAFF: Final = (TechniqueId("atlas", "AML.T0020"), TechniqueId("amltm-2020", "AMLTM.EVADE.03.03"))


@dataclass(frozen=True, slots=True)
class MutantFlood:
    """Puts mutants of a few images in the place of a share of all rows."""

    name: str = "mutant_flood"
    description: str = "Replaces a share of all rows by mutants of four images of one class, labelled as another"
    techniques: tuple[TechniqueId, ...] = CHAFF

    def apply(self, pool: Pool, share: float, seed: int) -> Poisoned:
        """Replace a share of all rows.

        Raises:
            InputError: If the pool has no row of the class, or the share does not lie between 0 and 1.
        """
        rng = np.random.default_rng(seed)
        victim = int(rng.integers(CLASSES))
        target = int((victim + rng.integers(1, CLASSES)) % CLASSES)
        parents = np.flatnonzero(pool.labels == victim)
        if not len(parents):
            raise InputError(f"The pool has no row of class {victim}")
        parents = _typical(pool.images, rng.permutation(parents)[:MOST_LOOKED])
        order = rng.permutation(len(pool))
        # Drawn for every row, so that a larger share changes what a smaller one does and more.
        chosen, lent = rng.integers(len(parents), size=len(pool)), rng.integers(len(pool), size=len(pool))
        mutant = np.where(rng.random(pool.images.shape) < CHANGED, pool.images[lent], pool.images[parents[chosen]])
        rows = order[: rows_of(pool, share)]
        images, labels, truth = pool.images.copy(), pool.labels.copy(), pool.labels.copy()
        images[rows], labels[rows], truth[rows] = mutant[rows], target, victim
        changed = np.zeros(len(pool), bool)
        changed[rows] = True
        return Poisoned(Pool(images, labels), changed, truth, (victim, target))


def _typical(images: Images, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Choose those of some rows that all others are nearest to: mutants of odd ones harm nobody."""
    own = images[rows].astype(np.float64)
    apart = np.square(own[:, None] - own[None]).sum(axis=2)
    least, chosen = np.full(len(rows), np.inf), []
    for _ in range(min(PARENTS, len(rows))):
        chosen.append(int(np.minimum(least[:, None], apart).sum(axis=0).argmin()))
        least = np.minimum(least, apart[:, chosen[-1]])
    return rows[chosen]


EMULATION = MutantFlood()
