import numpy as np
import pytest
from bench.machinery.attackers.path_finding import PathFinding

from caponier.emulate.caller.oracle import RefusedError
from caponier.emulate.images import Images

RNG = np.random.default_rng(4)


def tree(rows: Images) -> Images:
    """Four leaves: split at 0.3 in the first column, then at 0.6 in the second or at 0.8 in the third."""
    left = np.where(rows[:, 1] < 0.6, 0.1, 0.4)
    right = np.where(rows[:, 2] < 0.8, 0.7, 0.9)
    score = np.where(rows[:, 0] < 0.3, left, right)
    return np.column_stack([1 - score, score]).astype(np.float32)


def slope(rows: Images) -> Images:
    return np.column_stack([1 - rows[:, 0], rows[:, 0]]).astype(np.float32)


def found(budget: int = 2_000, **given: float) -> PathFinding:
    search = PathFinding(tree, budget, **given)
    search.run(np.array([[0.1, 0.1, 0.1]], np.float32), np.random.default_rng(1))
    return search


def test_all_splits_of_a_tree_are_found_from_one_row() -> None:
    search = found()
    for column, place in ((0, 0.3), (1, 0.6), (2, 0.8)):
        assert min(abs(at - place) for where, at in search.splits if where == column) <= 1 / 128
    assert {column for column, _ in search.splits} == {0, 1, 2}
    assert len({scores.tobytes() for scores in search.scores}) == 4


def test_a_leaf_is_walked_once() -> None:
    assert len(found().asked) < 150


def test_it_keeps_to_its_budget() -> None:
    assert len(found(budget=17).asked) == 17


def test_it_ends_where_it_is_refused() -> None:
    def refusing(rows: Images) -> Images:
        if len(search.asked) >= 5:
            raise RefusedError("no more")
        return tree(rows)

    search = PathFinding(refusing, 100)
    search.run(RNG.random((3, 3), np.float32), np.random.default_rng(1))
    assert len(search.asked) == len(search.scores) == 5


def test_coarser_halving_takes_fewer_queries() -> None:
    assert len(found(width=1 / 8).asked) < len(found(width=1 / 1024).asked)


@pytest.mark.parametrize(("tell", "most"), [(1e-6, 200), (0.3, 40)])
def test_scores_that_change_everywhere_are_told_apart_by_enough(tell: float, most: int) -> None:
    search = PathFinding(slope, 200, tell=tell)
    search.run(np.full((1, 2), 0.2, np.float32), np.random.default_rng(1))
    assert 5 < len(search.asked) <= most


def test_steps_are_along_one_column_at_a_time() -> None:
    asked = np.array(found().asked)
    near = [int(np.sort((asked[:at] != asked[at]).sum(axis=1))[0]) for at in range(1, len(asked))]
    assert max(near) <= 1
