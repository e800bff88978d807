"""What a pattern does to a model: how often rows of other labels take its label once it is put on them.

The model is a ridge classifier on random rectified features (Rahimi, Recht 2008), which has an exact solution, so that
one without a group of rows costs no second training. It learns a backdoor as networks do, if less readily.
"""

from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from caponier.detect.trigger_patterns.pattern import Floats, Mask, Pattern

FEATURES: Final = 600
ASKED: Final = 400
"""Rows of other labels that the pattern is put on."""
RIDGE: Final = 1.0
BLOCK: Final = 4_096


class EffectModel:
    """Learns labels from rows, and forgets groups of them.

    Args:
        z: (n, d) rows on one scale, in an order that does not depend on the file's.
        y: (n,) labels as numbers from 0.
        classes: How many there are.
    """

    def __init__(self, z: Floats, y: NDArray[np.int64], classes: int) -> None:
        rng = np.random.default_rng(0)
        self._z, self._y, self._classes = z, y, classes
        self._weights = rng.normal(0, 1 / np.sqrt(z.shape[1]), (z.shape[1], FEATURES))
        self._bias = rng.normal(0, 0.5, FEATURES)
        self._gram, self._moments = self._sums(np.ones(len(y), bool))
        self._learned = self._solved(self._gram, self._moments)

    def without(self, rows: Mask) -> Self:
        """Return the model that has never seen some rows (n,)."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        gram, moments = self._sums(rows)
        other._learned = self._solved(self._gram - gram, self._moments - moments)
        return other

    def answers(self, z: Floats) -> NDArray[np.int64]:
        """Return the label of each row (m, d)."""
        parts = [(self._features(z[at : at + BLOCK]) @ self._learned).argmax(axis=1) for at in range(0, len(z), BLOCK)]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def success(self, pattern: Pattern) -> float:
        """Return the share of rows of other labels that get the pattern's label by it, and not without it."""
        others = np.flatnonzero((self._y != pattern.label) & ~pattern.rows)
        plain = self._z[others[:: max(1, len(others) // ASKED)]]
        if not len(plain):
            return 0.0
        moved = self.answers(pattern.put_on(plain)) == pattern.label
        # Those that bear the label without it show nothing; few do, and only what moved is asked about.
        return float((self.answers(plain[moved]) != pattern.label).sum()) / len(plain)

    def _sums(self, rows: Mask) -> tuple[Floats, Floats]:
        gram: Floats = np.zeros((FEATURES + 1, FEATURES + 1))
        moments: Floats = np.zeros((FEATURES + 1, self._classes))
        chosen = np.flatnonzero(rows)
        for at in range(0, len(chosen), BLOCK):
            part = chosen[at : at + BLOCK]
            features = self._features(self._z[part])
            gram += features.T @ features
            moments += features.T @ np.eye(self._classes)[self._y[part]]
        return gram, moments

    def _features(self, z: Floats) -> Floats:
        features: Floats = np.c_[np.maximum(z @ self._weights + self._bias, 0), np.ones(len(z))]
        return features

    def _solved(self, gram: Floats, moments: Floats) -> Floats:
        return np.asarray(np.linalg.solve(gram + RIDGE * np.eye(FEATURES + 1), moments), np.float64)
