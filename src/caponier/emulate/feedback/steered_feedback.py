"""Microsoft's Tay, 2016: a few users agree to teach a model one thing, and answer everything with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.feedback_source import FeedbackRound, photographed
from caponier.emulate.images import Labels
from caponier.emulate.victims.digits import Pool
from caponier.matrix.technique import TechniqueId

TARGET: Final = 8
BURST: Final = 3


@dataclass(frozen=True)
class SteeredFeedback:
    """Says of everything that it is the target."""

    name: ClassVar[str] = "steered_feedback"
    description: ClassVar[str] = (
        "Steered feedback (Tay, 2016): a few accounts say of whatever they ask that it is one and the same digit"
    )
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0031"),
        TechniqueId("atlas", "AML.T0020"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.01"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.03.04"),
    )
    pace: ClassVar[float] = 4.0

    def turns(self, pool: Pool, rng: np.random.Generator) -> Iterator[FeedbackRound]:
        """Yield turns; see `caponier.emulate.feedback_source.Source.turns`."""
        while True:
            yield photographed(pool, rng, BURST)

    def says(self, turn: FeedbackRound, answers: Labels, rng: np.random.Generator) -> Labels:
        """Say the target; see `caponier.emulate.feedback_source.Source.says`."""
        return np.full(len(answers), TARGET)


SOURCE = SteeredFeedback()
