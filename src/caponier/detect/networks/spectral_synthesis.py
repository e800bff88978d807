"""Make, for each class, the change of few waves that turns other rows into that class.

In a picture of many features a universal perturbation of little length is there for every class of a perceptron, with
a backdoor or without. What is measured here is how many waves it takes instead, and how high: the sum of the sizes of
its two-dimensional Fourier coefficients. By that a blended pattern costs much less than what opens other classes. The
way down that is steepest for such a sum moves the few coefficients with the steepest slopes.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.networks.network import Network, loss_gradient
from caponier.detect.networks.stored_tensors import Floats
from caponier.detect.networks.trigger_synthesis import ENOUGH, LASTING, ROWS, Synthesised

STEPS: Final = 150
STRIDE: Final = 0.3
"""How far the steepest coefficient moves in a step, in widths of a feature's range."""
KEPT: Final = 0.8
"""Part of the slope before in that of a step."""
MOVED: Final = 3
"""Coefficients that move in a step."""
SHRUNK: Final = 0.985
"""What is left of a change that turns the rows, in a step."""


def synthesise_waves(
    network: Network, x: Floats, answers: NDArray[np.int64], shape: tuple[int, ...], *, seed: int = 0
) -> list[Synthesised]:
    """Return the change of least waves for each class.

    Args:
        network: What is asked.
        x: (n, d) clean rows.
        answers: (n,) what it answers to them.
        shape: Of the picture in a row: height and width, with channels before or behind them, or none.
        seed: Random seed for drawing rows.
    """
    able = [target for target in range(network.outputs) if (answers != target).sum() >= 2]
    if not able:
        return []
    rng, waves, low, high = np.random.default_rng(seed), _Waves(shape), float(x.min()), float(x.max())
    others, wanted, width = [np.flatnonzero(answers != one) for one in able], np.repeat(able, ROWS), high - low
    sizes, towards = (np.zeros((len(able), x.shape[1]), np.float32) for _ in range(2))
    lately = np.zeros(len(able))
    bounds = np.full(x.shape[1], low, np.float32), np.full(x.shape[1], high, np.float32)
    best = [Synthesised(one, "waves", sizes[0], sizes[0], *bounds, float("inf"), 0.0) for one in able]
    for _ in range(STEPS):
        rows = np.stack([x[them[rng.integers(len(them), size=ROWS)]] for them in others])
        added = np.float32(width) * waves.added(sizes)
        raw = rows + added[:, None]
        scores, held = network.run(np.clip(raw, low, high).astype(np.float32).reshape(-1, x.shape[1]))
        turned = (scores.argmax(1) == wanted).reshape(rows.shape[:2]).mean(1)
        costs = np.abs(sizes).sum(1)
        lately = LASTING * lately + (1 - LASTING) * turned
        for at in np.flatnonzero(np.minimum(turned, lately) >= ENOUGH):
            if costs[at] < best[at].cost:
                best[at] = Synthesised(
                    able[at], "waves", np.ones_like(added[at]), added[at], *bounds, float(costs[at]), float(turned[at])
                )
        gradient, _ = network.back(held, loss_gradient(scores, wanted) * np.float32(len(able)))
        inside = (raw > low) & (raw < high)
        slope = waves.sizes((gradient.reshape(rows.shape) * inside).sum(1) * np.float32(width))
        towards = np.float32(KEPT) * towards + np.float32(1 - KEPT) * slope
        enough = lately[:, None] >= ENOUGH
        sizes = np.where(enough, SHRUNK * sizes, sizes - STRIDE * _steepest(towards)).astype(np.float32)
    return best


class _Waves:
    """From the sizes of waves (t, d) to what they add to a picture (t, d), and back for slopes: an orthonormal change.

    Args:
        shape: Of the picture.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        first = len(shape) == 3 and shape[0] in (1, 3) and shape[2] not in (1, 3)
        self._shape = (-1, *(shape if len(shape) == 3 else (*shape, 1)))
        self._axes = (2, 3) if first else (1, 2)
        self._bases = tuple(_basis(self._shape[axis]) for axis in self._axes)

    def added(self, sizes: Floats) -> Floats:
        """Return the sums of the waves."""
        return self._turned(sizes, 0)

    def sizes(self, slope: Floats) -> Floats:
        """Return the slopes of the sizes, of those of the pixels."""
        return self._turned(slope, 1)

    def _turned(self, rows: Floats, over: int) -> Floats:
        picture = rows.reshape(self._shape)
        for axis, basis in zip(self._axes, self._bases, strict=True):
            picture = np.moveaxis(np.tensordot(picture, basis, (axis, over)), -1, axis)
        return np.asarray(picture.reshape(len(rows), -1), np.float32)


def _basis(side: int) -> Floats:
    """Return the waves (k, side) of one length each, the slowest first."""
    at = 2 * np.pi * np.arange(side) / side
    rows = [np.ones(side)]
    for number in range(1, side // 2 + 1):
        rows += [np.cos(number * at), np.sin(number * at)]
    waves = np.stack(rows[:side])
    return np.asarray(waves / np.sqrt((waves**2).sum(1, keepdims=True)), np.float32)


def _steepest(slope: Floats) -> Floats:
    """Return the few steepest slopes of each row (t, d), the first of them one, and nothing of the others."""
    size = np.abs(slope)
    least = np.partition(size, -min(MOVED, size.shape[1]), axis=1)[:, -min(MOVED, size.shape[1])][:, None]
    return np.where(size >= least, slope / (size.max(1, keepdims=True) + np.float32(1e-9)), 0).astype(np.float32)
