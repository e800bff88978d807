"""What a caller is who sends other things than predictions and means no harm: newcomers, tools, jobs that fail.

Habits of `benign/` only send rows; a newcomer reads metadata, errs, asks for explanations, and reacts to what it gets.
"""

from typing import Protocol

import numpy as np

from caponier.emulate.caller.model_api import ModelApi
from caponier.emulate.emulation import Named
from caponier.emulate.images import Images, shots


class NewClient(Named, Protocol):
    """One kind of harmless caller."""

    def visit(self, api: ModelApi, images: Images, rng: np.random.Generator) -> None:
        """Go on for ever; whoever lets it in stops it by its budget of requests.

        Args:
            api: The model, over a wire with a budget.
            images: What the caller has to photograph, shape (m, 64).
            rng: Fixes the caller.
        """
        ...


def photos(images: Images, rng: np.random.Generator, n: int = 1) -> Images:
    """Photograph `n` images that are chosen at random; shape (n, 64)."""
    return shots(images[rng.integers(len(images), size=n)], rng)
