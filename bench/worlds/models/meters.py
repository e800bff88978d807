"""World 12: days of electricity meters, 48 readings one after the other, of six sorts of customers, and a kernel model.

No package brings such rows: they are drawn here, each sort by its own hours.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.worlds.habits.of_series import SERIES
from bench.worlds.predictors import Learned
from bench.worlds.victims import Victim, pools, values
from caponier.records.inventory import FeatureSpec

Rows = NDArray[np.float32]
READINGS: Final = 48
EACH: Final = 1_500
"""Days of each sort of customer."""
HOURS: Final = {
    "flat": ((7.0, 1.2, 0.5), (20.0, 2.5, 1.0)),
    "family": ((7.0, 1.5, 0.8), (13.0, 2.0, 0.5), (19.0, 2.5, 1.0)),
    "shop": ((14.0, 4.5, 1.0),),
    "office": ((11.0, 3.5, 1.0), (15.0, 3.0, 0.7)),
    "bakery": ((4.5, 2.0, 1.0), (11.0, 4.0, 0.4)),
    "night heating": ((1.5, 2.0, 1.0), (20.0, 2.0, 0.4)),
}
"""When each sort uses most: hour, width and height of each hump of its day."""


def _drifting(n: int, keeps: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return (n, READINGS) normal noise, of which the next reading keeps so large a part."""
    noise = rng.standard_normal((n, READINGS))
    for at in range(1, READINGS):
        noise[:, at] = keeps * noise[:, at - 1] + np.sqrt(1 - keeps**2) * noise[:, at]
    return noise


def _days(sort: str, n: int, rng: np.random.Generator) -> Rows:
    """Draw n days of customers of a sort: their hours lie earlier or later, and machines come on now and then."""
    hours, day = np.arange(READINGS) / 2, np.full((n, READINGS), 0.15)
    for at, width, height in HOURS[sort]:
        middle, high = at + rng.normal(0, 1.3, n), height * np.exp(rng.normal(0, 0.4, n))
        away = (hours - middle[:, None] + 12) % 24 - 12
        day += high[:, None] * np.exp(-((away / (width * np.exp(rng.normal(0, 0.25, n)))[:, None]) ** 2))
    machine = (rng.random((n, READINGS)) < 0.04) * rng.exponential(0.8, (n, READINGS))
    used = (day * np.exp(0.3 * _drifting(n, 0.7, rng)) + machine) * np.exp(rng.normal(0, 0.6, n))[:, None]
    return np.asarray(np.round(used, 2), np.float32)


def _renew(rows: Rows, rng: np.random.Generator) -> Rows:
    """Read the meter on another day like it."""
    again = rows * np.exp(0.08 * _drifting(len(rows), 0.7, rng)) * np.exp(rng.normal(0, 0.05, len(rows)))[:, None]
    return np.asarray(np.round(again, 2), np.float32)


def _logs(rows: Rows) -> Rows:
    """Return readings as the model takes them; there are none below nought, and none that are no numbers."""
    return np.asarray(np.log1p(np.maximum(np.nan_to_num(rows), 0)), np.float32)


def trains(seed: int) -> Victim:
    """Draw the days and train the model."""
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    rng = np.random.default_rng(12)
    x = np.concatenate([_days(sort, EACH, rng) for sort in HOURS])
    train, calm, fresh, own = pools(x, np.repeat(np.arange(len(HOURS)), EACH), seed)
    near = Nystroem(gamma=0.01, n_components=200, random_state=seed)
    model: Any = make_pipeline(FunctionTransformer(_logs), StandardScaler(), near, LogisticRegression(max_iter=300))
    model.fit(train.rows, train.labels)
    return Victim(
        name="meters",
        description="days of electricity meters as 48 readings, a kernel model of six sorts of customers",
        spec=FeatureSpec(kind="numeric", shape=(READINGS,)),
        classes=tuple(HOURS),
        ask=Learned(model),
        train=train, calm=calm, fresh=fresh, own=own, renew=_renew, further=4.0, values=values(x), grows=True,
        habits=SERIES,
    )  # fmt: skip
