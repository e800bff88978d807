import pytest

from caponier.emulate.evasion.boundary import EMULATION, Boundary
from caponier.emulate.outcome import Stop
from caponier.emulate.victims.digits import Pool, Victim
from caponier.errors import InputError
from caponier.matrix.technique import TechniqueId


def test_it_shows_online_evasion() -> None:
    assert EMULATION.techniques == (
        TechniqueId("atlas", "AML.T0043.001"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"),
    )


def test_it_walks_on_until_its_budget_is_spent(victim: Victim, targets: Pool) -> None:
    outcome = EMULATION.run(victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1)
    assert outcome.stop is Stop.BUDGET
    assert outcome.queries == EMULATION.budget


def test_it_starts_at_the_noise_itself(victim: Victim, targets: Pool) -> None:
    outcome = EMULATION.run(victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1, budget=300)
    assert outcome.first_distance == outcome.start_distance


def test_a_target_is_reached(victim: Victim, targets: Pool) -> None:
    goal = int(next(label for label in targets.labels if label != targets.labels[0]))
    start = targets.images[targets.labels == goal][0]
    outcome = Boundary(target=goal).run(
        victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1, start=start
    )
    assert outcome.success
    assert outcome.adversarial_label == goal


def test_a_target_asks_for_a_start(victim: Victim, targets: Pool) -> None:
    with pytest.raises(InputError, match="start from"):
        Boundary(target=3).run(victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1)


def test_fewer_steps_cost_fewer_queries(victim: Victim, targets: Pool) -> None:
    outcome = Boundary(max_iter=5).run(victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1)
    assert outcome.stop is Stop.FINISHED
    assert outcome.queries < 300
