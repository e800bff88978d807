"""Somebody whose work holds one digit only, such as a check box that is always filled in alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.pace import Pace
from caponier.emulate.images import Images, shots

ALIKE = 20
"""Images that such a user has; in a pool of 500 they are nearly always of one class."""
CANDIDATES = 5


@dataclass(frozen=True)
class OneClass:
    """Photographs images that look like one another, one a request."""

    name: ClassVar[str] = "one_class"
    description: ClassVar[str] = "sends only digits that look like one another, one at a time"
    pace: ClassVar[Pace] = Pace(60)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (1, 64); see `caponier.emulate.benign_client.BenignClient.requests`."""
        alike = _alike(images, rng)
        while True:
            yield from shots(alike[rng.permutation(len(alike))], rng)[:, None]


def _alike(images: Images, rng: np.random.Generator) -> Images:
    """Return the closest company (ALIKE, 64) that one of some images has; others sit between two classes."""
    first = images[rng.integers(len(images), size=CANDIDATES)]
    distances = np.linalg.norm(images[None] - first[:, None], axis=2)
    nearest = np.argsort(distances, axis=1)[:, :ALIKE]
    reach = np.take_along_axis(distances, nearest[:, -1:], axis=1)
    company: Images = images[nearest[reach.argmin()]]
    return company


HABIT = OneClass()
