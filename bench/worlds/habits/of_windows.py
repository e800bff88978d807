"""Benign habits of callers of a model of windows, nine sensors at each of five steps, and what befalls their sensors.

What is missing is NaN: nobody puts anything in its place, but for those who go on with the last value there was.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.worlds.habits.ground import Ground, Kind, repeated
from bench.worlds.traffic import Calls, Part

Rng = np.random.Generator
SENSORS: Final = 9
HOUR: Final = 3_600.0
PLANTS: Final = 6
"""Callers belong to as many plants, and a plant's sensors fail for all its callers at once."""
FAILS: Final = 0.03
"""Share of the hours in which one sensor of a plant is lost."""


def _of(*parts: Any) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big")


def _without(rows: Any, sensors: NDArray[np.bool_]) -> Any:
    """Leave out sensors, (n, SENSORS) or (SENSORS,), of rows (n, d) at each step."""
    steps = rows.shape[1] // SENSORS
    out = np.broadcast_to(sensors, (len(rows), SENSORS))
    return np.where(np.tile(out, (1, steps)), np.nan, rows).astype(np.float32)


def lost(part: Part, rng: Rng) -> Part:
    """Return a caller's calls as its plant's sensors let them be: some fail for an hour, and come back.

    Two in three callers leave out what is lost. Of the others half send nought, half the last value there was.
    """
    plant, rows = _of(part.principal) % PLANTS, np.array(part.calls.rows, np.float32)
    hours = (part.times // HOUR).astype(np.int64)
    fails = {hour: _of("pumps", plant, hour) for hour in np.unique(hours).tolist()}
    sensor = np.array([(fails[hour] >> 20) % SENSORS for hour in hours.tolist()])
    failed = np.array([fails[hour] % 1_000 < FAILS * 1_000 for hour in hours.tolist()])
    out = failed[:, None] & (sensor[:, None] == np.arange(SENSORS))
    gone = np.isnan(_without(rows, out)) & ~np.isnan(rows)
    way = rng.choice(3, p=[2 / 3, 1 / 6, 1 / 6])
    if way < 2:
        rows[gone] = (np.nan, 0.0)[way]
    else:
        for at in range(1, len(rows)):
            rows[at, gone[at]] = rows[at - 1, gone[at]]
    return replace(part, calls=replace(part.calls, rows=rows))


def moving(ground: Ground, rng: Rng, n: int) -> Calls:
    """A window that moves on by a step or two: most of each row is the row before, earlier."""
    stride, width = int(rng.integers(1, 3)), ground.pool.rows.shape[1]
    own = np.flatnonzero(ground.answers == rng.choice(ground.answers))
    stream = ground.rows(rng.choice(own, -(-n * stride * SENSORS // width) + 1), rng).ravel()
    return Calls(stream[np.arange(n)[:, None] * stride * SENSORS + np.arange(width)].astype(np.float32), "steady")


def never_there(ground: Ground, rng: Rng, n: int) -> Calls:
    """An older pump without some of the sensors."""
    out = np.zeros(SENSORS, bool)
    out[rng.choice(SENSORS, int(rng.integers(1, 6)), replace=False)] = True
    return Calls(_without(ground.some(n, rng), out))


def comes_and_goes(ground: Ground, rng: Rng, n: int) -> Calls:
    """A loose plug: sensors are away for stretches, longer ones later, and come back."""
    out, at = np.zeros((n, SENSORS), bool), 0
    while at < n:
        at += int(rng.geometric(1 / 25))
        away = int(rng.geometric(1 / (5 + at / 50)))
        out[at : at + away, rng.choice(SENSORS, int(rng.integers(1, 4)), replace=False)] = True
        at += away
    return Calls(_without(ground.some(n, rng), out), "steady")


def patchy(ground: Ground, rng: Rng, n: int) -> Calls:
    """Readings by radio: each may be lost, at times more than half of them."""
    rows, share = ground.some(n, rng), rng.uniform(0.05, 0.7)
    return Calls(np.where(rng.random(rows.shape) < share, np.nan, rows).astype(np.float32), "steady")


def not_yet(ground: Ground, rng: Rng, n: int) -> Calls:
    """A window that is asked about as it fills, a step more each time."""
    steps = ground.pool.rows.shape[1] // SENSORS
    rows, known = repeated(ground.some(-(-n // steps), rng), steps, n), (np.arange(n) % steps + 1) * SENSORS
    return Calls(np.where(np.arange(rows.shape[1]) < known[:, None], rows, np.nan).astype(np.float32), "steady")


def off_scale(ground: Ground, rng: Rng, n: int) -> Calls:
    """A sensor that was set up otherwise: what it shows is a tenth to a half more or less."""
    rows = np.array(ground.some(n, rng), np.float32)
    rows[:, int(rng.integers(SENSORS)) :: SENSORS] *= rng.choice([0.5, 0.8, 0.9, 1.1, 1.3, 1.5])
    return Calls(rows)


def dark(ground: Ground, rng: Rng, n: int) -> Calls:
    """A gateway whose power fails: rows with nothing in them at all, until it is back."""
    away = (np.arange(n) // int(rng.integers(5, 40))) % int(rng.integers(3, 9)) == 1
    return Calls(np.where(away[:, None], np.nan, ground.some(n, rng)).astype(np.float32), "steady")


WINDOWS: Final[Mapping[str, Kind]] = {
    "moving": Kind(moving, 5, 6), "never_there": Kind(never_there, 4, 4), "comes_and_goes": Kind(comes_and_goes, 3, 4),
    "patchy": Kind(patchy, 3, 4), "not_yet": Kind(not_yet, 2, 3), "off_scale": Kind(off_scale, 2, 2),
    "dark": Kind(dark, 1, 2),
}  # fmt: skip
