import numpy as np
import pytest

from caponier.emulate.evasion.square import BOUND, EMULATION, Square
from caponier.emulate.outcome import Within
from caponier.emulate.simulation.trace import trace
from caponier.emulate.victims.digits import Pool, Victim
from caponier.matrix.technique import TechniqueId


def test_it_shows_online_evasion() -> None:
    assert EMULATION.techniques == (
        TechniqueId("atlas", "AML.T0043.001"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"),
    )


def test_no_pixel_leaves_the_bound(victim: Victim, targets: Pool) -> None:
    left = trace(EMULATION, victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1)
    rows = np.array(left.events["input"].to_pylist(), np.float32)
    assert np.abs(rows - targets.images[0]).max() == pytest.approx(BOUND.bound, abs=1e-5)


def test_stripes_come_first(victim: Victim, targets: Pool) -> None:
    left = trace(EMULATION, victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1, budget=3)
    rows = np.array(left.events["input"].to_pylist(), np.float32)
    striped = next(row for row in rows if not np.array_equal(row, targets.images[0])).reshape(8, 8)
    change = striped - targets.images[0].reshape(8, 8)
    for column in change.T:
        assert (column >= 0).all() or (column <= 0).all()


def test_it_wins_now_and_then_before_anybody_could_see_it(victim: Victim, targets: Pool) -> None:
    queries = [
        EMULATION.run(victim.predict_proba, targets.images[at], int(targets.labels[at]), seed=at).queries
        for at in range(20)
    ]
    assert min(queries) <= 5 < np.median(queries) < 40


def test_a_narrow_bound_takes_longer_and_often_fails(victim: Victim, targets: Pool) -> None:
    narrow = Square(within=Within("linf", 0.05))
    outcomes = [
        narrow.run(victim.predict_proba, targets.images[at], int(targets.labels[at]), seed=at) for at in range(5)
    ]
    assert sum(outcome.success for outcome in outcomes) < 5
    assert all(outcome.within == narrow.within for outcome in outcomes)
