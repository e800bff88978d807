from dataclasses import FrozenInstanceError

import pytest

from caponier.emulate.outcome import Stop
from caponier.emulate.registry import attacks
from caponier.emulate.victims.digits import Pool, Victim


def test_an_outcome_is_frozen(victim: Victim, targets: Pool) -> None:
    outcome = attacks.one("boundary").run(
        victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=0, budget=20
    )
    with pytest.raises(FrozenInstanceError):
        outcome.success = True


def test_ends_have_names() -> None:
    assert {str(stop) for stop in Stop} == {"finished", "budget", "refused"}
