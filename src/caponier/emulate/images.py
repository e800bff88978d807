"""Small grey images as flat rows, and what a camera does to them: noise, shifts, turns, light."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Images: TypeAlias = npt.NDArray[np.float32]
"""Rows of 64 values in 0..1, shape (n, 64); a single image is (64,)."""
Labels: TypeAlias = npt.NDArray[np.int64]
"""Classes, shape (n,)."""

SIDE = 8
FEATURES = SIDE * SIDE
CLASSES = 10
SHIFT_SHARE = 0.15
"""How often a photo is off by one pixel; more would make a user of 8x8 images look unlike any real one."""


def noisy(images: Images, rng: np.random.Generator, sigma: tuple[float, float] = (0.02, 0.04)) -> Images:
    """Return images (n, 64) with the sensor noise of one shot each; `sigma` is drawn anew for every image."""
    spread = rng.uniform(*sigma, size=(len(images), 1)).astype(np.float32)
    noise = rng.standard_normal(images.shape, dtype=np.float32)
    return _lit(images + spread * noise)


def shifted(images: Images, offsets: npt.NDArray[np.int64]) -> Images:
    """Move images (n, 64) by whole pixels; `offsets` (n, 2) holds -1, 0 or 1 for rows and columns.

    What moves in from the border is dark, as the background of the digits is.
    """
    padded = np.zeros((len(images), SIDE + 2, SIDE + 2), np.float32)
    padded[:, 1:-1, 1:-1] = images.reshape(-1, SIDE, SIDE)
    steps = np.arange(SIDE)
    rows = 1 + steps[None, :] - offsets[:, :1]
    columns = 1 + steps[None, :] - offsets[:, 1:]
    moved: Images = padded[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved.reshape(-1, FEATURES)


def shots(images: Images, rng: np.random.Generator, shift_share: float = SHIFT_SHARE) -> Images:
    """Photograph each of the images (n, 64) once: sensor noise, and now and then a pixel off; no two shots agree."""
    offsets = rng.integers(-1, 2, size=(len(images), 2))
    offsets[rng.random(len(images)) >= shift_share] = 0
    return noisy(shifted(images, offsets), rng)


def warped(images: Images, angles: Images, moves: Images, light: Images) -> Images:
    """Turn, move and light images: what a camera that is not fixed sees.

    Args:
        images: Shape (n, 64).
        angles: Turns about the middle in radians, shape (n,).
        moves: Moves in pixels, also parts of a pixel, shape (n, 2).
        light: Factors of brightness, shape (n,).

    Returns:
        The images seen so, bilinear between pixels, dark outside; shape (n, 64).
    """
    middle = (SIDE - 1) / 2
    grid = np.indices((SIDE, SIDE), dtype=np.float32).reshape(2, -1) - middle
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    down, right = grid[0] - moves[:, :1], grid[1] - moves[:, 1:]
    rows = np.clip(cos * down - sin * right + middle + 1, 0, SIDE + 1)
    columns = np.clip(sin * down + cos * right + middle + 1, 0, SIDE + 1)
    return _lit(_bilinear(images, rows, columns) * light[:, None])


def _lit(values: Images) -> Images:
    """Keep values (n, 64) within what a sensor can tell."""
    within: Images = np.clip(values, 0, 1).astype(np.float32, copy=False)
    return within


def _bilinear(images: Images, rows: Images, columns: Images) -> Images:
    """Read images (n, 64) with a dark border at fractional places (n, 64) of 0 to 9, where 1 to 8 are the image."""
    padded = np.zeros((len(images), SIDE + 3, SIDE + 3), np.float32)
    padded[:, 1:-2, 1:-2] = images.reshape(-1, SIDE, SIDE)
    each = np.arange(len(images))[:, None]
    top, left = rows.astype(np.int64), columns.astype(np.int64)
    below, beside = rows - top, columns - left
    upper = padded[each, top, left] * (1 - beside) + padded[each, top, left + 1] * beside
    lower = padded[each, top + 1, left] * (1 - beside) + padded[each, top + 1, left + 1] * beside
    seen: Images = upper * (1 - below) + lower * below
    return seen
