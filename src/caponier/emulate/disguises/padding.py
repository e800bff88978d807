"""Queries that tell an attacker nothing, sent so that a window over the last queries holds less of the attack."""

from collections.abc import Sequence

import numpy as np

from caponier.emulate.caller.oracle import Predict
from caponier.emulate.images import Images, shots


class Duplicates:
    """Sends every query several times, byte for byte.

    Args:
        accounts: How to ask; only the first account is used.
        copies: How often more each query is sent.
    """

    def __init__(self, accounts: Sequence[Predict], copies: int = 3) -> None:
        self._predict = accounts[0]
        self._copies = copies

    def __call__(self, rows: Images) -> Images:
        """Ask for rows (n, 64); return scores (n, 10)."""
        scores = self._predict(rows)
        for _ in range(self._copies):
            self._predict(rows)
        return scores


class Natural:
    """Sends photos of things of its own after every query.

    Args:
        accounts: How to ask; only the first account is used.
        images: What the attacker has to photograph, shape (m, 64).
        seed: Fixes the photos.
        photos: How many follow each query.
    """

    def __init__(self, accounts: Sequence[Predict], images: Images, seed: int, photos: int = 1) -> None:
        self._predict = accounts[0]
        self._images = images
        self._photos = photos
        self._rng = np.random.default_rng(seed)

    def __call__(self, rows: Images) -> Images:
        """Ask for rows (n, 64); return scores (n, 10)."""
        scores = self._predict(rows)
        for _ in range(len(rows) * self._photos):
            self._predict(shots(self._images[self._rng.integers(len(self._images))][None], self._rng))
        return scores
