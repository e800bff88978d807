"""Adam (Kingma, Ba 2015) on the tensors of a network that can be written back into its file, with a falling rate."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.networks.layers import Gradients
from caponier.detect.networks.network import Network, Place
from caponier.detect.networks.stored_tensors import Floats

FORGETTING: Final = (0.9, 0.99)


@dataclass(eq=False)
class Adam:
    """What is remembered from step to step.

    Args:
        rate: Size of the first step; the last one is nearly nothing.
        steps: How many there will be.
    """

    rate: float
    steps: int
    done: int = 0
    moments: dict[Place, Floats] = field(default_factory=dict)
    squares: dict[Place, Floats] = field(default_factory=dict)
    used: dict[Place, NDArray[np.bool_]] | None = None
    """Where weights were not zero in the beginning, if what was silenced is to stay so."""

    @classmethod
    def of(cls, network: Network, rate: float, steps: int, *, silence: bool = False) -> "Adam":
        """Begin with a network as it is; `silence` keeps weights at 0 that are 0."""
        adam = cls(rate, steps)
        for at, name in network.stored:
            tensor = network.layers[at].tensors[name]
            adam.moments[at, name], adam.squares[at, name] = np.zeros_like(tensor), np.zeros_like(tensor)
        if silence:
            adam.used = {(at, name): network.layers[at].tensors[name] != 0 for at, name in network.stored}
        return adam

    def step(self, network: Network, gradients: list[Gradients], decay: float = 0.0) -> None:
        """Move the network's tensors, in place, against their gradients, and weights towards 0 by `decay`."""
        self.done += 1
        rate = self.rate * (1 - (self.done - 1) / self.steps)
        fast, slow = FORGETTING
        for at, name in self.moments:
            slope = gradients[at][name]
            moment, square = self.moments[at, name], self.squares[at, name]
            moment += np.float32(1 - fast) * (slope - moment)
            square += np.float32(1 - slow) * (slope**2 - square)
            size = np.sqrt(square / np.float32(1 - slow**self.done)) + np.float32(1e-8)
            move = moment / np.float32(1 - fast**self.done) / size
            if self.used is not None:
                move = move * self.used[at, name]
            if decay and name == "weight":
                move = move + np.float32(decay) * network.layers[at].tensors[name]
            network.layers[at].tensors[name] -= np.float32(rate) * move
