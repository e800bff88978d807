"""What is promised of every habit, whichever the folder holds."""

import numpy as np
import pytest

from caponier.emulate.benign_client import BenignClient, queries
from caponier.emulate.images import FEATURES, Images
from caponier.emulate.registry import habits

EVERY = pytest.mark.parametrize("habit", habits().values(), ids=habits().keys())


def asked(habit: BenignClient, pool: Images, n: int, seed: int = 0) -> list[Images]:
    return list(queries(habit, pool, np.random.default_rng(seed), n))


@EVERY
@pytest.mark.parametrize("n", [1, 7, 200])
def test_exactly_the_promised_number_of_different_rows(habit: BenignClient, pool: Images, n: int) -> None:
    rows = np.concatenate(asked(habit, pool, n))
    assert len(np.unique(rows, axis=0)) == n


@EVERY
def test_the_last_row_is_a_new_one(habit: BenignClient, pool: Images) -> None:
    """Nothing is sent after the last different query, not even a repeat."""
    rows = np.concatenate(asked(habit, pool, 100))
    assert len(np.unique(rows[:-1], axis=0)) == 99


@EVERY
def test_requests_are_rows_of_a_picture(habit: BenignClient, pool: Images) -> None:
    for request in asked(habit, pool, 200):
        assert request.ndim == 2
        assert request.shape[1] == FEATURES
        assert len(request) >= 1
        assert request.dtype == np.float32
        assert request.min() >= 0
        assert request.max() <= 1


@EVERY
def test_the_seed_fixes_a_user(habit: BenignClient, pool: Images) -> None:
    once, again, other = (np.concatenate(asked(habit, pool, 100, seed)) for seed in (1, 1, 2))
    assert np.array_equal(once, again)
    assert not np.array_equal(once[:50], other[:50])


@EVERY
def test_a_longer_stay_begins_alike(habit: BenignClient, pool: Images) -> None:
    short, long = (np.concatenate(asked(habit, pool, n)) for n in (50, 150))
    assert np.array_equal(long[: len(short)], short)


@EVERY
def test_images_are_left_alone(habit: BenignClient, pool: Images) -> None:
    before = pool.copy()
    asked(habit, pool, 150)
    assert np.array_equal(pool, before)


@EVERY
def test_a_small_pool_is_enough(habit: BenignClient, pool: Images) -> None:
    assert len(np.unique(np.concatenate(asked(habit, pool[:5], 60)), axis=0)) == 60


@EVERY
def test_a_habit_is_described(habit: BenignClient) -> None:
    assert len(habit.description) > 20
    assert habit.pace.mean_s > 0
