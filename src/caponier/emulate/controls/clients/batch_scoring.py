"""A nightly job that scores the day's pictures: large requests, one right after the other, until it is done."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.pace import Pace
from caponier.emulate.images import Images, shots


@dataclass(frozen=True)
class BatchScoring:
    """Sends large batches without a pause: the harmless look-alike of a flood.

    Args:
        rows: Rows of each request.
    """

    rows: int = 64

    name: ClassVar[str] = "batch_scoring"
    description: ClassVar[str] = "a nightly job: 64 different digits a request, twice a second until it is done"
    pace: ClassVar[Pace] = Pace(0.5, spread=0.2)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (k, 64); see `caponier.emulate.benign_client.BenignClient.requests`."""
        while True:
            yield shots(images[rng.integers(len(images), size=self.rows)], rng)


HABIT = BatchScoring()
