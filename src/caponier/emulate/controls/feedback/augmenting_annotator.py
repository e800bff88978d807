"""An annotator who sends turned and moved views of each picture back, so that the model learns to see through that."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.feedback_source import FeedbackRound
from caponier.emulate.images import Labels, warped
from caponier.emulate.victims.digits import Pool
from caponier.matrix.technique import TechniqueId

VIEWS: Final = 8
TURN: Final = 0.3
"""Radians."""


@dataclass(frozen=True)
class AugmentingAnnotator:
    """The harmless look-alike of chaff."""

    name: ClassVar[str] = "augmenting_annotator"
    description: ClassVar[str] = "sends eight turned, moved and differently lit views of each digit back, unasked"
    techniques: ClassVar[tuple[TechniqueId, ...]] = ()
    pace: ClassVar[float] = 0.2

    def turns(self, pool: Pool, rng: np.random.Generator) -> Iterator[FeedbackRound]:
        """Yield turns; see `caponier.emulate.feedback_source.Source.turns`."""
        while True:
            chosen = np.repeat(rng.integers(len(pool)), VIEWS)
            angles = rng.uniform(-TURN, TURN, VIEWS).astype(np.float32)
            moves = rng.uniform(-1, 1, (VIEWS, 2)).astype(np.float32)
            light = rng.uniform(0.85, 1.15, VIEWS).astype(np.float32)
            yield FeedbackRound(warped(pool.images[chosen], angles, moves, light), pool.labels[chosen], asked=False)

    def says(self, turn: FeedbackRound, answers: Labels, rng: np.random.Generator) -> Labels:
        """Say the truth about all of it; see `caponier.emulate.feedback_source.Source.says`."""
        return turn.truth


SOURCE = AugmentingAnnotator()
