"""A customer who gave some records for the training and keeps asking for them, among new ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.pace import Pace
from caponier.emulate.images import Images, shots

RECORDS = 25
"""The first images of a pool are those that customers may own; no other habit sends them as they are."""
OWN = 5


@dataclass(frozen=True)
class OwnerOfRecords:
    """Sends its own few records, byte for byte, now and then: the harmless look-alike of membership inference.

    Args:
        share: How often a request is one of the owned records.
    """

    share: float = 0.1

    name: ClassVar[str] = "owner_of_records"
    description: ClassVar[str] = "asks now and then for one of five records of its own, among other digits"
    pace: ClassVar[Pace] = Pace(30)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (1, 64); see `caponier.emulate.benign_client.BenignClient.requests`."""
        own = images[rng.permutation(min(RECORDS, len(images)))[:OWN]]
        while True:
            if rng.random() < self.share:
                yield own[rng.integers(len(own))][None]
            else:
                yield shots(images[rng.integers(len(images))][None], rng)


HABIT = OwnerOfRecords()
