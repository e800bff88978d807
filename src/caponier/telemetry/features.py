"""Inputs on one small scale for similarity: uint8 from 0 to 127, whatever the model takes.

With values that small a float32 matrix product over at most 1,040 features is exact, so distances do not depend on how
a stream was cut into batches. Images are pooled; the columns of a table are scaled by their quantiles, because clipping
by minimum and maximum wastes the range on skewed columns. A category becomes a column for each of the usual ones, so
that all changes of it count the same; counts of words are bent, so that a few stand out. Quantising is for similarity
only: whether two inputs are *the same* is told by their digest.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec

LEVELS: Final = 127
MAX_FEATURES: Final = 1_040
"""127 x 127 x 1,040 stays below 2**24, the last whole number that float32 can count to."""
POOLED_SIDE: Final = 16
"""Images are pooled to at most 16 x 16 = 256 values."""
KNOTS: Final = 65
CODES: Final = 15
"""Most categories of one column that are told apart; all rarer ones are one."""
TWICE: Final = 2
"""Columns of each category, both alike: with another one four change, by 128 squared altogether. That is a square,
as the squared length of a step along a single number is."""
MATCHED: Final = 64
"""Level of the category that there is."""
MISSING: Final = 0.5
"""Where a number that is missing stands on the scale: as far from the least as from the greatest."""
MARK: Final = 128
"""Added to the level of a number that is missing, where that is to be known: levels leave this bit free."""
BLOCK: Final = 512
"""Rows that are quantised at a time, so that they stay in the cache, in memory that is used again."""
QUANTISED = np.dtype(np.uint8)


@dataclass(frozen=True)
class Encoder:
    """Turns inputs of one model into quantised rows."""

    spec: FeatureSpec
    knots: NDArray[np.float32]
    """(KNOTS, d) ascending quantiles of each table column, or the usual categories of one and then NaN; or (2, 1)
    minimum and maximum of an image's values; or (0, 0) where inputs are texts, or are not looked at."""

    @property
    def width(self) -> int:
        """Number of values of one quantised row."""
        if self.spec.kind == "categorical":
            places = _categories(self.spec)
            known = int(np.isfinite(self.knots[:, places]).sum())
            return self.size - len(places) + TWICE * (known + len(places))
        return int(self._pooled(np.zeros((1, self.size), np.float32)).shape[1])

    @property
    def size(self) -> int:
        """Number of features that the model takes."""
        size = self.spec.size
        if size is None:
            raise InputError("the feature specification has no shape")
        return size

    @classmethod
    def fit(cls, spec: FeatureSpec, sample: NDArray[np.float32]) -> Self:
        """Learn the scale from benign inputs.

        Args:
            spec: What the model takes; its range, where given, is kept.
            sample: (n, d) inputs.

        Raises:
            InputError: If the kind cannot be scaled or there are too many features.
        """
        if spec.kind in ("none", "text"):
            return cls(spec, np.zeros((0, 0), np.float32))
        if spec.kind == "categorical":
            told = cls(spec, _category_knots(spec, sample))
            _refuse_wide(told.width)
            return told
        _refuse_wide(cls(spec, np.zeros((0, 0), np.float32)).width)
        there = sample[np.isfinite(sample)]
        least, most = (float(there.min()), float(there.max())) if there.size else (0.0, 0.0)
        low = least if spec.minimum is None else spec.minimum
        high = most if spec.maximum is None else spec.maximum
        if spec.kind == "image" or (spec.minimum is not None and spec.maximum is not None):
            knots = np.array([[low], [max(high, np.nextafter(np.float32(low), np.float32(np.inf)))]], np.float32)
        else:
            knots = _quantiles(sample)
        return cls(spec, knots)

    def encode(self, inputs: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Quantise inputs.

        Args:
            inputs: (n, d) as logged.

        Returns:
            (n, width) from 0 to 127; values outside the fitted range are clipped.
        """
        if self.spec.kind == "text":
            return _bent(inputs)
        if self.spec.kind == "categorical":
            return self._told_apart(inputs)
        if len(inputs) <= BLOCK:
            return _levels(self._scaled(self._pooled(inputs)))
        return np.concatenate([self.encode(inputs[at : at + BLOCK]) for at in range(0, len(inputs), BLOCK)])

    def marked(self, inputs: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Quantise inputs, and mark the numbers that are missing.

        Args:
            inputs: (n, d) as logged.

        Returns:
            (n, width) as of `encode`, and MARK more where a number is missing. A category that is missing is one more
            category; of a picture a point is missing if one of those that were pooled is.
        """
        query = self.encode(inputs)
        # The largest value tells whether there is one.
        if self.spec.kind == "text" or not inputs.size or not np.isnan(inputs.max()):
            return query
        numbers = self._pooled(inputs)
        if self.spec.kind == "categorical":
            numbers = np.delete(inputs, _categories(self.spec), axis=1)
        query[:, : numbers.shape[1]] += MARK * np.isnan(numbers).astype(np.uint8)
        return query

    def coarse(self, inputs: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Round numbers to the levels on which inputs are compared, for a log that need not know them better.

        Categories stay as they are, and what is missing stays missing; what lies beyond the scale becomes its end.

        Args:
            inputs: (n, d) as the model takes them.

        Returns:
            (n, d), or None where inputs are texts, or are not looked at: there is nothing coarser to keep.
        """
        if not self.knots.size:
            return None
        kept = np.array(inputs, np.float32)
        if len(self.knots) == 2:
            # One scale for all: images have too many columns to go by each of them.
            return _rounded(kept.ravel(), self.knots[:, 0]).reshape(kept.shape)
        exact = set(_categories(self.spec).tolist()) if self.spec.kind == "categorical" else set()
        for column in range(kept.shape[1]):
            if column not in exact:
                kept[:, column] = _rounded(kept[:, column], self.knots[:, column])
        return kept

    def _pooled(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.spec.kind != "image":
            return inputs
        height, width = self.spec.shape[:2]
        rows, columns = -(-height // POOLED_SIDE), -(-width // POOLED_SIDE)
        if rows == columns == 1 and len(self.spec.shape) == 2:
            return inputs
        # Made float64 first: a mean that converts on the way sums in an order that depends on the batch.
        images = (
            inputs.reshape(len(inputs), height, width, self.size // (height * width)).astype(np.float64).mean(axis=3)
        )
        ragged = ((0, 0), (0, -height % rows), (0, -width % columns))
        padded = np.pad(images, ragged, mode="edge")
        down, across = padded.shape[1] // rows, padded.shape[2] // columns
        blocks = padded.reshape(len(inputs), down, rows, across, columns)
        pooled: NDArray[np.float32] = blocks.mean(axis=(2, 4)).reshape(len(inputs), down * across).astype(np.float32)
        return pooled

    def _told_apart(self, rows: NDArray[np.float32]) -> NDArray[np.uint8]:
        places = _categories(self.spec)
        others = np.setdiff1d(np.arange(self.size), places)
        numbers = Encoder(self.spec, self.knots[:, others])._scaled(rows[:, others])
        parts = [_levels(numbers)]
        for place in places:
            known = self.knots[:, place]
            same = rows[:, place, None] == known[np.isfinite(known)]
            rare = ~same.any(axis=1, keepdims=True)
            there = np.concatenate([same, rare], axis=1).repeat(TWICE, axis=1)
            parts.append(there.astype(np.uint8) * np.uint8(MATCHED))
        return np.concatenate(parts, axis=1)

    def _scaled(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        scaled: NDArray[np.float32]
        if len(self.knots) == 2:
            low, high = self.knots[:, 0]
            # Clipped and halved, which is exact, so that no difference overflows however far outside a value is.
            half = low / 2
            scaled = np.clip(values, low, high)
            scaled /= 2
            scaled -= half
            scaled /= high / 2 - half
            return scaled
        levels = np.linspace(0, 1, len(self.knots))
        scaled = np.empty(values.shape, np.float32)
        for column in range(values.shape[1]):
            scaled[:, column] = np.interp(values[:, column], self.knots[:, column], levels)
        return scaled


def _rounded(values: NDArray[np.float32], knots: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n,) values rounded to the levels of a scale; what is missing stays so."""
    levels = np.linspace(0, 1, len(knots))
    level = np.rint(np.interp(values, knots, levels) * LEVELS) / LEVELS
    rounded: NDArray[np.float32] = np.interp(level, levels, knots).astype(np.float32)
    return np.where(np.isnan(values), values, rounded)


def _levels(scaled: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Round numbers to the levels; they are overwritten."""
    np.clip(scaled, 0.0, 1.0, out=scaled)
    # Clipping keeps NaN, and the largest value tells whether there is one.
    if scaled.size and np.isnan(scaled.max()):
        scaled[np.isnan(scaled)] = MISSING
    scaled *= LEVELS
    return np.rint(scaled, out=scaled).astype(np.uint8)


def _refuse_wide(width: int) -> None:
    """Refuse rows that are too long to be compared exactly.

    Raises:
        InputError: If they are.
    """
    if width > MAX_FEATURES:
        raise InputError(f"{width:,} features are more than the {MAX_FEATURES:,} that can be compared exactly")


def _categories(spec: FeatureSpec) -> NDArray[np.int64]:
    """Return the columns (c,) that hold categories."""
    return np.array(sorted(set(spec.categories)) or range(spec.size or 0), np.int64)


def _quantiles(sample: NDArray[np.float32]) -> NDArray[np.float32]:
    # In float64, in which the difference of two float32 numbers never overflows.
    values, levels = sample.astype(np.float64), np.linspace(0, 1, KNOTS)
    knots = np.quantile(values, levels, axis=0)
    for place in np.flatnonzero(np.isnan(values).any(axis=0)).tolist():
        there = values[~np.isnan(values[:, place]), place]
        # Nothing can be said of a column in which every value is missing.
        knots[:, place] = np.quantile(there, levels) if there.size else levels
    narrow: NDArray[np.float32] = knots.astype(np.float32)
    return narrow


def _category_knots(spec: FeatureSpec, sample: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the quantiles of the numbers and, from the commonest on, the categories of the other columns."""
    knots, places = _quantiles(sample), _categories(spec)
    room = (MAX_FEATURES - sample.shape[1]) // (TWICE * max(1, len(places))) - 1
    knots[:, places] = np.nan
    for place in places:
        codes, counts = np.unique(sample[:, place], return_counts=True)
        codes, counts = codes[np.isfinite(codes)], counts[np.isfinite(codes)]
        # The first of equally common ones by its code, so that the order of a log does not count.
        usual = codes[np.argsort(-counts, kind="stable")][: max(1, min(CODES, room))]
        knots[: len(usual), place] = usual
    return knots


def _bent(counts: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale counts of words: the first of a kind says most."""
    held = np.clip(counts, 0, None).astype(np.float64)
    bent: NDArray[np.uint8] = np.rint(LEVELS * held / (1 + held)).astype(np.uint8)
    return bent
