"""A camera before dawn: the same scene, a little lighter from one photo to the next, until it is day."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.pace import Pace
from caponier.emulate.images import Images, noisy

DARK, DAY = 0.25, 1.0


@dataclass(frozen=True)
class Sunrise:
    """Photographs a still scene while it gets light: the harmless look-alike of somebody who climbs a class's score.

    Args:
        frames: Fewest and most photos of one scene.
    """

    frames: tuple[int, int] = (40, 80)

    name: ClassVar[str] = "sunrise"
    description: ClassVar[str] = "a camera before dawn: one scene that gets a little lighter from photo to photo"
    pace: ClassVar[Pace] = Pace(30, spread=0.05)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (1, 64); see `caponier.emulate.benign_client.BenignClient.requests`."""
        while True:
            scene = images[rng.integers(len(images))]
            light = np.linspace(DARK, DAY, int(rng.integers(*self.frames, endpoint=True)), dtype=np.float32)
            yield from noisy(scene * light[:, None], rng)[:, None]


HABIT = Sunrise()
