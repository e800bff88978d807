"""A small network of our own that stands in for the user's model: it is trained before and after a repair.

One hidden layer, in plain numpy, trained with Adam (Kingma, Ba 2015) and given no protection against wrong labels: as
with the models that it stands in for, what it learns is what the rows say. It is of another family than the models of
the detectors, so that a repair is not judged by those who asked for it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from caponier.errors import InputError

Floats = NDArray[np.float64]

FORMAT: Final = "caponier.reference-model/1"
HIDDEN: Final = 64
STEPS: Final = 2_500
BATCH: Final = 64
RATE: Final = 3e-3
DECAY: Final = 1e-4
HEADER_LIMIT: Final = 2**20


@dataclass(frozen=True, eq=False)
class ReferenceModel:
    """A trained network.

    Args:
        classes: What it can answer.
        mean: (d,) of the training features.
        spread: (d,) their standard deviation, 1 where it is 0.
        inner: (d, h) weights.
        inner_bias: (h,)
        outer: (h, c) weights.
        outer_bias: (c,)
    """

    classes: tuple[str, ...]
    mean: Floats
    spread: Floats
    inner: Floats
    inner_bias: Floats
    outer: Floats
    outer_bias: Floats

    def answers(self, x: Floats) -> list[str]:
        """Return the class of each row (n, d)."""
        hidden = np.maximum((x - self.mean) / self.spread @ self.inner + self.inner_bias, 0)
        best = (hidden @ self.outer + self.outer_bias).argmax(axis=1)
        return [self.classes[label] for label in best]

    def accuracy(self, x: Floats, labels: list[str]) -> float:
        """Return the share of right answers on (n, d) rows."""
        right = [answer == label for answer, label in zip(self.answers(x), labels, strict=True)]
        return round(float(np.mean(right)), 6)

    def to_bytes(self) -> bytes:
        """Return the model as a safetensors file, which holds numbers and no code."""
        names = ("mean", "spread", "inner", "inner_bias", "outer", "outer_bias")
        metadata = {"format": FORMAT, "classes": orjson.dumps(list(self.classes)).decode()}
        return _in_order(save({name: np.ascontiguousarray(getattr(self, name)) for name in names}, metadata))


def _in_order(data: bytes) -> bytes:
    """Sort the header: the library writes metadata in another order each time, and the digest would be another one."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = orjson.dumps(orjson.loads(data[8:end]), option=orjson.OPT_SORT_KEYS)
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data[end:]


def train(x: Floats, y: NDArray[np.int64], classes: tuple[str, ...], seed: int = 0) -> ReferenceModel:
    """Train on (n, d) finite features and (n,) positions in `classes`; the same rows and seed give the same model."""
    rng = np.random.default_rng(seed)
    mean, spread = x.mean(axis=0), x.std(axis=0)
    # A pixel that is almost always dark must not count hundredfold when it is lit once.
    spread = np.maximum(spread, 0.1 * float(spread.max(initial=0.0)) if _one_scale(spread) else 1e-12)
    rows, targets = (x - mean) / spread, np.eye(len(classes))[y]
    weights = [
        rng.normal(0, np.sqrt(2 / x.shape[1]), (x.shape[1], HIDDEN)),
        np.zeros(HIDDEN),
        rng.normal(0, np.sqrt(1 / HIDDEN), (HIDDEN, len(classes))),
        np.zeros(len(classes)),
    ]
    moments, squares = [np.zeros_like(part) for part in weights], [np.zeros_like(part) for part in weights]
    for step in range(1, STEPS + 1):
        drawn = rng.integers(0, len(rows), BATCH)
        rate = RATE * (1 - (step - 1) / STEPS)
        for at, gradient in enumerate(_gradients(weights, rows[drawn], targets[drawn])):
            moments[at] = 0.9 * moments[at] + 0.1 * gradient
            squares[at] = 0.999 * squares[at] + 0.001 * gradient**2
            corrected = np.sqrt(squares[at] / (1 - 0.999**step)) + 1e-8
            weights[at] = weights[at] - rate * (moments[at] / (1 - 0.9**step) / corrected + DECAY * weights[at])
    return ReferenceModel(classes, mean, spread, *weights)


def is_reference_model(data: bytes) -> bool:
    """Tell whether a file is one of ours, by its header alone."""
    return _metadata(data).get("format") == FORMAT


def load_reference_model(data: bytes, where: str) -> ReferenceModel:
    """Read a model back; safetensors hold no code.

    Raises:
        InputError: If the file is none of ours, or broken.
    """
    metadata = _metadata(data)
    if metadata.get("format") != FORMAT:
        raise InputError("this is no model that Caponier trained", where=where)
    try:
        parts = load(data)
        classes = tuple(str(name) for name in orjson.loads(metadata["classes"]))
        return ReferenceModel(classes, **{name: array.astype(np.float64) for name, array in parts.items()})
    except (SafetensorError, KeyError, TypeError, ValueError) as broken:
        raise InputError(f"the model is broken: {broken}", where=where) from broken


def _one_scale(spread: Floats) -> bool:
    """Tell pixels, which share one scale, from a table's columns."""
    used = spread[spread > 0]
    return bool(used.size and used.max() <= 1_000 * float(np.median(used)) and used.size >= 32)


def _gradients(weights: list[Floats], x: Floats, targets: Floats) -> list[Floats]:
    inner, inner_bias, outer, outer_bias = weights
    hidden = np.maximum(x @ inner + inner_bias, 0)
    scores = hidden @ outer + outer_bias
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    error = (odds / odds.sum(axis=1, keepdims=True) - targets) / len(x)
    back = (error @ outer.T) * (hidden > 0)
    return [x.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0)]


def _metadata(data: bytes) -> dict[str, str]:
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > min(HEADER_LIMIT, len(data) - 8):
        return {}
    try:
        header = orjson.loads(data[8 : 8 + size])
    except orjson.JSONDecodeError:
        return {}
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    return metadata if isinstance(metadata, dict) else {}
