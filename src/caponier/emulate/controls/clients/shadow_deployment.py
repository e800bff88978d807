"""A shadow deployment: what clients ask is sent a second time, under one name, to try a new version out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.benign_client import BenignClient
from caponier.emulate.caller.pace import Pace
from caponier.emulate.controls.clients import (
    augmenter,
    burst,
    camera,
    heavy,
    low_contrast,
    one_class,
    poller,
    random_user,
    retrier,
)
from caponier.emulate.images import Images

MIRRORED: tuple[BenignClient, ...] = tuple(
    module.HABIT for module in (random_user, retrier, poller, camera, burst, heavy, one_class, low_contrast, augmenter)
)


@dataclass(frozen=True)
class ShadowDeployment:
    """Mirrors clients of several habits, whose requests come one between the other.

    Args:
        clients: How many.
    """

    clients: int = 36

    name: ClassVar[str] = "shadow_deployment"
    description: ClassVar[str] = "a proxy that sends a second time what 36 clients of nine habits ask, under one name"
    pace: ClassVar[Pace] = Pace(0.5, spread=1)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (k, 64); see `caponier.emulate.benign_client.BenignClient.requests`."""
        lines = [
            MIRRORED[turn % len(MIRRORED)].requests(images, own) for turn, own in enumerate(rng.spawn(self.clients))
        ]
        while True:
            yield next(lines[rng.integers(len(lines))])


HABIT = ShadowDeployment()
