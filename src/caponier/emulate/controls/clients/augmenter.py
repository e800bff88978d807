"""Test-time augmentation: every photo is sent with several views of it, and the answers are averaged."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.pace import Pace
from caponier.emulate.images import Images, noisy, shots, warped

TURN = 0.2
"""Largest turn in radians, about 11 degrees."""


@dataclass(frozen=True)
class Augmenter:
    """Sends a photo and some views of it, one a request: moved, turned, lighter or darker, with noise.

    Args:
        views: Fewest and most views besides the photo itself.
    """

    views: tuple[int, int] = (3, 7)

    name: ClassVar[str] = "augmenter"
    description: ClassVar[str] = "sends each photo with three to seven views of it: moved, turned, relit, with noise"
    pace: ClassVar[Pace] = Pace(60, burst=6)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (1, 64); see `caponier.emulate.benign_client.BenignClient.requests`."""
        while True:
            photo = shots(images[rng.integers(len(images))][None], rng)
            views = int(rng.integers(*self.views, endpoint=True))
            yield photo
            yield from self._views(photo, views, rng)[:, None]

    def _views(self, photo: Images, n: int, rng: np.random.Generator) -> Images:
        angles = rng.uniform(-TURN, TURN, n).astype(np.float32)
        moves = rng.uniform(-0.7, 0.7, (n, 2)).astype(np.float32)
        light = rng.uniform(0.85, 1.15, n).astype(np.float32)
        return noisy(warped(np.repeat(photo, n, axis=0), angles, moves, light), rng)


HABIT = Augmenter()
