"""In which order a caller sends what it asks around many inputs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Order:
    """Goes round `inputs` inputs, with `each` queries around one before the next; who is done makes place for another.

    One input in turn is one after the other; a few queries each are restarts, for each input is left and begun again.
    """

    inputs: int = 1
    each: int = 1
    shuffled: bool = False

    def of(self, lengths: Sequence[int], rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return, for each query of the whole, which search (m,) it is of and the how manieth there (m,)."""
        waiting = list(range(len(lengths)))
        going, waiting = waiting[: self.inputs], waiting[self.inputs :]
        sent = [0] * len(lengths)
        found: list[tuple[int, int]] = []
        while going:
            turn = rng.permutation(len(going)).tolist() if self.shuffled else range(len(going))
            for place in list(turn):
                one = going[place]
                upto = min(lengths[one], sent[one] + self.each)
                found += [(one, at) for at in range(sent[one], upto)]
                sent[one] = upto
                if upto == lengths[one] and waiting:
                    going[place] = waiting.pop(0)
            going = [one for one in going if sent[one] < lengths[one]]
        which, at = np.array(found, np.int64).T
        return which, at
