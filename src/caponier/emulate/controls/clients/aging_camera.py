"""A camera that ages: its pictures get darker, hazier and grainier, so slowly that nobody notices."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.pace import Pace
from caponier.emulate.images import Images, noisy

DIMMED, HAZE, GRAIN = 0.75, 0.03, 1.5
"""What is left of the light in the end, what the background has become, and times the noise: not darker and not noisier
than other benign cameras are. What ages further is another camera, which a drift monitor has to tell."""
FRESH = (0.02, 0.04)


@dataclass(frozen=True)
class AgingCamera:
    """Photographs different things through a lens that gathers dust: gradual drift.

    Args:
        photos: Photos over which a new one ages; from then on it stays as it is. Every camera is at an age of its own.
    """

    photos: int = 10_000

    name: ClassVar[str] = "aging_camera"
    description: ClassVar[str] = (
        "a camera that is no longer new: its photos of different digits get darker, hazier and grainier over weeks"
    )
    pace: ClassVar[Pace] = Pace(60, spread=0.3)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (1, 64); see `caponier.emulate.benign_client.BenignClient.requests`."""
        age = rng.random()
        while True:
            seen = images[[rng.integers(len(images))]] * (1 - age * (1 - DIMMED)) + age * HAZE
            grain = 1 + age * (GRAIN - 1)
            yield noisy(seen.astype(np.float32), rng, (FRESH[0] * grain, FRESH[1] * grain))
            age = min(1.0, age + 1 / self.photos)


HABIT = AgingCamera()
