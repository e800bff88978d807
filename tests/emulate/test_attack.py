"""What is promised of every attack, whichever the folder holds: against a real victim, in process and over HTTP."""

from collections.abc import Mapping

import numpy as np
import pytest

from caponier.emulate.attack import Attack
from caponier.emulate.caller.oracle import RefusedError
from caponier.emulate.images import Images
from caponier.emulate.outcome import AttackOutcome, Stop
from caponier.emulate.registry import attacks
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim
from caponier.errors import InputError
from emulate.conftest import Served

pytestmark = pytest.mark.slow

EVERY = pytest.mark.parametrize("attack", attacks().values(), ids=attacks().keys())
FREE = {name: attack for name, attack in attacks().items() if attack.within is None}
"""Attacks that start far away and come nearer, by labels."""
BOUND = {name: attack for name, attack in attacks().items() if attack.within is not None}
"""Attacks that stay within a bound, by scores."""
SUCCEED = {"adaptive": 0.8}
"""Share of images on which an attack succeeds at least, where it is not nine tenths."""


def run(attack: Attack, victim: Victim, targets: Pool, at: int = 0, **more: object) -> AttackOutcome:
    settings = {"seed": 0} | more
    return attack.run(victim.predict_proba, targets.images[at], int(targets.labels[at]), **settings)


@EVERY
def test_attacks_succeed_on_every_seed(attack: Attack, seeded: Mapping[int, tuple[DigitsSplit, Victim]]) -> None:
    """Three victims, 30 images each: at least 90 % succeed, and 80 % of the one that keeps its steps wide."""
    outcomes = []
    for seed, (split, victim) in seeded.items():
        targets = victim.understood(split.attackers)
        outcomes += [run(attack, victim, targets, at, seed=100 * seed + at) for at in range(30)]
    assert np.mean([outcome.success for outcome in outcomes]) >= SUCCEED.get(attack.name, 0.9)
    assert all(outcome.queries <= attack.budget for outcome in outcomes)
    # The toolbox asks for the image under attack again, and for hardly anything else.
    repeated = [outcome.queries - outcome.unique_queries - 1 for outcome in outcomes]
    assert sum(repeated) <= 0.02 * sum(outcome.queries for outcome in outcomes)


@EVERY
def test_what_is_claimed_can_be_checked(attack: Attack, victim: Victim, targets: Pool) -> None:
    outcome = run(attack, victim, targets)
    assert outcome.name == attack.name
    assert outcome.techniques == attack.techniques
    assert outcome.original_label == targets.labels[0]
    assert victim.answers(outcome.adversarial[None])[0] == outcome.adversarial_label != outcome.original_label
    distance = np.linalg.norm(outcome.adversarial - outcome.original)
    assert outcome.final_distance == pytest.approx(distance)
    assert outcome.final_distance <= outcome.first_distance <= outcome.start_distance
    near_enough = outcome.final_distance <= outcome.first_distance / 2
    assert outcome.success == (near_enough if attack.within is None else True)
    assert outcome.within == attack.within
    assert attack.within is None or attack.within.holds(outcome.adversarial - outcome.original)
    assert outcome.adversarial.min() >= 0
    assert outcome.adversarial.max() <= 1


@EVERY
def test_every_query_is_one_image_within_the_picture(attack: Attack, victim: Victim, targets: Pool) -> None:
    seen = []

    def predict(rows: Images) -> Images:
        seen.append(rows)
        return victim.predict_proba(rows)

    outcome = attack.run(predict, targets.images[1], int(targets.labels[1]), seed=0)
    assert {rows.shape for rows in seen} == {(1, 64)}
    assert {rows.dtype for rows in seen} == {np.dtype(np.float32)}
    assert len(seen) == outcome.queries
    assert min(rows.min() for rows in seen) >= 0
    assert max(rows.max() for rows in seen) <= 1


@EVERY
@pytest.mark.parametrize("budget", [1, 2, 30, 150])
def test_a_budget_is_kept(attack: Attack, victim: Victim, targets: Pool, budget: int) -> None:
    outcome = run(attack, victim, targets, budget=budget)
    if outcome.stop is Stop.FINISHED:
        assert outcome.success
        assert 2 < outcome.queries <= budget
    else:
        assert outcome.queries == budget
        assert outcome.stop is Stop.BUDGET


