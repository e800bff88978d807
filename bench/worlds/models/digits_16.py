"""World 8: scikit-learn's digits, drawn larger as 16 x 16 pixels, and a network of one hidden layer."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.worlds.pictures import photographed
from bench.worlds.predictors import Learned
from bench.worlds.victims import Victim, pools
from caponier.records.inventory import FeatureSpec

SIDE: Final = 16


def _renew(rows: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    return photographed(rows, SIDE, rng)


def trains(seed: int) -> Victim:
    """Train the network."""
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits
    from sklearn.neural_network import MLPClassifier

    x, y = load_digits(return_X_y=True)
    larger = np.clip(zoom(x.reshape(-1, 8, 8) / 16, (1, 2, 2), order=1), 0, 1).reshape(len(x), -1).astype(np.float32)
    train, calm, fresh, own = pools(larger, y.astype(np.int64), seed, (0.4, 0.6, 0.8))
    rng = np.random.default_rng(seed)
    shown = np.concatenate([train.rows, _renew(train.rows, rng), _renew(train.rows, rng)])
    model: Any = MLPClassifier((96,), max_iter=120, tol=1e-3, random_state=seed).fit(shown, np.tile(train.labels, 3))
    return Victim(
        name="digits_16",
        description="scikit-learn's digits as 16 x 16 pixels, a network of one hidden layer",
        spec=FeatureSpec(kind="image", shape=(SIDE, SIDE), minimum=0.0, maximum=1.0),
        classes=tuple("0123456789"),
        ask=Learned(model),
        train=train, calm=calm, fresh=fresh, own=own, renew=_renew, further=3.5, latency=5.0,
    )  # fmt: skip
