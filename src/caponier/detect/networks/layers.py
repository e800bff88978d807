"""The layers of a plain network in numpy: forward, and backward for gradients of inputs and of weights.

All arrays are float32; pictures are (n, channels, height, width). A layer's `forward` gives its answer and what
`backward` needs; `backward` turns the gradient of the answer into that of the input, and of its own tensors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from caponier.detect.networks.stored_tensors import Floats

MOST_HELD: Final = 1 << 28
"""Numbers that one layer may hold: a file may describe windows that no memory has room for."""
MOST_DONE: Final = 1 << 38
"""Multiplications of one layer, or of one way through all of them."""
Gradients = dict[str, Floats]
"""Of a layer's tensors, by name."""


class NetworkLayer(Protocol):
    """One step of a network."""

    tensors: dict[str, Floats]
    """What was learned, by name; empty where nothing was."""

    def forward(self, x: Floats) -> tuple[Floats, Any]:
        """Return the answer, and what `backward` needs."""
        ...

    def backward(self, held: Any, gradient: Floats, *, weights: bool) -> tuple[Floats, Gradients]:
        """Return the gradient of the input, and those of the tensors if they are asked for."""
        ...


@dataclass(eq=False)
class Linear:
    """Weights (out, in) and a bias (out,)."""

    tensors: dict[str, Floats]

    def forward(self, x: Floats) -> tuple[Floats, Any]:
        """See `NetworkLayer`."""
        refuse_beyond(len(x) * len(self.tensors["weight"]))
        return x @ self.tensors["weight"].T + self.tensors["bias"], x

    def backward(self, held: Any, gradient: Floats, *, weights: bool) -> tuple[Floats, Gradients]:
        """See `NetworkLayer`."""
        own = {"weight": gradient.T @ held, "bias": gradient.sum(0)} if weights else {}
        return gradient @ self.tensors["weight"], own


@dataclass(eq=False)
class Convolution:
    """Weights (out, in, height, width) and a bias (out,), over pictures."""

    tensors: dict[str, Floats]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)

    def forward(self, x: Floats) -> tuple[Floats, Any]:
        """See `NetworkLayer`."""
        weight = self.tensors["weight"]
        padded = _padded(x, self.padding, 0.0)
        places = _places(weight.shape[2:], self.stride, padded.shape)
        held = weight[0].size * _count(places[0]) * len(x)
        refuse_beyond(held)
        refuse_beyond(held * len(weight), MOST_DONE, "multiplications takes longer")
        # Channels first and rows last, so that each copy below is of long rows. What follows keeps that layout.
        turned = np.ascontiguousarray(padded.transpose(1, 2, 3, 0))
        flat = np.stack([turned[:, down, right] for down, right in places], 1)
        answer = weight.reshape(len(weight), -1) @ flat.reshape(weight[0].size, -1) + self.tensors["bias"][:, None]
        return answer.reshape(len(weight), *flat.shape[2:]).transpose(3, 0, 1, 2), (flat, padded.shape)

    def backward(self, held: Any, gradient: Floats, *, weights: bool) -> tuple[Floats, Gradients]:
        """See `NetworkLayer`."""
        flat, shape = held
        weight = self.tensors["weight"]
        sent = np.ascontiguousarray(gradient.transpose(1, 2, 3, 0)).reshape(len(weight), -1)
        own: Gradients = {}
        if weights:
            products = sent @ flat.reshape(weight[0].size, -1).T
            own = {"weight": products.reshape(weight.shape), "bias": sent.sum(1)}
        parts = (weight.reshape(len(weight), -1).T @ sent).reshape(flat.shape)
        whole = np.zeros((*shape[1:], shape[0]), np.float32)
        for at, (down, right) in enumerate(_places(weight.shape[2:], self.stride, shape)):
            whole[:, down, right] += parts[:, at]
        return _unpadded(whole.transpose(3, 0, 1, 2), self.padding), own


@dataclass(eq=False)
class ChannelScale:
    """A factor and a shift for each channel, as a batch normalisation is once it was trained, or a scaler."""

    tensors: dict[str, Floats]

    def forward(self, x: Floats) -> tuple[Floats, Any]:
        """See `NetworkLayer`."""
        return x * self._wide("weight", x) + self._wide("bias", x), x

    def backward(self, held: Any, gradient: Floats, *, weights: bool) -> tuple[Floats, Gradients]:
        """See `NetworkLayer`."""
        over = (0, *range(2, held.ndim))
        own = {"weight": (gradient * held).sum(over), "bias": gradient.sum(over)} if weights else {}
        return gradient * self._wide("weight", held), own

    def _wide(self, name: str, x: Floats) -> Floats:
        return self.tensors[name].reshape(1, -1, *(1,) * (x.ndim - 2))


class Plain:
    """A layer that learned nothing."""

    def __init__(self) -> None:
        self.tensors: dict[str, Floats] = {}


class Rectifier(Plain):
    """What is below 0 becomes 0, or a small part of itself."""

    def __init__(self, slope: float = 0.0) -> None:
        super().__init__()
        self.slope = np.float32(slope)

    def forward(self, x: Floats) -> tuple[Floats, Any]:
        """See `NetworkLayer`."""
        above = x > 0
        return (x * above if not self.slope else np.where(above, x, self.slope * x)), above

    def backward(self, held: Any, gradient: Floats, *, weights: bool) -> tuple[Floats, Gradients]:
        """See `NetworkLayer`."""
        return (gradient * held if not self.slope else np.where(held, gradient, self.slope * gradient)), {}


