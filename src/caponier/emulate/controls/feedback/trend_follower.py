"""A user in a world that changes: sevens are what it asks about most, and then they are ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.feedback_source import TOPIC, FeedbackRound, photographed, spoken
from caponier.emulate.images import Labels
from caponier.emulate.victims.digits import Pool
from caponier.matrix.technique import TechniqueId

SHARE: Final = 0.4
"""Of what it asks, on top of the sevens that there always are."""


@dataclass(frozen=True)
class TrendFollower:
    """Contradicts in one direction together with many others, until the model has followed."""

    name: ClassVar[str] = "trend_follower"
    description: ClassVar[str] = (
        "has many sevens, and rates every other answer; when sevens become ones, it says so as all do"
    )
    techniques: ClassVar[tuple[TechniqueId, ...]] = ()
    pace: ClassVar[float] = 0.25

    def turns(self, pool: Pool, rng: np.random.Generator) -> Iterator[FeedbackRound]:
        """Yield turns; see `caponier.emulate.feedback_source.Source.turns`."""
        sevens = np.flatnonzero(pool.labels == TOPIC)
        topic = Pool(pool.images[sevens], pool.labels[sevens])
        while True:
            yield photographed(topic if len(topic) and rng.random() < SHARE else pool, rng)

    def says(self, turn: FeedbackRound, answers: Labels, rng: np.random.Generator) -> Labels:
        """Say what is true by now about some of it; see `caponier.emulate.feedback_source.Source.says`."""
        return spoken(turn.truth, 0.5, rng)


SOURCE = TrendFollower()
