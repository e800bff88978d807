"""Cells: a short code that like queries share, whoever asks them.

Random hyperplanes (Charikar 2002), each through the middle of benign queries: inputs a small step apart almost always
lie on the same side of every plane. An attack that is split over many accounts still comes together in a cell or two.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from caponier.detect.similarity import RING

SEED: Final = 20_201_023
MOST_BITS: Final = 10
"""At most 1,024 cells: each holds a ring of queries in memory."""


@dataclass(frozen=True, eq=False)
class Cells:
    """How the queries of one model are shared out."""

    planes: NDArray[np.int8]
    """(b, width) one and minus one."""
    cuts: NDArray[np.int64]
    """(b,) a query lies beyond a plane if its product is above the cut."""

    @classmethod
    def fit(cls, queries: NDArray[np.uint8]) -> Self:
        """Lay the planes through the middle of benign queries (n, width), n at least 1.

        There are as many cells as leave each of them, in the mean, two rings of benign queries: in smaller ones few
        would be full enough to be judged by, in larger ones a search would be forgotten between what others ask.
        """
        n, width = queries.shape
        bits = int(np.clip(np.floor(np.log2(max(n / (2 * RING), 1))), 0, MOST_BITS))
        planes = np.random.default_rng(SEED).choice(np.array([-1, 1], np.int8), (bits, width))
        cuts = np.floor(np.median(_products(queries, planes), axis=0)) if bits else np.zeros(0)
        return cls(planes, cuts.astype(np.int64))

    @property
    def names(self) -> list[str]:
        """Name of each cell, by code."""
        return [f"cell-{code:03x}" for code in range(2 ** len(self.cuts))]

    def of(self, queries: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the code of the cell of each query (n, width), from 0 to 2**b - 1."""
        beyond = _products(queries, self.planes) > self.cuts
        codes: NDArray[np.int64] = beyond @ (1 << np.arange(len(self.cuts)))
        return codes


def _products(queries: NDArray[np.uint8], planes: NDArray[np.int8]) -> NDArray[np.float32]:
    # Whole numbers below 2**24, exact in float32 in whatever order they are added.
    products: NDArray[np.float32] = queries.astype(np.float32) @ planes.T.astype(np.float32)
    return products
