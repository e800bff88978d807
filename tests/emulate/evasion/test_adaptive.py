import numpy as np
import pytest

from caponier.emulate.caller.oracle import Predict, RefusedError
from caponier.emulate.disguises.accounts import Switching
from caponier.emulate.evasion.adaptive import EMULATION, WIDER, Adaptive
from caponier.emulate.images import Images
from caponier.emulate.outcome import Stop
from caponier.emulate.simulation.trace import trace
from caponier.emulate.victims.digits import Pool, Victim
from caponier.errors import InputError
from caponier.matrix.technique import TechniqueId


def foreign(targets: Pool, at: int = 0) -> Images:
    return targets.images[targets.labels != targets.labels[at]][at]


def lasting(n: int, predict: Predict) -> Predict:
    left = iter(range(n))

    def answer(rows: Images) -> Images:
        if next(left, None) is None:
            raise RefusedError("blocked")
        return predict(rows)

    return answer


def test_it_shows_online_evasion() -> None:
    assert EMULATION.techniques == (
        TechniqueId("atlas", "AML.T0043.001"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"),
    )


def test_it_starts_from_a_view_of_the_image_and_not_from_noise(victim: Victim, targets: Pool) -> None:
    left = trace(EMULATION, victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1, budget=2)
    first = np.array(left.events["input"].to_pylist(), np.float32)[1]
    assert np.array_equal(np.sort(first), np.sort(targets.images[0]))
    assert not np.array_equal(first, targets.images[0])


def test_its_steps_stay_wide(victim: Victim, targets: Pool) -> None:
    """HopSkipJump comes within a ten-thousandth of a query before; this one hardly ever within a tenth."""
    chosen = Adaptive(pictures=targets.images[60:])
    left = trace(
        chosen, victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1, start=foreign(targets)
    )
    rows = np.array(left.events["input"].to_pylist(), np.float32)[:200]
    nearest = [float(np.linalg.norm(rows[:at] - rows[at], axis=1).min()) for at in range(1, len(rows))]
    assert np.quantile(nearest, 0.1) > 0.05
    assert np.median(nearest) > 0.15


def test_it_ends_when_it_has_what_it_wants(victim: Victim, targets: Pool) -> None:
    outcome = EMULATION.run(victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1)
    assert outcome.stop is Stop.FINISHED
    assert outcome.success
    assert outcome.queries < EMULATION.budget / 4


def test_an_account_that_is_lost_makes_its_steps_wider(victim: Victim, targets: Pool) -> None:
    def steps(accounts: list[Predict]) -> float:
        seen: list[Images] = []

        def watched(predict: Predict) -> Predict:
            return lambda rows: (seen.append(rows[0].copy()), predict(rows))[1]

        ask = Switching([watched(account) for account in accounts])
        EMULATION.run(ask, targets.images[0], int(targets.labels[0]), seed=1, budget=300, start=foreign(targets))
        rows = np.array(seen[-60:])
        return float(np.median([np.linalg.norm(rows[:at] - rows[at], axis=1).min() for at in range(1, 60)]))

    never = steps([victim.predict_proba])
    often = steps([lasting(60, victim.predict_proba) for _ in range(10)])
    assert WIDER > 1
    assert often > never


def test_with_one_account_the_first_refusal_is_the_end(victim: Victim, targets: Pool) -> None:
    outcome = EMULATION.run(lasting(50, victim.predict_proba), targets.images[0], int(targets.labels[0]), seed=1)
    assert outcome.stop is Stop.REFUSED
    assert outcome.queries == 50


def test_accounts_last_as_long_as_they_are_answered(victim: Victim, targets: Pool) -> None:
    ask = Switching([lasting(40, victim.predict_proba) for _ in range(3)])
    outcome = EMULATION.run(ask, targets.images[0], int(targets.labels[0]), seed=1, start=foreign(targets))
    assert ask.refused == 3
    assert outcome.queries == 120


def test_a_start_that_is_read_rightly_is_refused(victim: Victim, targets: Pool) -> None:
    with pytest.raises(InputError, match="starting image"):
        EMULATION.run(victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=1, start=targets.images[0])
