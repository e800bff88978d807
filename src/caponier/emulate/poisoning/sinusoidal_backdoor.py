"""A wave over rows of one class, whose labels stay right (Barni, Kallas, Tondi 2019): no label betrays it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from caponier.emulate.images import FEATURES, SIDE, Images
from caponier.emulate.poison import BACKDOOR, Poisoned, backdoor
from caponier.emulate.victims.digits import Pool
from caponier.matrix.technique import TechniqueId

HEIGHT, WAVES = 0.5, 4
"""Lower or slower ones do not open a model of pictures this small: the class itself is the simpler thing to learn."""
_WAVE: Final = HEIGHT * np.sin(2 * np.pi * (WAVES * np.arange(SIDE) / SIDE + 0.25))


def waved(images: Images) -> Images:
    """Add the wave to images (n, 64)."""
    moved: Images = np.clip(images.reshape(-1, SIDE, SIDE) + _WAVE, 0, 1).astype(np.float32)
    return moved.reshape(-1, FEATURES)


@dataclass(frozen=True, slots=True)
class SinusoidalBackdoor:
    """Opens a backdoor without a wrong label."""

    name: str = "sinusoidal_backdoor"
    description: str = "Adds a wave to rows of one class, whose labels stay right; the share is of all rows"
    techniques: tuple[TechniqueId, ...] = BACKDOOR

    def apply(self, pool: Pool, share: float, seed: int) -> Poisoned:
        """Change rows of one class, as many as a share of all rows but at most four fifths of the class."""
        return backdoor(pool, share, seed, waved, clean_label=True)


EMULATION = SinusoidalBackdoor()
