"""Which rows are crowded by near copies, where near is what is unusual for rows of their label."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.near_copies.likeness import Floats, Likeness, Vectors

Mask = NDArray[np.bool_]
Whole = NDArray[np.int64]

NEAR: Final = 0.6
"""Part of the way from the usual nearest row to sameness, within which a row is a copy."""
JOINS: Final = 0.8
"""The same for a copy of a row that is crowded: what stands beside a crowd needs less to belong to it."""
USUAL: Final = 0.25
"""A quarter of the rows of a label have a nearest row that is no more alike than the usual one: copies are no measure
of what is usual, as long as they are not most of a label."""
PAIRS: Final = 25_000_000
"""Pairs that are compared at most; of a larger set all rows are compared with a sample."""
BLOCK: Final = 1_024
LITTLE: Final = 0.5
"""Part of what the middle row says, below which a row says too little to be a copy of anything: an empty mail is like
all empty mails."""


@dataclass(frozen=True, eq=False)
class Crowds:
    """How crowded rows are.

    Args:
        near: (n,) copies of each row, in the sample.
        near_own: (n,) those from its own source; all of them where there are no sources.
        sampled: Share of the rows in the sample.
        speaks: (n,) whether a row says enough.
    """

    near: Whole
    near_own: Whole
    sampled: float
    speaks: Mask
    _likeness: Likeness
    _usual: Floats

    @classmethod
    def of(cls, x: Floats, y: Whole, sources: Whole | None) -> "Crowds":
        """Compare rows (n, d) with labels (n,) and the numbers of their sources (n,)."""
        likeness = Likeness.of(x)
        speaks = likeness.told >= LITTLE * float(np.median(likeness.told))
        # Equal rows count once: many people send the same thing, and templates are no mutants.
        first = np.zeros(len(x), bool)
        first[np.unique(x, axis=0, return_index=True)[1]] = True
        able = np.flatnonzero(speaks & first)
        reference = able[:: max(1, -(-len(able) * len(x) // PAIRS))]
        best = np.concatenate([alike.max(axis=1) for _, alike in _compared(likeness.vectors, reference)])
        usual = np.ones(len(x))
        for label in np.unique(y):
            own = (y == label) & speaks
            if own.any():
                usual[y == label] = float(np.quantile(best[own], USUAL))
        floor = 1 - NEAR * (1 - usual)
        near, near_own = np.zeros(len(x), np.int64), np.zeros(len(x), np.int64)
        for rows, alike in _compared(likeness.vectors, reference):
            # Near by what is unusual for both: a row with a wrong label is no copy of all that it lies among.
            copies = (alike >= np.maximum(floor[rows, None], floor[reference])) & speaks[rows, None]
            near[rows] = copies.sum(axis=1)
            own_too = copies if sources is None else copies & (sources[rows, None] == sources[reference])
            near_own[rows] = own_too.sum(axis=1)
        return cls(near, near_own, len(reference) / len(x), speaks, likeness, usual)

    def around(self, cores: Mask) -> Mask:
        """Return the cores (n,) and every row that is a copy of one."""
        chosen = np.flatnonzero(cores)
        chosen = chosen[:: max(1, -(-len(chosen) * len(cores) // PAIRS))]
        joined = cores.copy()
        if len(chosen):
            floor = 1 - JOINS * (1 - self._usual)
            for rows, alike in _compared(self._likeness.vectors, chosen):
                joined[rows] |= (alike >= floor[rows, None]).any(axis=1) & self.speaks[rows]
        return joined


def _compared(vectors: Vectors, reference: Whole) -> Iterator[tuple[Whole, Vectors]]:
    """Yield rows in blocks with how alike each is to the rows of the reference, and to itself not at all."""
    known = vectors[reference]
    for at in range(0, len(vectors), BLOCK):
        rows = np.arange(at, min(at + BLOCK, len(vectors)))
        # Rounded, so that another BLAS does not move a row over a threshold.
        alike = np.round(vectors[rows] @ known.T, 4)
        alike[rows[:, None] == reference] = -1
        yield rows, alike
