"""Benign habits that grow in use, of callers of a model of numbers or pictures, and how many more come later."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.worlds.habits.ground import Ground, Kind, repeated
from bench.worlds.traffic import Calls

Rng = np.random.Generator


def _spread(ground: Ground) -> NDArray[np.float32]:
    return np.asarray(ground.pool.rows.std(axis=0), np.float32)


def _bounded(rows: Any, ground: Ground) -> Any:
    low, high = ground.pool.rows.min(axis=0), ground.pool.rows.max(axis=0)
    return np.clip(rows, low, high).astype(np.float32)


def reviews(ground: Ground, rng: Rng, n: int) -> Calls:
    """A queue for people to look at: the longer it goes on, the more of it is what the model is unsure of."""
    hard = np.argsort(ground.margin)[: max(20, len(ground.pool) // 10)]
    unsure = rng.random(n) < np.minimum(0.9, 0.1 + np.arange(n) / 400)
    return Calls(ground.rows(np.where(unsure, rng.choice(hard, n), ground.pick(n, rng)), rng))


def failing_source(ground: Ground, rng: Rng, n: int) -> Calls:
    """A source that fails bit by bit: ever more values are missing, and zeros stand for them."""
    rows, share = ground.some(n, rng), np.minimum(0.8, np.arange(n) / 500)
    return Calls(np.where(rng.random(rows.shape) < share[:, None], 0, rows).astype(np.float32), "steady")


def own_testers(ground: Ground, rng: Rng, n: int) -> Calls:
    """The model's own team: noise about rows of a set, a little stronger at each round."""
    rows, turn = repeated(ground.some(-(-n // 5), rng), 5, n), np.arange(n) % 5
    size = turn * (0.02 + np.minimum(0.1, np.arange(n) / 5_000))
    noise = size[:, None] * rng.standard_normal(rows.shape) * _spread(ground)
    return Calls(_bounded(rows + noise, ground), "night")


def season(ground: Ground, rng: Rng, n: int) -> Calls:
    """A customer in whose rows everything moves slowly with the season."""
    wave = np.sin(np.arange(n) / 300)[:, None] * rng.normal(0, 0.4, ground.pool.rows.shape[1])
    return Calls(_bounded(ground.some(n, rng) + wave * _spread(ground), ground), "steady")


def storm(ground: Ground, rng: Rng, n: int) -> Calls:
    """A client that sends a whole batch again as long as the server fails."""
    batch, turns = int(rng.integers(5, 20)), int(rng.integers(2, 6))
    at = np.arange(n)
    rows = ground.some(n, rng)[(at // (batch * turns) * batch + at % batch) % n]
    last = at // batch % turns == turns - 1
    return Calls(rows, "burst", status=np.where(last, 200, rng.choice([500, 502, 503], n)))


def two_versions(ground: Ground, rng: Rng, n: int) -> Calls:
    """A team that compares two ways to prepare a row: as it is, and in coarser numbers."""
    rows, step = repeated(ground.some(-(-n // 2), rng), 2, n), _spread(ground) / 4 + 1e-6
    coarse = np.round(rows / step) * step
    return Calls(_bounded(np.where((np.arange(n) % 2 == 0)[:, None], rows, coarse), ground), "steady")


def rescored(ground: Ground, rng: Rng, n: int) -> Calls:
    """A job that scores the same rows every night, some of which changed a little since."""
    size = max(1, n // 8)
    rows = ground.some(size, rng)[np.arange(n) % size]
    changed = (rng.random(n) < 0.1)[:, None] * (rng.random(rows.shape) < 0.1)
    return Calls(_bounded(rows + changed * rng.standard_normal(rows.shape) * _spread(ground), ground), "night")


def multiplied(ground: Ground, rng: Rng, n: int) -> Calls:
    """A product that finds its public: nine tenths of its calls come in the last days, near the popular rows."""
    few = ground.pick(max(1, min(n, 40)), rng)
    at = np.where(np.arange(n) < n // 10, ground.pick(n, rng), rng.choice(few, n))
    return Calls(ground.rows(at, rng), "burst")


GROWING: Final[Mapping[str, Kind]] = {
    "reviews": Kind(reviews, 1.5, 2), "failing_source": Kind(failing_source, 1.5, 2),
    "own_testers": Kind(own_testers, 1, 2), "season": Kind(season, 3, 5), "storm": Kind(storm, 1.5, 2),
    "two_versions": Kind(two_versions, 1.5, 2), "rescored": Kind(rescored, 2, 6),
    "multiplied": Kind(multiplied, 1.5, 6),
}  # fmt: skip
MORE: Final[Mapping[str, float]] = {
    **dict.fromkeys(GROWING, 3.0), "hard_queue": 4.0, "missing": 4.0, "robustness": 4.0, "retrier": 2.0,
}  # fmt: skip
"""How many times as large a part of the callers has a habit later."""
