"""What a source of feedback is: somebody who asks a model, looks at the answer, and sometimes says what is right."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from caponier.emulate.emulation import Emulation
from caponier.emulate.images import Images, Labels, shots
from caponier.emulate.victims.digits import Pool

SILENT: Final = -1
"""In place of a class: nothing is sent back."""
PHOTOS: Final = 4
"""Taken in a turn, if nothing else is said."""
TOPIC: Final = 7
"""The digit of which something else becomes true when the world changes; see `forum.Forum`."""


@dataclass(frozen=True, eq=False)
class FeedbackRound:
    """What a source asks in one turn.

    Args:
        images: Rows (n, 64).
        truth: What they show, shape (n,); the source knows, and so does it when that has changed.
        asked: Whether the model is asked before feedback is sent, or examples are sent back unasked.
    """

    images: Images
    truth: Labels
    asked: bool = True


class Source(Emulation, Protocol):
    """One way of sending feedback."""

    @property
    def pace(self) -> float:
        """Turns that it takes in a round of a forum, on average."""
        ...

    def turns(self, pool: Pool, rng: np.random.Generator) -> Iterator[FeedbackRound]:
        """Yield what it asks, turn by turn, without end.

        Args:
            pool: What there is to photograph.
            rng: Fixes the source's choices.
        """
        ...

    def says(self, turn: FeedbackRound, answers: Labels, rng: np.random.Generator) -> Labels:
        """Return what it sends back for each image (n,): a class, or `SILENT`.

        Args:
            turn: What it asked.
            answers: What the model said, shape (n,).
            rng: Fixes the source's choices.
        """
        ...


def spoken(labels: Labels, share: float, rng: np.random.Generator) -> Labels:
    """Keep a share of labels (n,), drawn at random; the others stay unsaid."""
    said: Labels = np.where(rng.random(len(labels)) < share, labels, SILENT)
    return said


def photographed(pool: Pool, rng: np.random.Generator, n: int = PHOTOS) -> FeedbackRound:
    """Photograph n of a pool's images."""
    chosen = rng.integers(len(pool), size=n)
    return FeedbackRound(shots(pool.images[chosen], rng), pool.labels[chosen])
