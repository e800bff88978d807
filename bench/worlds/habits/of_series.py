"""Benign habits of callers of a model of readings one after the other, as meters and sensors write them."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from bench.worlds.habits.ground import Ground, Kind, repeated
from bench.worlds.traffic import Calls

Rng = np.random.Generator


def rolling(ground: Ground, rng: Rng, n: int) -> Calls:
    """A window that moves on by a few readings at a time: most of each row is the row before, shifted."""
    width, stride = ground.pool.rows.shape[1], int(rng.integers(1, 9))
    readings = ground.some(-(-n * stride // width) + 1, rng).ravel()
    return Calls(readings[np.arange(n)[:, None] * stride + np.arange(width)].astype(np.float32), "steady")


def so_far(ground: Ground, rng: Rng, n: int) -> Calls:
    """A row that is asked again as it fills: readings that are not there yet are a usual day's."""
    width = ground.pool.rows.shape[1]
    stride, usual = int(rng.integers(1, 7)), np.median(ground.pool.rows, axis=0)
    steps = -(-width // stride)
    rows, known = repeated(ground.some(-(-n // steps), rng), steps, n), (np.arange(n) % steps + 1) * stride
    return Calls(np.where(np.arange(width) < known[:, None], rows, usual).astype(np.float32), "steady")


def gaps(ground: Ground, rng: Rng, n: int) -> Calls:
    """A bad line: a stretch of readings is lost, and the last one before it stands for all."""
    width = ground.pool.rows.shape[1]
    rows, begin = ground.some(n, rng), rng.integers(0, width, n)
    end = begin + rng.geometric(1 / rng.uniform(2, width / 2), n)
    at = np.arange(width)
    lost = (at >= begin[:, None]) & (at < end[:, None])
    return Calls(np.where(lost, rows[np.arange(n), begin][:, None], rows).astype(np.float32))


def other_units(ground: Ground, rng: Rng, n: int) -> Calls:
    """A client that sends what it measures by another rate: everything is two or four times as much, or half."""
    return Calls((ground.some(n, rng) * rng.choice([0.5, 2, 4])).astype(np.float32))


def stands_still(ground: Ground, rng: Rng, n: int) -> Calls:
    """A meter that nobody uses: next to nothing, but for a reading now and then."""
    rows: Any = ground.some(1, rng).min() * (1 + 0.1 * rng.random((n, ground.pool.rows.shape[1])))
    now_and_then = rng.random(rows.shape) < 0.01
    return Calls(np.where(now_and_then, ground.some(n, rng), rows).astype(np.float32), "steady")


SERIES: Final[Mapping[str, Kind]] = {
    "rolling": Kind(rolling, 4, 5), "so_far": Kind(so_far, 3, 4), "gaps": Kind(gaps, 2, 2),
    "other_units": Kind(other_units, 1, 1), "stands_still": Kind(stands_still, 1, 2),
}  # fmt: skip
