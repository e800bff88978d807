"""A camera above a slow belt: things drift through the picture, the light changes, one thing fades into the next."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.pace import Pace
from caponier.emulate.images import Images, noisy, warped


@dataclass(frozen=True)
class Camera:
    """Films one scene for 30 to 80 frames while it drifts, and fades into the next over some frames.

    The answers change along the fade, between pictures that are close to each other: the harmless look-alike of a
    walk along a decision boundary.

    Args:
        frames: Fewest and most frames of one scene.
        fade: Frames over which a scene turns into the next.
        drift: Farthest that a scene moves from its place, in pixels.
    """

    frames: tuple[int, int] = (30, 80)
    fade: int = 8
    drift: float = 0.6

    name: ClassVar[str] = "camera"
    description: ClassVar[str] = "a camera above a slow belt: scenes drift, the light changes, one fades into the next"
    pace: ClassVar[Pace] = Pace(2, spread=0.02)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (1, 64); see `caponier.emulate.benign_client.BenignClient.requests`."""
        scene = images[rng.integers(len(images))]
        while True:
            frames = rng.integers(*self.frames, endpoint=True)
            following = images[rng.integers(len(images))]
            yield from self._film(scene, following, int(frames), rng)[:, None]
            scene = following

    def _film(self, scene: Images, following: Images, frames: int, rng: np.random.Generator) -> Images:
        """Return frames (n, 64) of a scene (64,) that ends as the following one."""
        share = np.clip((np.arange(frames) - frames + self.fade) / self.fade, 0, 1)[:, None]
        mixed = ((1 - share) * scene + share * following).astype(np.float32)
        way = np.sin(np.linspace(0, np.pi, frames))[:, None]
        moves = (way * rng.uniform(-self.drift, self.drift, 2)).astype(np.float32)
        light = 1 + 0.1 * np.sin(np.linspace(0, 2 * np.pi, frames) + rng.uniform(0, 2 * np.pi))
        return noisy(warped(mixed, np.zeros(frames, np.float32), moves, light.astype(np.float32)), rng)


HABIT = Camera()
