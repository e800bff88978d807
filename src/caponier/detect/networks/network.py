"""A plain network: layers one after the other, from flat rows as a data set has them to one score a class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from caponier.detect.networks.layers import MOST_DONE, MOST_HELD, Gradients, NetworkLayer, refuse_beyond
from caponier.detect.networks.stored_tensors import Floats, StoredTensor

BLOCK = 512
"""Rows that are computed at once."""
AT_ONCE = 100_000_000
"""Multiplications that are done at once; no layer holds more numbers than that."""
Place = tuple[int, str]
"""Of a tensor: the number of its layer, and its name there."""


@dataclass(frozen=True, eq=False)
class Network:
    """A network that is computed here.

    Args:
        layers: In their order; the last one that learned anything gives the scores.
        stored: Where each tensor lies in the file, of those that can be written anew.
    """

    layers: tuple[NetworkLayer, ...]
    stored: Mapping[Place, StoredTensor]

    def scores(self, x: Floats) -> Floats:
        """Return (n, c) scores of rows (n, d), before any softmax."""
        block = max(1, min(BLOCK, AT_ONCE // max(1, self.work(x)))) if len(x) > 1 else 1
        return np.concatenate([self.run(x[at : at + block])[0] for at in range(0, max(len(x), 1), block)])

    def answers(self, x: Floats) -> NDArray[np.int64]:
        """Return the class (n,) of each row (n, d)."""
        found: NDArray[np.int64] = self.scores(x).argmax(1)
        return found

    def run(self, x: Floats, start: int = 0) -> tuple[Floats, list[object]]:
        """Return scores, and what each layer holds for the way back, from a layer on.

        Raises:
            ValueError: If a layer does not take what the one before gives, or all of them hold or multiply too much.
        """
        held: list[object] = []
        size = done = 0
        with np.errstate(over="ignore", invalid="ignore"):
            for layer in self.layers[start:]:
                x, kept = layer.forward(x)
                held.append(kept)
                size += x.size + sum(one.size for one in _arrays(kept))
                done += len(x) * _multiplications(layer, x)
                refuse_beyond(size, 2 * MOST_HELD)
                refuse_beyond(done, MOST_DONE, "multiplications takes longer")
        return x, held

    def back(
        self, held: Sequence[object], gradient: Floats, *, weights: bool = False
    ) -> tuple[Floats, list[Gradients]]:
        """Return the gradient of the rows, and of each layer's tensors, from that of the scores (n, c)."""
        gradients: list[Gradients] = []
        with np.errstate(over="ignore", invalid="ignore"):
            for layer, kept in zip(reversed(self.layers), reversed(held), strict=True):
                gradient, own = layer.backward(kept, gradient, weights=weights)
                gradients.append(own)
        return gradient, gradients[::-1]

    def work(self, x: Floats) -> int:
        """Return the multiplications that one of the rows (n, d) takes on its way forward."""
        x, count = x[:1], 0
        for layer in self.layers:
            with np.errstate(over="ignore", invalid="ignore"):
                x, _ = layer.forward(x)
            count += _multiplications(layer, x)
        return count

    def copy(self) -> "Network":
        """Return a network with tensors of its own."""
        layers = []
        for layer in self.layers:
            twin = object.__new__(type(layer))
            twin.__dict__.update(layer.__dict__)
            twin.tensors = {name: values.copy() for name, values in layer.tensors.items()}
            layers.append(twin)
        return replace(self, layers=tuple(layers))

    @property
    def outputs(self) -> int:
        """How many classes there are."""
        return len(self.last.tensors["bias"]) if len(self.last.tensors["bias"]) > 1 else 2

    @property
    def last(self) -> NetworkLayer:
        """The layer that gives the scores."""
        return next(layer for layer in reversed(self.layers) if "weight" in layer.tensors)


def _multiplications(layer: NetworkLayer, answer: Floats) -> int:
    """Return how many it takes to answer one row."""
    if layer.tensors:
        return layer.tensors["weight"].size * (answer[0, 0].size if answer.ndim == 4 else 1)
    return answer[:1].size


def _arrays(kept: object) -> list[NDArray[np.generic]]:
    return [one for one in (kept if isinstance(kept, tuple) else (kept,)) if isinstance(one, np.ndarray)]


def softmax(scores: Floats) -> Floats:
    """Return (n, c) shares of 1."""
    odds = np.exp(scores - scores.max(1, keepdims=True))
    shares: Floats = odds / odds.sum(1, keepdims=True)
    return shares


def loss_gradient(scores: Floats, wanted: NDArray[np.int64]) -> Floats:
    """Return the gradient (n, c) of the mean cross-entropy."""
    shares = softmax(scores)
    shares[np.arange(len(wanted)), wanted] -= 1
    return shares / np.float32(len(wanted))
