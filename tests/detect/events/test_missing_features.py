"""Searches in which features are left out: who does that to hide the steps gains nothing by it."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Column, EventDetector, Params
from caponier.detect.events import input_search, iterative_query
from caponier.telemetry.features import MARK
from detect.batches import batch_of, similar

WIDTH = 24
MIDDLE = 64
Rng = np.random.Generator
Hides = Callable[[Rng, int], NDArray[np.bool_]]
"""Which features (WIDTH,) a query lacks, by how many came before it."""
WEIGHTS = np.random.default_rng(5).normal(size=WIDTH)


def nothing(rng: Rng, at: int) -> NDArray[np.bool_]:
    return np.zeros(WIDTH, bool)


def one_sensor(rng: Rng, at: int) -> NDArray[np.bool_]:
    return np.asarray(np.arange(WIDTH) == 3, bool)


def now_and_then(rng: Rng, at: int) -> NDArray[np.bool_]:
    return np.asarray((np.arange(WIDTH) == 3) & (at % 2 == 0), bool)


def another_each_time(rng: Rng, at: int) -> NDArray[np.bool_]:
    return np.asarray(np.arange(WIDTH) == rng.integers(WIDTH), bool)


def four_at_random(rng: Rng, at: int) -> NDArray[np.bool_]:
    return np.isin(np.arange(WIDTH), rng.choice(WIDTH, 4, replace=False))


Asked = tuple[list[list[int]], list[int], list[int]]
"""Queries, labels and sureness of one caller."""


class Asker:
    """Asks a plane that takes what is missing for the middle, and remembers what it sent."""

    def __init__(self, rng: Rng, hides: Hides) -> None:
        self._rng, self._hides = rng, hides
        self.asked: Asked = ([], [], [])

    def __call__(self, row: NDArray[np.float64]) -> bool:
        queries, labels, sure = self.asked
        gone = self._hides(self._rng, len(queries))
        seen = np.where(gone, MIDDLE, np.clip(np.rint(row), 0, 127)).astype(int)
        odds = float((seen - MIDDLE) @ WEIGHTS) / 40
        queries.append((seen + MARK * gone).tolist())
        labels.append((1 if odds >= 0 else 2) << 60)
        sure.append(round(32_768 + 500 * min(abs(odds), 40)))
        return odds >= 0


def row(rng: Rng) -> NDArray[np.float64]:
    return np.asarray(rng.integers(0, 128, WIDTH), np.float64)


def benign(seed: int, hides: Hides = nothing) -> Asked:
    """Rows that have nothing to do with each other."""
    rng = np.random.default_rng(seed)
    ask = Asker(rng, hides)
    for _ in range(int(rng.integers(20, 120))):
        ask(row(rng))
    return ask.asked


def search(seed: int, hides: Hides, n: int = 120) -> Asked:
    """HopSkipJump in short (Chen et al. 2020): halve the way to the boundary, feel about there, and step along it."""
    rng = np.random.default_rng(seed)
    ask = Asker(rng, hides)
    own, other = row(rng), row(rng)
    mine = ask(own)
    while ask(other) == mine:
        other = row(rng)
    while len(ask.asked[0]) < n:
        near, far = own, other
        for _ in range(7):
            half = (near + far) / 2
            near, far = (half, far) if ask(half) == mine else (near, half)
        ways = rng.normal(size=(12, WIDTH)) * 6
        turned = np.array([1.0 if ask(far + way) != mine else -1.0 for way in ways])
        slope = (turned - turned.mean()) @ ways
        other = far + 12 * slope / max(float(np.linalg.norm(slope)), 1e-9)
    return ask.asked


def batch(callers: list[Asked], *, marked: bool = True) -> EventBatch:
    """Lay callers behind each other; without marks what is missing stands in the middle, for all to see."""
    queries = [asked[0] if marked else [[v % MARK for v in one] for one in asked[0]] for asked in callers]
    keys = iter(range(1, 1 + sum(map(len, queries))))
    found = similar(batch_of(queries, [asked[1] for asked in callers], [[next(keys) for _ in own] for own in queries]))
    return found.with_signals({Column.SURENESS.value: np.array([s for asked in callers for s in asked[2]])})


@cache
def learned(name: str) -> tuple[EventDetector, Params, int]:
    """Return a detector, what it learned from 40 benign callers, and how high others of them come."""
    detector: EventDetector = {"input_search": input_search, "iterative_query": iterative_query}[name].detector
    params = detector.fit(batch([benign(seed) for seed in range(40)]))
    return detector, params, highest(detector, params, batch([benign(seed) for seed in range(100, 140)]))


def highest(detector: EventDetector, params: Params, events: EventBatch) -> int:
    return int(detector.score(params, np.zeros(events.subjects, detector.state), events)[1].max())


@pytest.mark.parametrize("name", ["input_search", "iterative_query"])
@pytest.mark.parametrize("hides", [one_sensor, now_and_then, another_each_time, four_at_random])
def test_a_search_is_found_though_features_are_left_out(name: str, hides: Hides) -> None:
    detector, params, usual = learned(name)
    seeds = range(3)
    openly, hidden = (
        min(highest(detector, params, batch([search(seed, way)])) for seed in seeds) for way in (nothing, hides)
    )
    assert openly > 100 * usual
    assert hidden > openly / 2


def test_it_would_not_be_found_if_what_is_missing_stood_somewhere() -> None:
    detector, params, usual = learned("input_search")
    assert highest(detector, params, batch([search(0, four_at_random)], marked=False)) < usual


@pytest.mark.parametrize("name", ["input_search", "iterative_query"])
def test_rows_without_anything_in_common_stay_so_when_a_sensor_goes_dead(name: str) -> None:
    detector, params, usual = learned(name)
    late = [benign(seed, lambda _, at: (np.arange(WIDTH) == 3) & (at >= 15)) for seed in range(200, 220)]
    assert highest(detector, params, batch(late)) <= 2 * usual
