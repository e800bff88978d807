"""A user who rates every other answer, right or wrong, and knows better than the model."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.feedback_source import FeedbackRound, photographed, spoken
from caponier.emulate.images import Labels
from caponier.emulate.victims.digits import Pool
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class Confirmer:
    """Tells the truth about half of the answers."""

    name: ClassVar[str] = "confirmer"
    description: ClassVar[str] = "photographs digits, and says of every other one what it shows"
    techniques: ClassVar[tuple[TechniqueId, ...]] = ()
    pace: ClassVar[float] = 0.25

    def turns(self, pool: Pool, rng: np.random.Generator) -> Iterator[FeedbackRound]:
        """Yield turns; see `caponier.emulate.feedback_source.Source.turns`."""
        while True:
            yield photographed(pool, rng)

    def says(self, turn: FeedbackRound, answers: Labels, rng: np.random.Generator) -> Labels:
        """Say the truth about some of it; see `caponier.emulate.feedback_source.Source.says`."""
        return spoken(turn.truth, 0.5, rng)


SOURCE = Confirmer()
