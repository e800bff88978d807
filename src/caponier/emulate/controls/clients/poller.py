"""A fixed camera that is asked on a clock: the same scene for minutes, every photo a little different."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.pace import Pace
from caponier.emulate.images import Images, noisy


@dataclass(frozen=True)
class Poller:
    """Photographs a still scene 30 to 80 times, then the next one.

    Args:
        frames: Fewest and most photos of one scene.
    """

    frames: tuple[int, int] = (30, 80)

    name: ClassVar[str] = "poller"
    description: ClassVar[str] = "a fixed camera on a clock: the same scene for 30 to 80 photos, then the next"
    pace: ClassVar[Pace] = Pace(10, spread=0.05)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (1, 64); see `caponier.emulate.benign_client.BenignClient.requests`."""
        while True:
            scene = images[rng.integers(len(images))]
            frames = int(rng.integers(*self.frames, endpoint=True))
            yield from noisy(np.tile(scene, (frames, 1)), rng)[:, None]


HABIT = Poller()
