"""A model that goes on learning from what its users send back, as those do that are to follow their users."""

from typing import Any, Final

import numpy as np
from threadpoolctl import threadpool_limits

from caponier.emulate.images import CLASSES, FEATURES, Images, Labels, shots
from caponier.emulate.victims.digits import SEEDS, Pool
from caponier.extras import needs

HIDDEN: Final = 384
"""Random features that the model is linear in: what it learns from one photo carries over to others like it."""
EPOCHS: Final = 20
SHOTS: Final = 6
TRAINING: Final = 0.01
LEARNING: Final = 0.0003
"""Sizes of a step while the model is trained, and for each piece of feedback."""


class OnlineLearner:
    """A classifier, trained on photos of a pool's images, that takes a step for each piece of feedback.

    Args:
        pool: What it learns from before it is put to use.
        seed: Fixes photos and their order.
    """

    def __init__(self, pool: Pool, seed: int) -> None:
        with needs("emulate", "Training a victim"):
            from sklearn.linear_model import SGDClassifier
        rng = np.random.default_rng(seed)
        self._inner = rng.standard_normal((FEATURES, HIDDEN), np.float32) / np.float32(4)
        self._bias = rng.standard_normal(HIDDEN, np.float32) / np.float32(2)
        self._model: Any = SGDClassifier(
            loss="log_loss", learning_rate="constant", eta0=TRAINING, random_state=seed % SEEDS, alpha=1e-5
        )
        photos = self._features(shots(np.tile(pool.images, (SHOTS, 1)), rng, shift_share=0.5))
        labels = np.tile(pool.labels, SHOTS)
        with threadpool_limits(1):
            for _ in range(EPOCHS):
                order = rng.permutation(len(photos))
                self._model.partial_fit(photos[order], labels[order], classes=np.arange(CLASSES))
        self._model.set_params(eta0=LEARNING)

    def predict_proba(self, rows: Images) -> Images:
        """Return scores (n, 10) of images (n, 64), float32."""
        logits = self._features(rows) @ self._model.coef_.T + self._model.intercept_
        odds = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
        scores: Images = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
        return scores

    def answers(self, rows: Images) -> Labels:
        """Return the class (n,) that it gives to each of the images (n, 64)."""
        classes: Labels = self.predict_proba(rows).argmax(axis=1)
        return classes

    def learn(self, rows: Images, labels: Labels) -> None:
        """Take what was sent back: images (n, 64) with the classes (n,) that users say they are, in their order."""
        if len(rows):
            self._model.partial_fit(self._features(rows), labels)

    def _features(self, rows: Images) -> Images:
        features: Images = np.maximum(rows @ self._inner + self._bias, 0)
        return features
