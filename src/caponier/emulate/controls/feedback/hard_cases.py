"""An annotator who is given what is hard to read: pale and grainy photos of which the model gets many wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.feedback_source import PHOTOS, FeedbackRound, spoken
from caponier.emulate.images import Labels, noisy
from caponier.emulate.victims.digits import Pool
from caponier.matrix.technique import TechniqueId

DIM: Final = (0.35, 0.7)
GRAIN: Final = (0.05, 0.1)


@dataclass(frozen=True)
class HardCases:
    """Contradicts often, and is right."""

    name: ClassVar[str] = "hard_cases"
    description: ClassVar[str] = (
        "an annotator of pale, grainy digits: says of each what it shows, and often the model is wrong"
    )
    techniques: ClassVar[tuple[TechniqueId, ...]] = ()
    pace: ClassVar[float] = 0.225

    def turns(self, pool: Pool, rng: np.random.Generator) -> Iterator[FeedbackRound]:
        """Yield turns; see `caponier.emulate.feedback_source.Source.turns`."""
        while True:
            chosen = rng.integers(len(pool), size=PHOTOS)
            pale = pool.images[chosen] * rng.uniform(*DIM, size=(PHOTOS, 1)).astype(np.float32)
            yield FeedbackRound(noisy(pale, rng, GRAIN), pool.labels[chosen])

    def says(self, turn: FeedbackRound, answers: Labels, rng: np.random.Generator) -> Labels:
        """Say the truth about most of it; see `caponier.emulate.feedback_source.Source.says`."""
        return spoken(turn.truth, 0.8, rng)


SOURCE = HardCases()
