"""A client that tunes its own picture: one slider after the other, in small steps, until the answer is a sure one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.caller.pace import Pace
from caponier.emulate.images import Images, noisy, warped

WRONG: Final = (0.5, 1.0, 0.3)
"""How far light, place in pixels and turn in radians are off at first, at most."""


@dataclass(frozen=True)
class Tuner:
    """Sends one picture with light, place and turn off, and puts them right step by step, with a step back at times.

    Args:
        steps: Fewest and most steps of one slider.
    """

    steps: tuple[int, int] = (6, 14)

    name: ClassVar[str] = "tuner"
    description: ClassVar[str] = "tunes its own picture: light, place and turn in small steps, until it is right"
    pace: ClassVar[Pace] = Pace(4, spread=0.4)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (1, 64); see `caponier.emulate.benign_client.BenignClient.requests`."""
        while True:
            picture = images[rng.integers(len(images))]
            off: Images = (self._ways(rng) * rng.choice([-1, 1], 4)).astype(np.float32)
            light: Images = 1 - np.abs(off[:, 0])
            seen = warped(np.tile(picture, (len(off), 1)), off[:, 3], off[:, 1:3], light)
            yield from noisy(seen, rng, (0.005, 0.02))[:, None]

    def _ways(self, rng: np.random.Generator) -> Images:
        """Return how far each slider is off at each step, (n, 4) from its wrong place to 0, one after the other."""
        light, place, turn = WRONG
        wrong = rng.uniform(0.5, 1, 4) * (light, place, place, turn)
        off = [wrong]
        for slider in rng.permutation(4):
            for left in np.linspace(1, 0, int(rng.integers(*self.steps, endpoint=True)))[1:]:
                back = left if rng.random() > 0.2 else min(1.0, left + 0.1)
                off.append(np.where(np.arange(4) == slider, back * wrong, off[-1]))
        ways: Images = np.array(off, np.float32)
        return ways


HABIT = Tuner()
