"""A user who says nothing as long as the model is right, and always where it is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.feedback_source import SILENT, FeedbackRound, photographed
from caponier.emulate.images import Labels
from caponier.emulate.victims.digits import Pool
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class Corrector:
    """Contradicts whenever it speaks, in as many directions as the model errs."""

    name: ClassVar[str] = "corrector"
    description: ClassVar[str] = "photographs digits, and sends the right one back wherever the model is wrong"
    techniques: ClassVar[tuple[TechniqueId, ...]] = ()
    pace: ClassVar[float] = 0.375

    def turns(self, pool: Pool, rng: np.random.Generator) -> Iterator[FeedbackRound]:
        """Yield turns; see `caponier.emulate.feedback_source.Source.turns`."""
        while True:
            yield photographed(pool, rng)

    def says(self, turn: FeedbackRound, answers: Labels, rng: np.random.Generator) -> Labels:
        """Say the truth where the answer is wrong; see `caponier.emulate.feedback_source.Source.says`."""
        corrected: Labels = np.where(turn.truth == answers, SILENT, turn.truth)
        return corrected


SOURCE = Corrector()
