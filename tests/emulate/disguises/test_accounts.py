import numpy as np
import pytest

from caponier.emulate.caller.oracle import Predict, RefusedError
from caponier.emulate.disguises.accounts import Splitting, Switching
from caponier.emulate.images import Images
from caponier.emulate.registry import attacks
from caponier.emulate.simulation.trace import trace
from caponier.emulate.victims.digits import Pool, Victim

ROW = np.zeros((1, 64), np.float32)


class Account:
    """Answers with its number, so many times."""

    def __init__(self, number: int, most: int) -> None:
        self.number, self.left = number, most

    def __call__(self, rows: Images) -> Images:
        if not self.left:
            raise RefusedError("blocked")
        self.left -= 1
        return np.full((len(rows), 10), self.number, np.float32)


def asked(ask: Predict, times: int) -> list[int]:
    return [int(ask(ROW)[0, 0]) for _ in range(times)]


def test_the_next_account_takes_over_when_one_is_refused() -> None:
    ask = Switching([Account(0, 2), Account(1, 1), Account(2, 3)])
    assert asked(ask, 6) == [0, 0, 1, 2, 2, 2]
    assert ask.refused == 2
    with pytest.raises(RefusedError, match="every account"):
        ask(ROW)
    assert ask.refused == 3


def test_accounts_take_turns() -> None:
    assert asked(Splitting([Account(number, 9) for number in range(3)]), 7) == [0, 1, 2, 0, 1, 2, 0]


def test_accounts_may_send_some_queries_each_turn() -> None:
    assert asked(Splitting([Account(number, 9) for number in range(3)], queries=2), 7) == [0, 0, 1, 1, 2, 2, 0]


def test_the_next_one_takes_over_the_turn_of_one_that_is_refused() -> None:
    assert asked(Splitting([Account(0, 9), Account(1, 1), Account(2, 9)], queries=2), 6) == [0, 0, 1, 2, 2, 0]


def test_one_that_is_refused_is_left_out_of_the_turns() -> None:
    ask = Splitting([Account(0, 9), Account(1, 1), Account(2, 9)])
    assert asked(ask, 8) == [0, 1, 2, 0, 2, 0, 2, 0]


def test_when_all_are_refused_so_is_the_attacker() -> None:
    ask = Splitting([Account(0, 1), Account(1, 1)])
    assert asked(ask, 2) == [0, 1]
    with pytest.raises(RefusedError, match="every account"):
        ask(ROW)


def test_a_split_attack_is_the_same_attack_under_ten_names(victim: Victim, targets: Pool) -> None:
    image, label = targets.images[0], int(targets.labels[0])
    whole = trace(attacks.one("simba"), victim.predict_proba, image, label, seed=1)
    parts = trace(attacks.one("simba"), victim.predict_proba, image, label, seed=1, accounts=10, disguise=Splitting)
    assert parts.outcome.queries == whole.outcome.queries
    assert parts.events["input"].to_pylist() == whole.events["input"].to_pylist()
    names = parts.events["principal"].to_pylist()
    assert names[:11] == [f"simba-1-{at % 10}" for at in range(11)]
    assert len(set(parts.events["request_id"].to_pylist())) == len(names)


def test_disguises_are_no_attacks_of_their_own() -> None:
    assert "disguises" not in attacks()
