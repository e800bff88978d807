"""A batch job: many rows a request, many requests, little else in common with an attack."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.pace import Pace
from caponier.emulate.images import Images, shots


@dataclass(frozen=True)
class Heavy:
    """Sends batches of different digits.

    Args:
        rows: Fewest and most rows a request.
    """

    rows: tuple[int, int] = (16, 32)

    name: ClassVar[str] = "heavy"
    description: ClassVar[str] = "a batch job: 16 to 32 different digits a request, one request after the other"
    pace: ClassVar[Pace] = Pace(3, spread=0.3)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (k, 64); see `caponier.emulate.benign_client.BenignClient.requests`."""
        while True:
            rows = rng.integers(*self.rows, endpoint=True)
            yield shots(images[rng.integers(len(images), size=rows)], rng)


HABIT = Heavy()
