"""Cells: a short code that like queries share, whoever asks them.

Random hyperplanes (Charikar 2002), each through the middle of benign queries: inputs a small step apart almost always
lie on the same side of every plane. An attack that is split over many accounts still comes together in a cell or two.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from caponier.detect.similarity.nearest_query import RING

SEED: Final = 20_201_023
MOST_BITS: Final = 10
"""At most 1,024 cells: each holds a ring of queries in memory."""
ENOUGH: Final = 60
"""Cells with a ring of benign queries, so that they can be ranked (see `judging.FEWEST`)."""


@dataclass(frozen=True, eq=False)
class Cells:
    """How the queries of one model are shared out."""

    planes: NDArray[np.int8]
    """(b, width) one and minus one."""
    cuts: NDArray[np.int64]
    """(b,) a query lies beyond a plane if its product is above the cut."""

    @classmethod
    def fit(cls, queries: NDArray[np.uint8], of: int | None = None) -> Self:
        """Lay the planes through the middle of benign queries.

        There are as many cells as leave each of them, in the mean, two rings of benign queries: in larger ones a search
        would be forgotten between what others ask. Where so few cells could not be judged by, there are as many more as
        it takes, if there are enough queries at all.

        Args:
            queries: A sample (n, width), n at least 1.
            of: How many benign queries there are; n by default.
        """
        n, width = queries.shape
        scale = max(of or n, n) / n
        planes = np.random.default_rng(SEED).choice(np.array([-1, 1], np.int8), (MOST_BITS, width))
        products = _products(queries, planes)
        cuts = np.floor(np.median(products, axis=0)).astype(np.int64)
        codes = _codes(products, cuts)
        least = int(np.clip(np.floor(np.log2(max(n * scale / (2 * RING), 1))), 0, MOST_BITS))
        full = [(np.bincount(codes % 2**bits) * scale >= RING).sum() for bits in range(MOST_BITS + 1)]
        bits = next((bits for bits in range(least, MOST_BITS + 1) if full[bits] >= ENOUGH), least)
        return cls(planes[:bits], cuts[:bits])

    @property
    def names(self) -> list[str]:
        """Name of each cell, by code."""
        return [f"cell-{code:03x}" for code in range(2 ** len(self.cuts))]

    def of(self, queries: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the code of the cell of each query (n, width), from 0 to 2**b - 1."""
        return _codes(_products(queries, self.planes), self.cuts)


def _products(queries: NDArray[np.uint8], planes: NDArray[np.int8]) -> NDArray[np.float32]:
    # Whole numbers below 2**24, exact in float32 in whatever order they are added.
    products: NDArray[np.float32] = queries.astype(np.float32) @ planes.T.astype(np.float32)
    return products


def _codes(products: NDArray[np.float32], cuts: NDArray[np.int64]) -> NDArray[np.int64]:
    codes: NDArray[np.int64] = (products > cuts) @ (1 << np.arange(len(cuts)))
    return codes
