import pytest

from caponier.emulate.evasion.hop_skip_jump import EMULATION, HopSkipJump
from caponier.emulate.outcome import Stop
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim, train_victim
from caponier.matrix.technique import TechniqueId


def test_it_shows_online_evasion() -> None:
    assert EMULATION.techniques == (
        TechniqueId("atlas", "AML.T0043.001"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"),
    )


def test_it_ends_by_itself_within_its_budget(victim: Victim, targets: Pool) -> None:
    outcome = EMULATION.run(victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1)
    assert outcome.stop is Stop.FINISHED
    assert 750 <= outcome.queries <= 1000


def test_it_improves_on_the_boundary_and_not_on_the_noise(victim: Victim, targets: Pool) -> None:
    """Ten halvings alone bring the noise near; only what is won after them counts as success."""
    outcome = EMULATION.run(victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1)
    assert outcome.first_distance < 0.8 * outcome.start_distance


def test_fewer_rounds_cost_fewer_queries(victim: Victim, targets: Pool) -> None:
    short = HopSkipJump(max_iter=2).run(victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1)
    assert short.queries < 150


@pytest.mark.slow
def test_trees_are_fooled_too(split: DigitsSplit) -> None:
    """Their answers move in steps, which no gradient can follow; labels are all that this attack asks for."""
    forest = train_victim(split.train, split.test, seed=0, kind="forest")
    targets = forest.understood(split.attackers)
    outcomes = [
        EMULATION.run(forest.predict_proba, targets.images[at], int(targets.labels[at]), seed=at) for at in range(3)
    ]
    assert sum(outcome.success for outcome in outcomes) >= 2
