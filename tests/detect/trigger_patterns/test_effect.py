import numpy as np
from tests.detect.trigger_patterns.worlds import clouds

from caponier.detect.trigger_patterns.effect import EffectModel
from caponier.detect.trigger_patterns.pattern import Pattern
from caponier.detect.trigger_patterns.strangers import Strangers, out_of_place, strangers

D = 16


def backdoored(seed: int, clean: bool = False) -> tuple[np.ndarray, np.ndarray, Pattern]:
    """Rows of which 60 carry a step in one column; their labels were 0 before if they are right."""
    z, y = clouds(900, 3, D, seed)
    rows = np.flatnonzero(y == 0 if clean else y != 0)[:60]
    step = np.zeros(D)
    step[-1] = 6
    z[rows] += step
    y[rows] = 0
    mask = np.zeros(900, bool)
    mask[rows] = True
    return z, y, Pattern(0, mask, step, np.zeros(D, bool), 20.0, 0.0)


def test_a_trigger_turns_other_rows_and_not_for_who_never_saw_it() -> None:
    z, y, pattern = backdoored(1)
    model = EffectModel(z, y, 3)
    assert model.success(pattern) > 0.6
    assert model.without(pattern.rows).success(pattern) < 0.2
    assert model.success(pattern) > 0.6, "forgetting makes another model"


def test_a_model_without_rows_is_the_one_that_was_trained_without_them() -> None:
    z, y, pattern = backdoored(2)
    fewer = EffectModel(z, y, 3).without(pattern.rows)
    kept = ~pattern.rows
    trained = EffectModel(z[kept], y[kept], 3)
    assert (fewer.answers(z) == trained.answers(z)).mean() > 0.999


def test_a_pattern_of_set_cells_is_put_on_and_taken_off() -> None:
    fixed = np.array([False, True])
    pattern = Pattern(0, np.ones(1, bool), np.array([2.0, 7.0]), fixed, np.inf, 0.0)
    assert pattern.put_on(np.array([[1.0, 1.0]])).tolist() == [[3.0, 7.0]]
    assert pattern.taken_off(np.array([[3.0, 7.0]]), np.array([0.0, 0.5])).tolist() == [[1.0, 0.5]]


def test_rows_that_were_given_a_label_are_strangers_under_it_and_own_rows_are_not() -> None:
    z, y, pattern = backdoored(3)
    seen = strangers(z, y, pattern, by_label=True)
    assert seen.share > 0.5
    assert seen.usual < 0.1
    z, y, pattern = backdoored(3, clean=True)
    assert strangers(z, y, pattern, by_label=True).share < 0.1


def test_where_every_column_belongs_to_the_pattern_nobody_can_be_told_a_stranger() -> None:
    z, y, pattern = backdoored(4)
    whole = Pattern(0, pattern.rows, pattern.added, np.ones(D, bool), np.inf, 0.0)
    assert strangers(z, y, whole, by_label=False) == Strangers(0.0, 0.0, 0.0)


def test_who_is_alone_with_a_label_is_asked_nothing() -> None:
    z, _, pattern = backdoored(5)
    assert EffectModel(z, np.zeros(900, np.int64), 1).success(pattern) == 0.0


def test_rows_among_others_of_their_label_are_in_place_and_strangers_are_not() -> None:
    z, y = clouds(900, 3, D, 6)
    moved = np.flatnonzero(y == 1)[:30]
    y[moved] = 2
    odd = out_of_place(z, y)
    assert odd[moved].mean() > 0.9
    assert odd[np.setdiff1d(np.arange(900), moved)].mean() < 0.05


def test_what_is_added_can_be_added_several_times_and_what_is_set_is_set() -> None:
    fixed = np.array([False, True])
    pattern = Pattern(0, np.ones(1, bool), np.array([2.0, 7.0]), fixed, 9.0, 0.0).times(3)
    assert pattern.put_on(np.array([[1.0, 1.0]])).tolist() == [[7.0, 7.0]]
