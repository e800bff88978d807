"""Changes of pictures in bulk: shifts, turns, zooms, light and noise, each picture with its own."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.float32]
LOT: Final = 1_024
"""Pictures at a time: what is worked on stays in the processor's cache."""


def shifted(rows: Pictures, side: int, down: NDArray[np.int64], right: NDArray[np.int64]) -> Pictures:
    """Move pictures (n, side * side) by whole pixels; what comes in is what stood at the edge."""
    lines = np.clip(np.arange(side)[None, :] - down[:, None], 0, side - 1)
    across = np.clip(np.arange(side)[None, :] - right[:, None], 0, side - 1)
    whole = rows.reshape(-1, side, side)
    moved = whole[np.arange(len(rows))[:, None, None], lines[:, :, None], across[:, None, :]]
    return np.ascontiguousarray(moved.reshape(len(rows), -1))


def turned(rows: Pictures, side: int, angle: NDArray[np.float64], zoom: NDArray[np.float64]) -> Pictures:
    """Turn pictures by angles in degrees and zoom them, bilinearly, about their middle."""
    cos = (np.cos(np.deg2rad(angle)) / zoom).astype(np.float32)[:, None, None]
    sin = (np.sin(np.deg2rad(angle)) / zoom).astype(np.float32)[:, None, None]
    found = np.empty((len(rows), side * side), np.float32)
    for at in range(0, len(rows), LOT):
        lot = slice(at, at + LOT)
        found[lot] = _sampled(np.asarray(rows[lot], np.float32), side, cos[lot], sin[lot])
    return found


def _sampled(rows: Pictures, side: int, cos: Pictures, sin: Pictures) -> Pictures:
    middle = np.float32((side - 1) / 2)
    grid = np.arange(side, dtype=np.float32) - middle
    down, right, most = grid[:, None], grid[None, :], np.float32(side - 1.001)
    at = np.clip(cos * down + sin * right + middle, 0, most)
    to = np.clip(cos * right - sin * down + middle, 0, most)
    top, left = at.astype(np.int32), to.astype(np.int32)
    low, far = at - top, to - left
    place = (np.arange(len(rows), dtype=np.int32) * side * side)[:, None, None] + top * side + left
    flat = rows.reshape(-1)
    upper = flat[place] * (1 - far) + flat[place + 1] * far
    lower = flat[place + side] * (1 - far) + flat[place + side + 1] * far
    return (upper * (1 - low) + lower * low).reshape(len(rows), -1)


def noisy(rows: Pictures, sigma: float | NDArray[np.float64], rng: np.random.Generator) -> Pictures:
    """Add the noise of a sensor; `sigma` is one number, or one a picture."""
    size = np.asarray(sigma, np.float32).reshape(-1, 1)
    return np.clip(rows + size * rng.standard_normal(rows.shape, np.float32), 0, 1).astype(np.float32)


def lit(rows: Pictures, gain: NDArray[np.float64], gamma: NDArray[np.float64] | None = None) -> Pictures:
    """Change the light: brightness, and how it rises."""
    found = rows if gamma is None else rows ** gamma[:, None].astype(np.float32)
    return np.clip(found * gain[:, None].astype(np.float32), 0, 1).astype(np.float32)


def photographed(rows: Pictures, side: int, rng: np.random.Generator) -> Pictures:
    """Take pictures anew: another place, a little turned, other light, and noise."""
    n, reach = len(rows), max(1, side // 14)
    found = turned(rows, side, rng.normal(0, 6, n), rng.uniform(0.92, 1.08, n))
    found = shifted(found, side, rng.integers(-reach, reach + 1, n), rng.integers(-reach, reach + 1, n))
    found = lit(found, rng.uniform(0.85, 1.1, n))
    return noisy(found, rng.choice([0.0, 0.01, 0.03], n), rng)
