"""Labels moved to the next class: errors with a system, which a model learns as if they were true."""

from dataclasses import dataclass

import numpy as np

from caponier.emulate.images import CLASSES
from caponier.emulate.poison import LABEL_CORRUPTION, Poisoned, flip, victims
from caponier.emulate.victims.digits import Pool
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True, slots=True)
class PairFlips:
    """Flips labels of each class to one other class."""

    name: str = "pair_flips"
    description: str = "Gives a share of all rows the label of the class that follows theirs"
    techniques: tuple[TechniqueId, ...] = LABEL_CORRUPTION

    def apply(self, pool: Pool, share: float, seed: int) -> Poisoned:
        """Change the labels of a share of all rows."""
        rows = victims(pool, share, np.random.default_rng(seed))
        return flip(pool, rows, (pool.labels[rows] + 1) % CLASSES)


EMULATION = PairFlips()
