"""One of a crowd that comes all at once: a few photos in quick succession, a short break, a few more."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.pace import Pace
from caponier.emulate.images import Images, shots

VISIT = 4


@dataclass(frozen=True)
class FlashCrowd:
    """Photographs a few digits in a row, as everybody does at that moment; the crowd is a flood, its members are not.

    How close together the members come is the population's matter: let it ask within a short span.
    """

    name: ClassVar[str] = "flash_crowd"
    description: ClassVar[str] = "one of many who come at the same moment: four photos in a row, then a short break"
    pace: ClassVar[Pace] = Pace(8, spread=0.5, burst=VISIT)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (1, 64); see `caponier.emulate.benign_client.BenignClient.requests`."""
        while True:
            yield from shots(images[rng.integers(len(images), size=VISIT)], rng)[:, None]


HABIT = FlashCrowd()
