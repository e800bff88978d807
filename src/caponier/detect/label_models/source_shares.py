"""Which sources have more flagged rows than chance and the others explain."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.dataset import SourceShare

Mask = NDArray[np.bool_]

SOURCE_CHANCE: Final = 1e-3
"""Probability, over all sources, with which an ordinary source would be said to stand out."""
SOURCE_RATIO: Final = 2.0
SOURCE_FLOOR: Final = 0.01
"""Share flagged that is taken for granted in every source."""


def source_shares(sources: NDArray[np.object_], flagged: Mask) -> tuple[SourceShare, ...]:
    """Return the share of each source (n,) that is flagged (n,), beside that of all others."""
    names, places = np.unique(sources.astype(str), return_inverse=True)
    rows, hits = np.bincount(places), np.bincount(places, weights=flagged).astype(np.int64)
    shares = []
    for name, n, k in zip(names.tolist(), rows.tolist(), hits.tolist(), strict=True):
        elsewhere = (int(hits.sum()) - k) / max(1, len(flagged) - n)
        expected = max(elsewhere, SOURCE_FLOOR)
        chance = binomial_tail(k, n, min(expected, 1.0))
        loud = len(names) > 1 and k / n >= SOURCE_RATIO * expected and chance < SOURCE_CHANCE / len(names)
        shares.append(SourceShare(name, n, k, round(elsewhere, 4), loud))
    return tuple(shares)


def binomial_tail(k: int, n: int, p: float) -> float:
    """Return the probability of k or more hits in n tries."""
    if k <= 0 or p >= 1:
        return 1.0
    logs = (
        math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * math.log(p) + (n - i) * math.log1p(-p)
        for i in range(k, n + 1)
    )
    return min(1.0, math.fsum(math.exp(value) for value in logs))
