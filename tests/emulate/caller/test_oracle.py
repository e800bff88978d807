import numpy as np
import pytest

from caponier.emulate.caller.oracle import BudgetSpentError, Oracle
from caponier.emulate.images import Images
from caponier.emulate.outcome import Stop
from caponier.errors import InputError

DARK = np.zeros(64, np.float32)


def level(brightness: float) -> Images:
    return np.full(64, brightness, np.float32)


class Lamp:
    """A model that answers 1 above half brightness, 2 above nine tenths, else 0; it keeps the sizes of requests."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, rows: Images) -> Images:
        self.sizes.append(len(rows))
        means = rows.mean(axis=1)
        return np.eye(3, dtype=np.float32)[(means > 0.5).astype(int) + (means > 0.9)]


def test_every_row_is_a_request_of_its_own() -> None:
    lamp = Lamp()
    scores = Oracle(lamp, DARK, 0, budget=10)(np.stack([level(b) for b in (0.1, 0.6, 0.95)]))
    assert lamp.sizes == [1, 1, 1]
    assert scores.argmax(axis=1).tolist() == [0, 1, 2]


def test_the_budget_is_never_exceeded() -> None:
    lamp = Lamp()
    oracle = Oracle(lamp, DARK, 0, budget=2)
    with pytest.raises(BudgetSpentError):
        oracle(np.stack([level(0.1)] * 5))
    assert oracle.queries == len(lamp.sizes) == 2


@pytest.mark.parametrize("budget", [0, -3])
def test_a_budget_of_nothing_is_refused(budget: int) -> None:
    with pytest.raises(InputError, match="budget"):
        Oracle(Lamp(), DARK, 0, budget)


def test_rows_reach_the_model_as_float32() -> None:
    kinds = []
    oracle = Oracle(lambda rows: (kinds.append(rows.dtype), Lamp()(rows))[1], DARK, 0, budget=5)
    oracle(np.zeros((1, 64), np.float64))
    assert kinds == [np.float32]


def test_the_nearest_wrong_answer_is_remembered() -> None:
    oracle = Oracle(Lamp(), DARK, 0, budget=10)
    oracle(np.stack([level(b) for b in (0.8, 0.6, 0.1, 0.7)]))
    outcome = oracle.outcome("x", (), Stop.FINISHED)
    assert outcome.final_distance == pytest.approx(0.6 * 8)
    assert np.array_equal(outcome.adversarial, level(0.6))
    assert outcome.adversarial_label == 1


def test_the_first_wrong_answer_is_remembered() -> None:
    oracle = Oracle(Lamp(), DARK, 0, budget=10)
    oracle(np.stack([level(b) for b in (0.1, 0.2, 0.8, 0.6)]))
    outcome = oracle.outcome("x", (), Stop.FINISHED)
    assert outcome.first_query == 3
    assert outcome.start_distance == pytest.approx(0.8 * 8)


@pytest.mark.parametrize(("held", "reached", "success"), [(1.0, 0.51, False), (0.6, 0.51, False)])
def test_success_is_half_of_the_distance_held(held: float, reached: float, success: bool) -> None:
    oracle = Oracle(Lamp(), DARK, 0, budget=10)
    oracle(level(held)[None])
    oracle.hold()
    oracle(level(reached)[None])
    assert oracle.outcome("x", (), Stop.FINISHED).success is success


def test_success_counts_from_exactly_half() -> None:
    bright = Oracle(lambda rows: np.eye(2, dtype=np.float32)[(rows.mean(axis=1) >= 0.25).astype(int)], DARK, 0, 10)
    bright(level(1.0)[None])
    bright.hold()
    bright(level(0.5)[None])
    assert bright.outcome("x", (), Stop.FINISHED).success


def test_without_a_hold_there_is_no_success() -> None:
    """An attack that was stopped while it was still looking for a start has won nothing."""
    oracle = Oracle(Lamp(), DARK, 0, budget=10)
    oracle(np.stack([level(1.0), level(0.51)]))
    assert not oracle.outcome("x", (), Stop.REFUSED).success


def test_without_a_wrong_answer_there_is_nothing() -> None:
    oracle = Oracle(Lamp(), DARK, 0, budget=10)
    oracle(level(0.2)[None])
    outcome = oracle.outcome("x", (), Stop.FINISHED)
    assert outcome.adversarial is None
    assert outcome.final_distance is outcome.first_distance is outcome.first_query is outcome.adversarial_label is None
    assert not outcome.success


def test_repeats_are_not_unique() -> None:
    oracle = Oracle(Lamp(), DARK, 0, budget=10)
    oracle(np.stack([level(b) for b in (0.1, 0.1, 0.2, 0.1)]))
    outcome = oracle.outcome("x", (), Stop.FINISHED)
    assert (outcome.queries, outcome.unique_queries) == (4, 2)


def test_a_target_counts_only_that_answer() -> None:
    oracle = Oracle(Lamp(), DARK, 0, budget=10, target=2)
    oracle(np.stack([level(0.6), level(0.95)]))
    outcome = oracle.outcome("x", (), Stop.FINISHED)
    assert outcome.adversarial_label == 2
    assert outcome.first_query == 2
