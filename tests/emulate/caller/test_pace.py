import numpy as np
import pytest

from caponier.emulate.caller.pace import BACK_TO_BACK_S, Pace


def test_gaps_have_the_mean(rng: np.random.Generator) -> None:
    assert Pace(60, spread=0.5).gaps(20_000, rng).mean() == pytest.approx(60, rel=0.03)


def test_a_clock_ticks_evenly(rng: np.random.Generator) -> None:
    assert np.allclose(Pace(10, spread=0).gaps(50, rng), 10)


def test_gaps_are_never_negative(rng: np.random.Generator) -> None:
    assert Pace(1, spread=2).gaps(5000, rng).min() > 0


def test_a_burst_is_back_to_back(rng: np.random.Generator) -> None:
    gaps = Pace(1000, spread=0, burst=5).gaps(20, rng)
    assert (gaps == BACK_TO_BACK_S).sum() == 16
    assert np.allclose(gaps[::5], 1000)
