"""An adversarial patch: a small square that makes a model see one thing in whatever picture it is pasted on.

Brown et al. (2017) compute it by gradients. The search here asks a model of the attacker's own for scores and nothing
else: random patches at every place, then changes to the best of them, kept where they help.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from caponier.emulate.caller.oracle import Predict
from caponier.emulate.images import FEATURES, SIDE, Images

GUESSES, FINALISTS, CHANGES = 6, 4, 60
"""Random patches a place, how many places are gone on with, and how many changes to each are tried."""
LEVELS: Final = (0.0, 0.5, 1.0)
LEAST: Final = 1e-3
"""Added to scores before their logarithm is taken: one hopeless picture must not rule out a patch."""


@dataclass(frozen=True, eq=False)
class Patch:
    """A square with its place.

    Args:
        pixels: Shape (side, side), values in 0..1.
        row: Of its upper left corner.
        column: Likewise.
    """

    pixels: Images
    row: int
    column: int

    def paste(self, images: Images) -> Images:
        """Return images (n, 64) with the patch on each."""
        side = len(self.pixels)
        pasted = images.reshape(-1, SIDE, SIDE).copy()
        pasted[:, self.row : self.row + side, self.column : self.column + side] = self.pixels
        return pasted.reshape(-1, FEATURES)


def find_patch(predict: Predict, images: Images, target: int, side: int, rng: np.random.Generator) -> Patch:
    """Search for a patch that makes a model answer with a target.

    Args:
        predict: The attacker's own model, images (n, 64) to scores (n, 10).
        images: Pictures (m, 64) of other classes that it is tried on.
        target: The answer that it is to give.
        side: Of the square, in pixels.
        rng: Fixes the search.
    """

    def worth(patch: Patch) -> float:
        return float(np.log(predict(patch.paste(images))[:, target] + LEAST).mean())

    places = [(row, column) for row in range(SIDE - side + 1) for column in range(SIDE - side + 1)]
    guesses = [Patch(_guess(side, rng), *place) for place in places for _ in range(GUESSES)]
    finalists = sorted(((worth(guess), at) for at, guess in enumerate(guesses)), reverse=True)[:FINALISTS]
    best, chosen = -np.inf, guesses[0]
    for value, at in finalists:
        patch = guesses[at]
        for _ in range(CHANGES):
            changed = Patch(_changed(patch.pixels, rng), patch.row, patch.column)
            if (now := worth(changed)) > value:
                value, patch = now, changed
        if value > best:
            best, chosen = value, patch
    return chosen


def _guess(side: int, rng: np.random.Generator) -> Images:
    """Return a patch (side, side) of black and white."""
    return (rng.random((side, side)) < 0.5).astype(np.float32)


def _changed(pixels: Images, rng: np.random.Generator) -> Images:
    """Return the pixels with one or two of them at another level."""
    changed = pixels.copy()
    for _ in range(rng.integers(1, 3)):
        changed.flat[rng.integers(changed.size)] = rng.choice(LEVELS)
    return changed
