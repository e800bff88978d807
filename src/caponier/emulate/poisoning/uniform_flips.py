"""Labels flipped at random, as a careless or bribed annotator would."""

from dataclasses import dataclass

import numpy as np

from caponier.emulate.poison import LABEL_CORRUPTION, Poisoned, flip, others, victims
from caponier.emulate.victims.digits import Pool
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True, slots=True)
class UniformFlips:
    """Flips labels to any other class."""

    name: str = "uniform_flips"
    description: str = "Gives a share of all rows any other label"
    techniques: tuple[TechniqueId, ...] = LABEL_CORRUPTION

    def apply(self, pool: Pool, share: float, seed: int) -> Poisoned:
        """Change the labels of a share of all rows."""
        rng = np.random.default_rng(seed)
        rows = victims(pool, share, rng)
        return flip(pool, rows, others(pool.labels[rows], rng))


EMULATION = UniformFlips()
