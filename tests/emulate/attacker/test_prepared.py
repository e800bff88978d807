import numpy as np
import pytest

from caponier.emulate.attacker.prepared import prepared, send
from caponier.emulate.campaigns.backdoor_trigger import BackdoorTrigger
from caponier.emulate.outcome import Stop
from caponier.emulate.victims.digits import DigitsSplit, Victim


def test_the_attacker_holds_what_is_to_be_sent(split: DigitsSplit, victim: Victim) -> None:
    stage = prepared(split.attackers.images[:7], 4, victim, split.train, split)
    assert np.array_equal(stage.held.images, split.attackers.images[:7])
    assert stage.held.labels.tolist() == [4] * 7
    assert not stage.member.any()
    assert np.array_equal(stage.exam.labels, victim.answers(split.test.images))


@pytest.mark.parametrize(("enough", "success"), [(0.5, True), (0.51, False)])
def test_success_is_the_share_that_gets_the_answer(
    enough: float, success: bool, split: DigitsSplit, victim: Victim
) -> None:
    answers = victim.answers(split.attackers.images)
    chosen = np.concatenate([np.flatnonzero(answers == 3)[:5], np.flatnonzero(answers != 3)[:5]])
    stage = prepared(split.attackers.images[chosen], 3, victim, split.train, split)
    outcome = send(BackdoorTrigger(), victim.predict_proba, stage, enough, seed=0, budget=None)
    assert outcome.measure["success_rate"] == 0.5
    assert (outcome.success, outcome.stop, outcome.queries) == (success, Stop.FINISHED, 10)


def test_what_was_not_sent_did_not_succeed(split: DigitsSplit, victim: Victim) -> None:
    mine = split.attackers.images[victim.answers(split.attackers.images) == 3][:10]
    stage = prepared(mine, 3, victim, split.train, split)
    outcome = send(BackdoorTrigger(), victim.predict_proba, stage, 0.9, seed=0, budget=8)
    assert (outcome.stop, outcome.success, outcome.measure["success_rate"]) == (Stop.BUDGET, False, 0.8)
