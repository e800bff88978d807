"""Somebody with another digit every time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.pace import Pace
from caponier.emulate.images import Images, shots

BLOCK = 64
"""Photos made at a time, only for speed."""


@dataclass(frozen=True)
class RandomUser:
    """Photographs whatever comes, one digit a request."""

    name: ClassVar[str] = "random_user"
    description: ClassVar[str] = "sends another digit every time, as it comes"
    pace: ClassVar[Pace] = Pace(60)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (1, 64); see `caponier.emulate.benign_client.BenignClient.requests`."""
        while True:
            yield from shots(images[rng.integers(len(images), size=BLOCK)], rng)[:, None]


HABIT = RandomUser()
