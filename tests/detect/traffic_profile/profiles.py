"""Profiles whose callers are drawn, for tests."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caponier.detect.traffic_profile.profile import TRAITS, TrafficProfile

ANSWERS = np.array([3, 5], np.uint64)
USUAL = {"step": 30.0, "flips": 0.4, "repeats": 0.04, "one answer": 0.5, "pace": 20.0, "quick": 0.0, "together": 0.0}


def profile(n: int, seed: int = 0, width: int = 4, **traits: Any) -> TrafficProfile:
    """Draw n callers around the usual traits or those given, with single queries ten times as far apart."""
    rng = np.random.default_rng(seed)
    blank = TrafficProfile(width, ANSWERS, 50, np.zeros((0, 17), np.float32), np.full(17, 0.2, np.float32))
    rows = np.full((n, len(blank.columns)), 0.5)
    rows[:, : len(TRAITS)] = list(USUAL.values())
    for name, value in traits.items():
        rows[:, blank.columns.index(name.replace("_", " "))] = value
    noisy: NDArray[np.float32] = np.abs(rows + rng.normal(0, 0.02, rows.shape)).astype(np.float32)
    return TrafficProfile(width, ANSWERS, 50, noisy, blank.spread)
