"""What somebody who copies a model makes of its answers: a network of the attacker's own, and how well it agrees.

Every extraction is judged by the same copy, so that their figures can be held against each other: what differs is what
was asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caponier.emulate.images import Images, Labels
from caponier.emulate.network import Schooling
from caponier.emulate.victims.digits import SEEDS, Pool
from caponier.formats.one_thread import one_thread

HIDDEN, EPOCHS, RATE = 64, 150, 0.003
LEAST = 1e-4
"""Scores below this are taken for it: what a server rounds to zero says no more."""


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A trained copy: a network with one hidden layer.

    Args:
        inner: Weights (64, HIDDEN) and biases (HIDDEN,) of the hidden layer.
        outer: Those of the outputs, (HIDDEN, 10) and (10,).
    """

    inner: tuple[Any, Any]
    outer: tuple[Any, Any]

    def logits(self, images: Images) -> Images:
        """Return the copy's outputs (n, 10) for images (n, 64)."""
        outputs: Images = self._hidden(images) @ self.outer[0] + self.outer[1]
        return outputs

    def margins(self, images: Images) -> Images:
        """Return how far the copy's first choice is ahead of its second, (n,); little is where it is unsure."""
        ranked = np.sort(self.logits(images), axis=1)
        ahead: Images = ranked[:, -1] - ranked[:, -2]
        return ahead

    def gradients(self, images: Images, labels: Labels) -> Images:
        """Return the gradients (n, 64) of the outputs for the given labels (n,) by the images (n, 64)."""
        active = self._hidden(images) > 0
        slopes: Images = (active * self.outer[0][:, labels].T) @ self.inner[0].T
        return slopes

    def agreement(self, exam: Pool) -> float:
        """Return the share of images to which the copy gives the answer that stands with them."""
        return float((self.logits(exam.images).argmax(axis=1) == exam.labels).mean())

    def _hidden(self, images: Images) -> Any:
        return np.maximum(images @ self.inner[0] + self.inner[1], 0)


def train_surrogate(images: Images, scores: Images, seed: int) -> Surrogate:
    """Train a copy on the logarithms of the scores (n, 10) of images (n, 64): they say more than labels."""
    told = np.log(np.clip(scores, LEAST, 1))
    told -= told.mean(axis=1, keepdims=True)
    # Matrices this small only lose by being shared among cores.
    with one_thread():
        schooling = Schooling(HIDDEN, EPOCHS, seed % SEEDS, decay=1e-3, rate=RATE)
        (inner, outer), (inner_bias, outer_bias) = schooling.regressor(images, told)
    return Surrogate((inner, inner_bias), (outer, outer_bias))


def agreement_of(asked: Sequence[Images], scores: Sequence[Images], exam: Pool, seed: int) -> float:
    """Return how well a copy agrees that was trained on some images and their scores; 0 without any."""
    if not len(asked):
        return 0.0
    return train_surrogate(np.array(asked), np.array(scores), seed).agreement(exam)


def few_of_each_class(labels: Labels, n: int, seed: int) -> tuple[Labels, Labels]:
    """Choose `n` images, about as many of each class, as the paper's attacker does; return their and the other rows."""
    order = np.random.default_rng(seed).permutation(len(labels))
    turn = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        turn[rows] = np.arange(len(rows))
    ranked = order[np.argsort(turn[order], kind="stable")]
    return ranked[:n], ranked[n:]
