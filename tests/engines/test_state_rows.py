"""States side by side in rows of bytes come back as they were."""

import numpy as np

from caponier.engines.state_rows import StateRows

KINDS = [
    np.dtype([("count", np.int32), ("ring", np.uint8, (3, 2))]),
    np.dtype(np.float64),
    np.dtype([("flag", np.bool_), ("far", np.int64, (2,))]),
]


def states(n: int) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [np.frombuffer(rng.bytes(n * kind.itemsize), kind).copy() for kind in KINDS]


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.tobytes() == other.tobytes()


def test_states_come_back_where_they_are_wanted_and_others_stay() -> None:
    rows, there = StateRows(KINDS), states(4)
    packed = rows.packed(there)
    into = [np.zeros(6, kind) for kind in KINDS]
    rows.lay([packed[3], packed[0]], [1, 5], into)
    for before, after in zip(there, into, strict=True):
        assert same(after[[1, 5]], before[[3, 0]])
        assert same(after[[0, 2, 3, 4]], np.zeros(4, before.dtype))


def test_nothing_to_lay_changes_nothing() -> None:
    into = states(2)
    before = [one.copy() for one in into]
    StateRows(KINDS).lay([], [], into)
    assert all(map(same, into, before))


def test_a_row_outlives_the_others_alone() -> None:
    packed = StateRows(KINDS).packed(states(3))
    assert all(row.base is None for row in packed)


def test_states_that_do_not_lie_side_by_side_are_taken_as_they_are() -> None:
    there = states(8)
    rows = StateRows(KINDS)
    for one, other in zip(rows.packed([state[::2] for state in there]), rows.packed(there)[::2], strict=True):
        assert same(one, other)


def test_a_state_of_another_kind_is_turned_into_the_one_that_was_declared() -> None:
    rows = StateRows([np.dtype(np.float64)])
    into = [np.zeros(1)]
    rows.lay(rows.packed([np.array([7], np.int32)]), [0], into)
    assert into[0][0] == 7.0
