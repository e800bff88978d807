"""Requests of one habit, for the tests of what makes it that habit."""

import numpy as np

from caponier.emulate.benign_client import BenignClient, queries
from caponier.emulate.images import Images


def requests(habit: BenignClient, pool: Images, n: int = 400) -> list[Images]:
    return list(queries(habit, pool, np.random.default_rng(11), n))


def rows(habit: BenignClient, pool: Images, n: int = 400) -> Images:
    return np.concatenate(requests(habit, pool, n))


def steps(habit: BenignClient, pool: Images, n: int = 400) -> np.ndarray:
    """L2 distances from each row to the next."""
    return np.linalg.norm(np.diff(rows(habit, pool, n), axis=0), axis=1)