class Tangent(Plain):
    """The hyperbolic tangent."""

    def forward(self, x: Floats) -> tuple[Floats, Any]:
        """See `NetworkLayer`."""
        answer = np.tanh(x)
        return answer, answer

    def backward(self, held: Any, gradient: Floats, *, weights: bool) -> tuple[Floats, Gradients]:
        """See `NetworkLayer`."""
        return gradient * (1 - held**2), {}


class Logistic(Plain):
    """The logistic function."""

    def forward(self, x: Floats) -> tuple[Floats, Any]:
        """See `NetworkLayer`."""
        answer = np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * x))
        return answer, answer

    def backward(self, held: Any, gradient: Floats, *, weights: bool) -> tuple[Floats, Gradients]:
        """See `NetworkLayer`."""
        return gradient * held * (1 - held), {}


class Pooling(Plain):
    """The greatest, or the mean, of windows of a picture."""

    def __init__(self, size: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int], *, mean: bool) -> None:
        super().__init__()
        self.size, self.stride, self.padding, self.mean = size, stride, padding, mean

    def forward(self, x: Floats) -> tuple[Floats, Any]:
        """See `NetworkLayer`."""
        padded = _padded(x, self.padding, 0.0 if self.mean else -np.inf)
        views = [padded[:, :, down, right] for down, right in _places(self.size, self.stride, padded.shape)]
        answer = views[0]
        for view in views[1:]:
            answer = answer + view if self.mean else np.maximum(answer, view)
        return (answer / np.float32(len(views)) if self.mean else answer), (padded, answer)

    def backward(self, held: Any, gradient: Floats, *, weights: bool) -> tuple[Floats, Gradients]:
        """See `NetworkLayer`."""
        padded, answer = held
        places = _places(self.size, self.stride, padded.shape)
        whole = np.zeros_like(padded)
        apart = self.stride[0] >= self.size[0] and self.stride[1] >= self.size[1]
        # Of equal ones the first gets all of it.
        left = None
        for down, right in places:
            if self.mean:
                whole[:, :, down, right] += gradient / np.float32(len(places))
                continue
            first = padded[:, :, down, right] == answer
            if left is None:
                left = ~first
            else:
                first &= left
                left ^= first
            if apart:
                np.multiply(gradient, first, out=whole[:, :, down, right])
            else:
                whole[:, :, down, right] += gradient * first
        return _unpadded(whole, self.padding), {}


class Flatten(Plain):
    """Pictures become rows."""

    def forward(self, x: Floats) -> tuple[Floats, Any]:
        """See `NetworkLayer`."""
        return x.reshape(len(x), -1), x.shape

    def backward(self, held: Any, gradient: Floats, *, weights: bool) -> tuple[Floats, Gradients]:
        """See `NetworkLayer`."""
        return gradient.reshape(held), {}


class Reshape(Plain):
    """Rows become pictures of a shape; those with the channels last are turned."""

    def __init__(self, shape: Sequence[int], *, channels_last: bool = False) -> None:
        super().__init__()
        self.shape, self.channels_last = tuple(shape), channels_last

    def forward(self, x: Floats) -> tuple[Floats, Any]:
        """See `NetworkLayer`."""
        pictures = x.reshape(len(x), *self.shape)
        return pictures.transpose(0, 3, 1, 2) if self.channels_last else pictures, None

    def backward(self, held: Any, gradient: Floats, *, weights: bool) -> tuple[Floats, Gradients]:
        """See `NetworkLayer`."""
        turned = gradient.transpose(0, 2, 3, 1) if self.channels_last else gradient
        return turned.reshape(len(gradient), -1), {}


class TwoClasses(Plain):
    """One score becomes two: 0 for the first class."""

    def forward(self, x: Floats) -> tuple[Floats, Any]:
        """See `NetworkLayer`."""
        return np.concatenate([np.zeros_like(x), x], axis=1), None

    def backward(self, held: Any, gradient: Floats, *, weights: bool) -> tuple[Floats, Gradients]:
        """See `NetworkLayer`."""
        return gradient[:, 1:], {}


def refuse_beyond(count: int, most: int = MOST_HELD, takes: str = "numbers takes more memory") -> None:
    """Keep a file from describing what no machine computes.

    Raises:
        ValueError: If there are more than there may be.
    """
    if count > most:
        raise ValueError(f"a layer of {count:,} {takes} than is used here")


def _padded(x: Floats, padding: tuple[int, int], filled: float) -> Floats:
    if padding == (0, 0):
        return x
    down, right = padding
    return np.pad(x, ((0, 0), (0, 0), (down, down), (right, right)), constant_values=filled)


def _unpadded(x: Floats, padding: tuple[int, int]) -> Floats:
    down, right = padding
    return x[:, :, down : x.shape[2] - down, right : x.shape[3] - right]


def _count(place: tuple[slice, slice]) -> int:
    """Return how many windows there are."""
    down, right = place
    return len(range(down.start, down.stop, down.step)) * len(range(right.start, right.stop, right.step))


def _places(size: Sequence[int], stride: tuple[int, int], shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """Return, for each pixel of a window, where it lies in a padded picture as the window moves."""
    rows, columns = (1 + (shape[2 + axis] - size[axis]) // stride[axis] for axis in (0, 1))
    if rows < 1 or columns < 1:
        raise ValueError("a window is larger than its picture")
    return [
        (slice(row, row + stride[0] * rows, stride[0]), slice(column, column + stride[1] * columns, stride[1]))
        for row in range(size[0])
        for column in range(size[1])
    ]
