import numpy as np
import pytest

from caponier.emulate.evasion.simba import BOUND, EMULATION, SimBA
from caponier.emulate.outcome import Stop
from caponier.emulate.simulation.trace import trace
from caponier.emulate.victims.digits import Pool, Victim
from caponier.errors import InputError
from caponier.matrix.technique import TechniqueId


def test_it_shows_online_evasion() -> None:
    assert EMULATION.techniques == (
        TechniqueId("atlas", "AML.T0043.001"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"),
    )


def test_it_ends_with_the_first_image_that_is_misread(victim: Victim, targets: Pool) -> None:
    left = trace(EMULATION, victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1)
    labels = left.events["label"].to_pylist()
    assert left.outcome.stop is Stop.FINISHED
    assert left.outcome.queries < 120
    # Both ways of a pixel are always tried.
    assert set(labels[:-2]) == {str(targets.labels[0])}
    assert left.outcome.final_distance <= BOUND.bound


def test_queries_differ_from_one_before_in_a_single_pixel(victim: Victim, targets: Pool) -> None:
    left = trace(EMULATION, victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1)
    rows = np.array(left.events["input"].to_pylist(), np.float32)
    for at in range(1, len(rows)):
        changed = (rows[:at] != rows[at]).sum(axis=1)
        assert changed.min() <= 1
    assert np.abs(rows - rows[0]).max() == pytest.approx(0.2)


def test_waves_change_many_pixels_at_once(victim: Victim, targets: Pool) -> None:
    waves = SimBA(basis="dct")
    left = trace(waves, victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1)
    rows = np.array(left.events["input"].to_pylist(), np.float32)
    assert left.outcome.success
    assert np.median((rows[2:] != rows[0]).sum(axis=1)) > 20


def test_a_bound_that_is_too_narrow_is_missed(victim: Victim, targets: Pool) -> None:
    tight = SimBA(within=type(BOUND)("l2", 0.05), max_iter=60)
    outcome = tight.run(victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1)
    assert not outcome.success
    assert outcome.adversarial is None


def test_it_has_no_other_start(victim: Victim, targets: Pool) -> None:
    with pytest.raises(InputError, match="simba starts from the image under attack"):
        EMULATION.run(victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1, start=targets.images[1])
