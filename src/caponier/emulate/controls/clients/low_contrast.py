"""A camera in a dim hall: pale pictures with more noise, which the model is unsure of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.pace import Pace
from caponier.emulate.images import Images, noisy

DIM = (0.35, 0.7)
GRAIN = (0.03, 0.06)


@dataclass(frozen=True)
class LowContrast:
    """Photographs each thing a few times in poor light.

    Args:
        takes: Fewest and most photos of one thing.
    """

    takes: tuple[int, int] = (3, 12)

    name: ClassVar[str] = "low_contrast"
    description: ClassVar[str] = "a camera in poor light: pale, grainy photos, a few of each thing"
    pace: ClassVar[Pace] = Pace(5, spread=0.2)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (1, 64); see `caponier.emulate.benign_client.BenignClient.requests`."""
        while True:
            takes = int(rng.integers(*self.takes, endpoint=True))
            pale = images[rng.integers(len(images))] * rng.uniform(*DIM, size=(takes, 1)).astype(np.float32)
            yield from noisy(pale, rng, GRAIN)[:, None]


HABIT = LowContrast()
