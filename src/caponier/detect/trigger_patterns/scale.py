"""The scale on which rows are compared, and the values that count as one."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.trigger_patterns.pattern import Floats

Whole = NDArray[np.int64]

BINS: Final = 16
"""Shades of a picture that count as one value: a camera's noise must not make equal marks different."""
CHANNELS: Final = 4
WIDE: Final = 32
"""Columns from which all on one scale are taken for a picture."""


def is_picture(x: Floats) -> bool:
    """Tell pixels, which share one scale, from the columns of a table."""
    if x.shape[1] < WIDE:
        return False
    low, high = x.min(axis=0), x.max(axis=0)
    used = high > low
    # Nearly all pixels that are ever lit reach a good part of the full brightness, and none goes below black.
    reach = (high - low)[used] / max(float(x.max() - x.min()), 1e-12)
    return bool(used.any() and np.median(reach) >= 0.5 and float(np.quantile(reach, 0.1)) >= 0.05)


def sides(width: int, shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Return height and width of a picture of so many pixels: its shape, or a square if that fits."""
    if len(shape) == 2:
        return shape[0], shape[1]
    side = round(width**0.5)
    return (side, side) if side * side == width and not shape[1:] else None


def pixels_of(width: int, shape: tuple[int, ...]) -> Whole | None:
    """Return where each pixel's numbers are in the row of a picture, (height, width, channels); None if it is none.

    Args:
        width: Numbers in a row.
        shape: Of a picture: height and width, perhaps with up to four channels before or behind them; else it is tried
            as a square of grey ones.
    """
    if len(shape) == 3:
        places = np.arange(width).reshape(shape)
        if shape[2] <= CHANNELS:
            return places
        return np.moveaxis(places, 0, 2) if shape[0] <= CHANNELS else None
    grey = sides(width, shape)
    return None if grey is None else np.arange(width).reshape(*grey, 1)


def on_one_scale(x: Floats, texts: Sequence[int] = ()) -> Floats:
    """Return rows (n, d) of a picture as they are but for the mean, those of a table by the ranks of each column.

    Args:
        x: The rows.
        texts: Columns that tell which words a text has. Texts are alike by the share of words that they have in common:
            by distance all are near to the shortest.
    """
    if texts:
        scaled, rest = np.zeros_like(x), np.setdiff1d(np.arange(x.shape[1]), texts)
        scaled[:, rest] = on_one_scale(x[:, rest]) if rest.size else 0.0
        length = np.sqrt((x[:, texts] ** 2).sum(axis=1, keepdims=True))
        turned = x[:, texts] / np.maximum(length, 1.0)
        scaled[:, texts] = (turned - turned.mean(axis=0)) / (float(turned.std()) or 1.0)
        return scaled
    if is_picture(x):
        spread = float(x.std()) or 1.0
        plain: Floats = (x - x.mean(axis=0)) / spread
        return plain
    ranked = np.zeros_like(x)
    for column in range(x.shape[1]):
        values, places, counts = np.unique(x[:, column], return_inverse=True, return_counts=True)
        if len(values) > 1:
            middle = np.cumsum(counts) - (counts + 1) / 2
            # Even ranks have a standard deviation of 1/sqrt(12).
            ranked[:, column] = ((middle / (len(x) - 1) - 0.5) * np.sqrt(12))[places]
    return ranked


def binned(x: Floats) -> Floats:
    """Return a picture in a few shades, a table as it is."""
    if not is_picture(x):
        return x
    low, high = float(x.min()), float(x.max())
    shades: Floats = np.round((x - low) / max(high - low, 1e-12) * BINS)
    return shades
