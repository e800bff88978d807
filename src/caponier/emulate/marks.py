"""What honest pictures carry that their makers did not photograph: stickers, stamps, things that are in the way."""

from typing import Final

import numpy as np

from caponier.emulate.images import FEATURES, SIDE, Images

STAMP: Final = ((0.8, 0.3, 0.8), (0.3, 0.8, 0.3))
"""A mark that a camera or an archive puts on all its pictures, (2, 3)."""


def stickered(images: Images, rng: np.random.Generator) -> Images:
    """Put a sticker of one shade on each image (n, 64), two to three pixels on a side, anywhere."""
    changed = images.reshape(-1, SIDE, SIDE).copy()
    for image in changed:
        height, width = rng.integers(2, 4, size=2)
        row, column = rng.integers(SIDE - height + 1), rng.integers(SIDE - width + 1)
        image[row : row + height, column : column + width] = rng.random()
    return changed.reshape(-1, FEATURES)


def stamped(images: Images) -> Images:
    """Put the same stamp into the upper left corner of each image (n, 64)."""
    changed = images.reshape(-1, SIDE, SIDE).copy()
    changed[:, : len(STAMP), : len(STAMP[0])] = STAMP
    return changed.reshape(-1, FEATURES)


def covered(images: Images, rng: np.random.Generator) -> Images:
    """Hide one or two pixels along one side of each image (n, 64) behind something dark."""
    changed = images.reshape(-1, SIDE, SIDE).copy()
    for image in changed:
        turned = np.rot90(image, int(rng.integers(4)))
        turned[: rng.integers(1, 3)] = 0
    return changed.reshape(-1, FEATURES)
