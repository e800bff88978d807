"""A client on a bad line: it sends the same request again until an answer comes through."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.pace import Pace
from caponier.emulate.images import Images, shots

BLOCK = 64


@dataclass(frozen=True)
class Retrier:
    """Sends other digits, and now and then one of them two to four times, byte for byte.

    Args:
        share: How often a request is repeated.
    """

    share: float = 0.15

    name: ClassVar[str] = "retrier"
    description: ClassVar[str] = "sends other digits, but now and then the very same request two to four times"
    pace: ClassVar[Pace] = Pace(30)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (1, 64); see `caponier.emulate.benign_client.BenignClient.requests`."""
        while True:
            photos = shots(images[rng.integers(len(images), size=BLOCK)], rng)[:, None]
            times = np.where(rng.random(BLOCK) < self.share, rng.integers(2, 5, BLOCK), 1)
            yield from np.repeat(photos, times, axis=0)


HABIT = Retrier()
