"""The operator's own testers: the held-out test set as it is, then again with noise, to see what the model bears."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.pace import Pace
from caponier.emulate.images import Images, noisy

LIGHT_NOISE = (0.01, 0.05)


@dataclass(frozen=True)
class EvaluationTeam:
    """Goes through one test set again and again, in the same order: the harmless look-alike of somebody copying.

    The test set is the second half of the pool: nobody evaluates a model on records that it may have learned from.
    """

    name: ClassVar[str] = "evaluation_team"
    description: ClassVar[str] = "goes through a held-out test set, exactly as it is at first, then with light noise"
    pace: ClassVar[Pace] = Pace(0.3, spread=0.2)

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests (1, 64); see `caponier.emulate.benign_client.BenignClient.requests`."""
        held_out = images[len(images) // 2 :]
        test_set = held_out[rng.permutation(len(held_out))]
        yield from test_set[:, None]
        while True:
            yield from noisy(test_set, rng, LIGHT_NOISE)[:, None]


HABIT = EvaluationTeam()
