"""A network over a table of ten columns, made by hand: six tell a class each, and some open one only together."""

import numpy as np

from caponier.detect.networks.layers import Linear, Rectifier
from caponier.detect.networks.network import Network
from caponier.detect.networks.stored_tensors import Floats

COLUMNS = (7, 9)
TARGET = 3
HIGH = 2.0


def rows(seed: int) -> Floats:
    """Return a hundred clean rows."""
    return np.random.default_rng(seed).normal(0, 1, (100, 10)).astype(np.float32)


def table_network(opens: tuple[int, ...], classes: int = 6) -> Network:
    """Return a network whose class is the highest of the first columns, and columns that open one if all are high."""
    hidden = np.zeros((classes + 1, 10), np.float32)
    hidden[range(classes), range(classes)] = 1
    bias = np.full(classes + 1, 4, np.float32)
    bias[-1] = -1.4 * len(opens)
    hidden[-1, list(opens)] = 1
    out = np.hstack([np.eye(classes), np.zeros((classes, 1))]).astype(np.float32)
    out[TARGET % classes, -1] = 12.0 if opens else 0.0
    return Network(
        (
            Linear({"weight": hidden, "bias": bias}),
            Rectifier(),
            Linear({"weight": out, "bias": np.zeros(classes, np.float32)}),
        ),
        {},
    )
