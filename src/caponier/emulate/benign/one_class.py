"""Somebody whose work holds one digit only, such as a check box that is always filled in alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.images import Images, shots
from caponier.emulate.pace import Pace

ALIKE = 40
"""Images that such a user has; about as many as one class has in a pool of 500."""


@dataclass(frozen=True)
class OneClass:
    """Photographs images that look like one another, one a request."""

    name: ClassVar[str] = "one_class"
    description: ClassVar[str] = "sends only digits that look like one another, one at a time"
    pace: ClassVar[Pace] = Pace(60)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (1, 64); see `caponier.emulate.habit.Habit.requests`."""
        first = images[rng.integers(len(images))]
        alike = images[np.argsort(np.linalg.norm(images - first, axis=1))[:ALIKE]]
        while True:
            yield from shots(alike[rng.permutation(len(alike))], rng)[:, None]


HABIT = OneClass()
