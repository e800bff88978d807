"""A camera that ages: its pictures get darker, hazier and grainier, so slowly that nobody notices."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.images import Images, noisy
from caponier.emulate.pace import Pace

DIMMED, HAZE, GRAIN = 0.6, 0.08, 2.0
"""What is left of the light in the end, what the background has become, and times the noise."""
FRESH = (0.02, 0.04)


@dataclass(frozen=True)
class AgingCamera:
    """Photographs different things through a lens that gathers dust: gradual drift.

    Args:
        photos: Photos over which it ages; from then on it stays as it is.
    """

    photos: int = 300

    name: ClassVar[str] = "aging_camera"
    description: ClassVar[str] = (
        "a camera whose photos of different digits get a little darker, hazier and grainier, one after the other"
    )
    pace: ClassVar[Pace] = Pace(60, spread=0.3)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (1, 64); see `caponier.emulate.habit.Habit.requests`."""
        taken = 0
        while True:
            age = min(1.0, taken / self.photos)
            seen = images[[rng.integers(len(images))]] * (1 - age * (1 - DIMMED)) + age * HAZE
            grain = 1 + age * (GRAIN - 1)
            yield noisy(seen.astype(np.float32), rng, (FRESH[0] * grain, FRESH[1] * grain))
            taken += 1


HABIT = AgingCamera()
