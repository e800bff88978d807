"""A scanner: nothing for an hour, then a stack of forms within seconds."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.pace import Pace
from caponier.emulate.images import Images, shots

STACK = 50


@dataclass(frozen=True)
class Burst:
    """Sends stacks of 50 different digits, one a request, as fast as answers come."""

    name: ClassVar[str] = "burst"
    description: ClassVar[str] = "nothing for a while, then 50 different digits back to back"
    pace: ClassVar[Pace] = Pace(3600, burst=STACK)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (1, 64); see `caponier.emulate.benign_client.BenignClient.requests`."""
        while True:
            yield from shots(images[rng.integers(len(images), size=STACK)], rng)[:, None]


HABIT = Burst()
