"""World 13: windows of a pump's nine sensors, some of which are missing (NaN), and the nearest centroid.

No package brings such rows: they are drawn here, each state of a pump by how its sensors go together. What is missing
is not there at all: nobody fills it, and the model leaves it out.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.worlds.habits.of_windows import WINDOWS, lost
from bench.worlds.victims import Victim, pools, values
from caponier.records.inventory import FeatureSpec

Rows = NDArray[np.float32]
SENSORS: Final = ("flow", "pressure in", "pressure out", "speed", "current", "bearing", "oil", "shaking", "noise")
STEPS: Final = 5
EACH: Final = 1_600
"""Windows of each state."""
STATES: Final = {
    "runs": (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
    "idles": (0.1, 1.2, 0.5, 0.4, 0.4, 0.7, 0.8, 0.5, 0.5),
    "worn": (0.9, 1.0, 0.9, 1.0, 1.15, 1.5, 1.3, 1.9, 1.4),
    "takes air": (0.7, 0.5, 0.7, 1.05, 0.8, 1.0, 1.0, 2.2, 2.0),
    "blocked": (0.3, 1.3, 1.5, 0.95, 1.35, 1.1, 1.1, 1.3, 1.2),
}
"""What each sensor shows on the whole, by the state."""
USUAL: Final = np.array([42.0, 1.8, 6.4, 1480.0, 23.0, 58.0, 46.0, 2.1, 71.0])
"""What each sensor shows when the pump runs: cubic metres an hour, bars, turns a minute, amperes, degrees, mm/s, dB."""


def _windows(state: str, n: int, rng: np.random.Generator) -> Rows:
    """Draw n windows (n, STEPS * SENSORS), one step after the other: machines differ, and sensors wander together."""
    middle = np.array(STATES[state]) * np.exp(rng.normal(0, 0.3, (n, len(SENSORS))))
    load = np.exp(rng.normal(0, 0.1, n))[:, None, None] ** np.array([1, -0.3, 0.6, 0.2, 0.8, 0.3, 0.2, 0.5, 0.4])
    walk = rng.normal(0, 0.025, (n, STEPS, len(SENSORS))).cumsum(axis=1) + rng.normal(0, 0.02, (n, STEPS, len(SENSORS)))
    found = USUAL * middle[:, None] * load * np.exp(walk)
    return np.asarray(np.round(found, 2).reshape(n, -1), np.float32)


def _renew(rows: Rows, rng: np.random.Generator) -> Rows:
    """Read the same sensors some minutes later."""
    n = len(rows)
    moved = rng.normal(0, 0.03, (n, 1, len(SENSORS))) + rng.normal(0, 0.015, (n, STEPS, len(SENSORS)))
    return np.asarray(np.round(rows * np.exp(moved).reshape(n, -1), 2), np.float32)


@dataclass(frozen=True, eq=False)
class Centroids:
    """The nearest of the classes' middles, (k, d) in units of `spread` (d,), over those readings that are there."""

    middles: NDArray[np.float64]
    spread: NDArray[np.float64]
    warmth: float

    def __call__(self, rows: Rows) -> Rows:
        """Return the scores (n, k): all alike where nothing is there."""
        scaled = np.asarray(rows, np.float64) / self.spread
        there = np.isfinite(scaled)
        off = np.where(there[:, None], np.where(there, scaled, 0.0)[:, None] - self.middles, 0.0)
        away = np.minimum((off**2).sum(axis=2) / np.maximum(1, there.sum(axis=1))[:, None], 1e6)
        powers = np.exp(-(away - away.min(axis=1, keepdims=True)) / self.warmth)
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def centroids(x: Rows, y: NDArray[np.int64]) -> Centroids:
    """Learn the middles of complete rows (n, d) of classes (n,), and the warmth that fits the scores."""
    spread = np.mean([x[y == k].std(axis=0) for k in range(int(y.max()) + 1)], axis=0).astype(np.float64) + 1e-9
    middles = np.stack([x[y == k].mean(axis=0) / spread for k in range(int(y.max()) + 1)])
    tried = [Centroids(middles, spread, float(warmth)) for warmth in np.geomspace(0.01, 2, 12)]
    right = [np.log(one(x)[np.arange(len(y)), y] + 1e-9).mean() for one in tried]
    return tried[int(np.argmax(right))]


def trains(seed: int) -> Victim:
    """Draw the windows and learn the middles."""
    rng = np.random.default_rng(13)
    x = np.concatenate([_windows(state, EACH, rng) for state in STATES])
    train, calm, fresh, own = pools(x, np.repeat(np.arange(len(STATES)), EACH), seed)
    return Victim(
        name="pumps",
        description="windows of a pump's nine sensors, some of them missing, nearest centroid of five states",
        spec=FeatureSpec(kind="numeric", shape=(STEPS * len(SENSORS),)),
        classes=tuple(STATES),
        ask=centroids(train.rows, train.labels),
        train=train, calm=calm, fresh=fresh, own=own, renew=_renew, further=4.0, values=values(x), grows=True,
        habits=WINDOWS, befalls=lost,
    )  # fmt: skip
