"""A user whose work holds one digit only, and who corrects the model: all corrections go one way."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.feedback_source import SILENT, FeedbackRound, photographed
from caponier.emulate.images import Labels
from caponier.emulate.victims.digits import Pool
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class Specialist:
    """Contradicts in one direction, but only as often as the model errs."""

    name: ClassVar[str] = "specialist"
    description: ClassVar[str] = "photographs one digit only, and sends it back wherever the model says another one"
    techniques: ClassVar[tuple[TechniqueId, ...]] = ()
    pace: ClassVar[float] = 0.375

    def turns(self, pool: Pool, rng: np.random.Generator) -> Iterator[FeedbackRound]:
        """Yield turns; see `caponier.emulate.feedback_source.Source.turns`."""
        digit = pool.labels[rng.integers(len(pool))]
        own = np.flatnonzero(pool.labels == digit)
        while True:
            yield photographed(Pool(pool.images[own], pool.labels[own]), rng)

    def says(self, turn: FeedbackRound, answers: Labels, rng: np.random.Generator) -> Labels:
        """Say the truth where the answer is wrong; see `caponier.emulate.feedback_source.Source.says`."""
        corrected: Labels = np.where(turn.truth == answers, SILENT, turn.truth)
        return corrected


SOURCE = Specialist()
