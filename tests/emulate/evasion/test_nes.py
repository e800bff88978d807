import numpy as np
import pytest

from caponier.emulate.evasion.nes import BOUND, EMULATION, NES
from caponier.emulate.images import Images
from caponier.emulate.outcome import Stop
from caponier.emulate.simulation.trace import trace
from caponier.emulate.victims.digits import Pool, Victim
from caponier.matrix.technique import TechniqueId

GREY = np.full(64, 0.5, np.float32)


def dims(rows: Images) -> Images:
    """A model that answers the first of ten classes the surer the darker the first pixel is, else the second."""
    odds = 1 / (1 + np.exp(30 * (rows[:, :1] - 0.6)))
    return np.hstack([odds, 1 - odds, np.zeros((len(rows), 8))]).astype(np.float32)


def test_it_shows_online_evasion() -> None:
    assert EMULATION.techniques == (
        TechniqueId("atlas", "AML.T0043.001"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"),
    )


def test_samples_come_in_pairs_around_the_image(victim: Victim, targets: Pool) -> None:
    left = trace(EMULATION, dims, GREY, 0, seed=1, budget=21)
    rows = np.array(left.events["input"].to_pylist(), np.float32)
    ahead, behind = rows[1:11], rows[11:21]
    assert (ahead + behind) / 2 == pytest.approx(np.tile(GREY, (10, 1)), abs=1e-6)
    assert (ahead - GREY).std() == pytest.approx(EMULATION.sigma, rel=0.1)


def test_it_follows_the_slope(victim: Victim) -> None:
    outcome = EMULATION.run(dims, GREY, 0, seed=1)
    assert outcome.success
    assert outcome.adversarial[0] > 0.6
    assert np.abs(outcome.adversarial - GREY).max() <= BOUND.bound + 1e-5


def test_where_no_score_ever_moves_it_gives_up() -> None:
    flat = np.array([[0.7, 0.3]], np.float32)
    outcome = EMULATION.run(lambda _: flat, GREY, 0, seed=1)
    assert outcome.stop is Stop.FINISHED
    assert outcome.queries == 1 + 2 * EMULATION.pairs + 1
    assert not outcome.success


def test_a_score_of_nothing_is_no_error() -> None:
    sure = np.array([[1.0, 0.0]], np.float32)
    assert not EMULATION.run(lambda _: sure, GREY, 0, seed=1).success


def test_more_samples_cost_more_queries(victim: Victim, targets: Pool) -> None:
    few, many = (
        NES(pairs=pairs).run(victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1)
        for pairs in (5, 40)
    )
    assert few.success
    assert many.success
    assert few.queries < many.queries
