"""A network with one hidden layer, trained without looking at its data again in every round.

scikit-learn's own networks look through what they are given before each round of `partial_fit`: on sets as small as
those of the emulations that takes four times as long as learning from them. What comes out here is what comes out
there, weight for weight.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from caponier.emulate.images import CLASSES, Images, Labels

BATCH: Final = 200
FORGETTING: Final = (0.9, 0.999)
"""Of the mean of the slopes, and of that of their squares, from step to step (Kingma and Ba, Adam, 2015)."""
LEAST: Final = 1e-8

Array = npt.NDArray[Any]
Parameters = tuple[list[Array], list[Array]]
"""Weights and biases, those of the hidden layer first."""


@dataclass(frozen=True)
class Schooling:
    """How a network is trained.

    Args:
        hidden: Units of the hidden layer.
        rounds: Times that it sees every example.
        seed: Fixes the first weights and the order of the examples.
        decay: By how much weights are pulled towards 0.
        rate: Size of a step.
    """

    hidden: int
    rounds: int
    seed: int
    decay: float
    rate: float = 0.001

    def classifier(self, images: Images, labels: Labels) -> Parameters:
        """Learn the classes (n,) of images (n, f).

        Raises:
            ValueError: If a number is not finite.
        """
        return self._trained(images, labels[:, None] == np.arange(CLASSES), _softmax)

    def regressor(self, images: Images, told: Images) -> Parameters:
        """Learn numbers (n, k) that stand with images (n, f).

        Raises:
            ValueError: If one of them, or of the images', is not finite.
        """
        return self._trained(images, told, lambda outputs: outputs)

    def _trained(self, images: Images, told: Array, ending: Any) -> Parameters:
        if not (np.isfinite(images).all() and np.isfinite(told).all()):
            raise ValueError("a network learns from finite numbers alone")
        rng = np.random.RandomState(self.seed)
        sizes = [images.shape[1], self.hidden, told.shape[1]]
        layers = [_first(rng, *pair, images.dtype) for pair in pairwise(sizes)]
        weights, biases = [layer[0] for layer in layers], [layer[1] for layer in layers]
        steps = _Steps([*weights, *biases], self.rate)
        for number in range(self.rounds):
            # The order of every round but the first, before which the weights were drawn, is the same.
            if number < 2:
                rng = rng if number == 0 else np.random.RandomState(self.seed)
                order = np.arange(len(images))
                rng.shuffle(order)
                seen, wanted = images[order], told[order]
            for at in range(0, len(images), BATCH):
                slopes = self._slopes(seen[at : at + BATCH], wanted[at : at + BATCH], weights, biases, ending)
                steps.take(slopes)
        return weights, biases

    def _slopes(
        self, images: Images, told: Array, weights: list[Array], biases: list[Array], ending: Any
    ) -> list[Array]:
        n = len(images)
        inside = np.maximum(images @ weights[0] + biases[0], 0)
        outer = ending(inside @ weights[1] + biases[1]) - told
        inner = outer @ weights[1].T
        inner[inside == 0] = 0
        pulled = [
            (given.T @ wrong + self.decay * weight) / n
            for given, wrong, weight in ((images, inner, weights[0]), (inside, outer, weights[1]))
        ]
        return [*pulled, *(wrong.sum(axis=0) / n for wrong in (inner, outer))]


def _first(rng: np.random.RandomState, taken: int, given: int, dtype: Any) -> tuple[Array, Array]:
    """Draw the weights and biases that a layer begins with (Glorot and Bengio, 2010)."""
    bound = np.sqrt(6 / (taken + given))
    weights = rng.uniform(-bound, bound, (taken, given)).astype(dtype)
    return weights, rng.uniform(-bound, bound, given).astype(dtype)


def _softmax(outputs: Array) -> Array:
    odds: Array = np.exp(outputs - outputs.max(axis=1)[:, None])
    odds /= odds.sum(axis=1)[:, None]
    return odds


class _Steps:
    """Changes parameters in place, a step for each batch, by slopes that are smoothed over the last ones."""

    def __init__(self, parameters: list[Array], rate: float) -> None:
        self._parameters, self._rate, self._taken = parameters, rate, 0
        self._means = [np.zeros_like(one) for one in parameters]
        self._squares = [np.zeros_like(one) for one in parameters]

    def take(self, slopes: list[Array]) -> None:
        slow, slower = FORGETTING
        self._taken += 1
        rate = self._rate * np.sqrt(1 - slower**self._taken) / (1 - slow**self._taken)
        for at, slope in enumerate(slopes):
            self._means[at] = mean = slow * self._means[at] + (1 - slow) * slope
            self._squares[at] = square = slower * self._squares[at] + (1 - slower) * slope**2
            self._parameters[at] += -rate * mean / (np.sqrt(square) + LEAST)
