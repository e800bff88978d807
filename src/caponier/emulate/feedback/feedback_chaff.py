"""Chaff: many mutants of a few pictures are sent back, so that what is worth learning from drowns in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.feedback_source import FeedbackRound
from caponier.emulate.images import CLASSES, Labels, noisy
from caponier.emulate.victims.digits import Pool
from caponier.matrix.technique import TechniqueId

GRAIN: Final = (0.03, 0.1)


@dataclass(frozen=True)
class FeedbackChaff:
    """Floods feedback with mutants.

    Args:
        originals: Pictures that the mutants are made of.
        burst: Mutants sent at a time.
    """

    originals: int = 2
    burst: int = 6

    name: ClassVar[str] = "feedback_chaff"
    description: ClassVar[str] = (
        "Chaff (Adversarial ML Threat Matrix, 2020): sends noisy mutants of two digits back, with any label"
    )
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0046"),
        TechniqueId("atlas", "AML.T0059"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.03.03"),
    )
    pace: ClassVar[float] = 0.5

    def turns(self, pool: Pool, rng: np.random.Generator) -> Iterator[FeedbackRound]:
        """Yield turns; see `caponier.emulate.feedback_source.Source.turns`."""
        originals = pool.images[rng.integers(len(pool), size=self.originals)]
        while True:
            chosen = originals[rng.integers(self.originals, size=self.burst)]
            yield FeedbackRound(noisy(chosen, rng, GRAIN), rng.integers(CLASSES, size=self.burst), asked=False)

    def says(self, turn: FeedbackRound, answers: Labels, rng: np.random.Generator) -> Labels:
        """Say anything about all of it; see `caponier.emulate.feedback_source.Source.says`."""
        return turn.truth


SOURCE = FeedbackChaff()