@pytest.mark.parametrize("attack", FREE.values(), ids=FREE.keys())
def test_more_queries_never_end_farther_away(attack: Attack, victim: Victim, targets: Pool) -> None:
    short, long = (run(attack, victim, targets, budget=budget) for budget in (100, 600))
    assert long.final_distance <= short.final_distance


@EVERY
def test_the_seed_fixes_an_attack(attack: Attack, victim: Victim, targets: Pool) -> None:
    once, again, other = (run(attack, victim, targets, seed=seed, budget=600) for seed in (4, 4, 5))
    assert once.adversarial is not None
    assert np.array_equal(once.adversarial, again.adversarial)
    assert not np.array_equal(once.adversarial, other.adversarial)


@pytest.mark.parametrize("attack", FREE.values(), ids=FREE.keys())
def test_an_attack_may_start_from_a_foreign_image(attack: Attack, victim: Victim, targets: Pool) -> None:
    foreign = targets.images[targets.labels != targets.labels[0]][0]
    outcome = run(attack, victim, targets, start=foreign)
    assert outcome.start_distance == pytest.approx(np.linalg.norm(foreign - targets.images[0]))
    assert outcome.first_query == 2


@pytest.mark.parametrize("attack", BOUND.values(), ids=BOUND.keys())
def test_an_attack_with_a_bound_starts_from_the_image_itself(attack: Attack, victim: Victim, targets: Pool) -> None:
    with pytest.raises(InputError, match=f"{attack.name} starts from the image under attack"):
        run(attack, victim, targets, start=targets.images[1])


@EVERY
def test_an_image_that_is_misread_anyway_is_refused(attack: Attack, victim: Victim, targets: Pool) -> None:
    with pytest.raises(InputError, match="without any attack"):
        attack.run(victim.predict_proba, targets.images[0], int(targets.labels[0] + 1) % 10, seed=0)


@EVERY
def test_a_refusal_ends_an_attack(attack: Attack, victim: Victim, targets: Pool) -> None:
    """What was answered before counts, as it does for the attacker."""
    answered, most = 0, 40 if attack.within is None else 4

    def predict(rows: Images) -> Images:
        nonlocal answered
        if answered == most:
            raise RefusedError("blocked")
        answered += 1
        return victim.predict_proba(rows)

    outcome = attack.run(predict, targets.images[0], int(targets.labels[0]), seed=0)
    assert outcome.stop is Stop.REFUSED
    assert outcome.queries == most
    assert outcome.adversarial is not None or attack.within is not None


@EVERY
def test_a_model_that_never_errs_is_not_fooled(attack: Attack, targets: Pool) -> None:
    outcome = attack.run(lambda _: np.eye(10, dtype=np.float32)[:1], targets.images[0], 0, seed=0)
    assert outcome.stop is Stop.FINISHED
    assert not outcome.success
    assert outcome.adversarial is None


@EVERY
def test_attacks_succeed_over_http_one_instance_a_request(attack: Attack, served: Served, targets: Pool) -> None:
    """The server's own log proves it: as many requests as rows, one principal, the first row is the original."""
    with served.remote("mallory") as remote:
        outcomes = [
            attack.run(remote.predict_proba, targets.images[at], int(targets.labels[at]), seed=at) for at in range(5)
        ]
    events = served.log.rows()
    assert sum(outcome.success for outcome in outcomes) >= (3 if attack.name in SUCCEED else 4)
    assert len(events) == remote.requests == sum(outcome.queries for outcome in outcomes)
    assert len({event["request_id"] for event in events}) == len(events)
    assert {event["principal"] for event in events} == {"mallory"}
    assert np.array_equal(events[0]["input"], targets.images[0])


@EVERY
def test_a_server_that_refuses_ends_an_attack_at_once(attack: Attack, served: Served, targets: Pool) -> None:
    with served.remote("stolen") as remote:
        outcome = attack.run(remote.predict_proba, targets.images[0], int(targets.labels[0]), seed=0)
    assert outcome.stop is Stop.REFUSED
    assert outcome.queries == 0
    assert len(served.log.rows()) == 1
