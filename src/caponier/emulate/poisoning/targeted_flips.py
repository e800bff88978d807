"""Labels of one class moved to another: the model is to mistake just that, and be good at all else."""

from dataclasses import dataclass

import numpy as np

from caponier.emulate.images import CLASSES
from caponier.emulate.poison import LABEL_CORRUPTION, Poisoned, flip, rows_of
from caponier.emulate.victims.digits import Pool
from caponier.errors import InputError
from caponier.matrix.technique import TechniqueId

MOST = 0.45
"""Share of the class that is flipped at most: beyond half of it, what the class is called is a matter of taste."""


@dataclass(frozen=True, slots=True)
class TargetedFlips:
    """Flips labels of one class to one other class."""

    name: str = "targeted_flips"
    description: str = "Gives rows of one class the label of another; the share is of all rows"
    techniques: tuple[TechniqueId, ...] = LABEL_CORRUPTION

    def apply(self, pool: Pool, share: float, seed: int) -> Poisoned:
        """Change labels of one class, as many as a share of all rows but at most 45 % of the class.

        Raises:
            InputError: If the pool has no row of the class, or the share does not lie between 0 and 1.
        """
        wanted = rows_of(pool, share)
        rng = np.random.default_rng(seed)
        victim = int(rng.integers(CLASSES))
        target = int((victim + rng.integers(1, CLASSES)) % CLASSES)
        own = np.flatnonzero(pool.labels == victim)
        if not len(own):
            raise InputError(f"The pool has no row of class {victim}")
        count = min(wanted, int(MOST * len(own)))
        rows = rng.permutation(own)[:count]
        return flip(pool, rows, np.full(len(rows), target, np.int64), (victim, target))


EMULATION = TargetedFlips()
