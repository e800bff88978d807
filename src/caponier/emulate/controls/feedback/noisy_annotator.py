"""An annotator who is careless: a quarter of what it sends back is any digit."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.feedback_source import FeedbackRound, photographed, spoken
from caponier.emulate.images import CLASSES, Labels
from caponier.emulate.victims.digits import Pool
from caponier.matrix.technique import TechniqueId

CARELESS: Final = 0.25


@dataclass(frozen=True)
class NoisyAnnotator:
    """Contradicts often, in no direction."""

    name: ClassVar[str] = "noisy_annotator"
    description: ClassVar[str] = "an annotator who errs at random in a quarter of what it sends back"
    techniques: ClassVar[tuple[TechniqueId, ...]] = ()
    pace: ClassVar[float] = 0.225

    def turns(self, pool: Pool, rng: np.random.Generator) -> Iterator[FeedbackRound]:
        """Yield turns; see `caponier.emulate.feedback_source.Source.turns`."""
        while True:
            yield photographed(pool, rng)

    def says(self, turn: FeedbackRound, answers: Labels, rng: np.random.Generator) -> Labels:
        """Say the truth, and now and then anything; see `caponier.emulate.feedback_source.Source.says`."""
        careless = rng.random(len(answers)) < CARELESS
        guessed = np.where(careless, rng.integers(CLASSES, size=len(answers)), turn.truth)
        return spoken(guessed, 0.8, rng)


SOURCE = NoisyAnnotator()
