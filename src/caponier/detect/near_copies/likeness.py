"""How alike rows are: by the share of what they say that they say together.

A mutant keeps most cells of its parent and changes some out of all proportion, so a distance that adds up differences
calls it a stranger. Here each cell counts by how rare its value is (the information of it, in natural units), and two
rows are as alike as the information that both share. What nearly all rows have in common counts for nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.trigger_patterns.scale import is_picture

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]

SHADES, STEPS = 4, 16
"""Values of a pixel that are told apart, and of a column of numbers: of equal frequency."""
FINE: Final = 0.01
"""Part of the middle half of a column's values that is too little to make two values different."""
COLUMNS, FEWEST_COLUMNS = 96, 16
"""The most telling columns of wide or many rows; the others follow them."""
CELLS: Final = 16_000_000
"""Values of all vectors together up to which as many columns are taken as there are."""


@dataclass(frozen=True, eq=False)
class Likeness:
    """Rows as vectors whose inner product is how alike they are.

    Args:
        vectors: (n, m) of length 1.
        told: (n,) how much each row says, in natural units.
    """

    vectors: Vectors
    told: Floats

    @classmethod
    def of(cls, x: Floats) -> "Likeness":
        """Weigh the cells of rows (n, d)."""
        grids = _shades if is_picture(x) else _steps
        columns = [_Column(tuple(grids(x, at))) for at in range(x.shape[1])]
        telling = sorted((column for column in columns if column.entropy > 0), key=lambda one: -one.entropy)
        most = max(FEWEST_COLUMNS, CELLS // (2 * STEPS * len(x)))
        telling = telling[: min(COLUMNS, most)]
        parts = [column.weighted() for column in telling]
        vectors = np.concatenate(parts, axis=1) if parts else np.zeros((len(x), 1), np.float32)
        told = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
        vectors /= np.sqrt(np.maximum(told, 1e-12))[:, None].astype(np.float32)
        return cls(vectors, told)


@dataclass(frozen=True, eq=False)
class _Column:
    """The values of a column on one grid, or on two that are half a step apart: what is near is together on one."""

    grids: tuple[NDArray[np.int64], ...]

    @property
    def entropy(self) -> float:
        shares = np.bincount(self.grids[0]) / len(self.grids[0])
        return float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())

    def weighted(self) -> Vectors:
        """Return (n, values): the root of its information where a row has the value."""
        parts = []
        for grid in self.grids:
            shares = np.maximum(np.bincount(grid), 1) / len(grid)
            weights = np.sqrt(-np.log(shares) / len(self.grids)).astype(np.float32)
            parts.append((grid[:, None] == np.arange(len(shares))).astype(np.float32) * weights)
        return np.concatenate(parts, axis=1)


def _shades(x: Floats, column: int) -> Iterator[NDArray[np.int64]]:
    low, high = float(x.min()), float(x.max())
    light = (x[:, column] - low) / max(high - low, 1e-12) * (SHADES - 1)
    yield from (np.floor(light).astype(np.int64), np.round(light).astype(np.int64))


def _steps(x: Floats, column: int) -> Iterator[NDArray[np.int64]]:
    different, places = np.unique(x[:, column], return_inverse=True)
    if len(different) <= STEPS:
        yield places.astype(np.int64)
        return
    low, high = np.quantile(x[:, column], [0.25, 0.75])
    grain = FINE * float(high - low) or FINE * float(x[:, column].std())
    # Ranks among different values: a hundred copies of one value, all but equal, take no more room than one.
    different, places = np.unique(np.round(x[:, column] / grain), return_inverse=True)
    ranks = places / max(1, len(different) - 1) * STEPS
    yield from (np.floor(ranks).astype(np.int64), np.round(ranks).astype(np.int64))
