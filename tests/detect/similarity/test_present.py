"""What is missing is no step: neither does a dead sensor make one, nor does leaving features out hide one."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.similarity import nearest_query
from caponier.detect.similarity.nearest_query import FAR, RING
from caponier.detect.similarity.present import alike_where_missing, lacking, nearest_present, plain
from caponier.telemetry.features import MARK
from detect.batches import batch_of, similar

GONE = MARK + 64
WIDTH = 12
ROW = [10 * at for at in range(WIDTH)]


def without(row: list[int], *places: int) -> list[int]:
    return [GONE if at in places else value for at, value in enumerate(row)]


def moved(row: list[int], by: int, *places: int) -> list[int]:
    return [value + by * (at in places) for at, value in enumerate(row)]


def signals(rows: list[list[int]], labels: list[int] | None = None) -> dict[str, list[Any]]:
    batch = similar(batch_of([rows], [labels] if labels else None))
    return {name: column.tolist() for name, column in batch.signals.items()}


def at_random(seed: int, n: int, share: float) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 128, (n, WIDTH)).astype(np.uint8)
    rows[rng.random(rows.shape) < share] |= MARK
    return rows


def plainly(rows: NDArray[np.uint8], at: int, other: int) -> float:
    """Return the squared distance of two rows as the page of the module says it."""
    has, had = rows[at] < MARK, rows[other] < MARK
    both = has & had
    if both.sum() < 4 or 2 * both.sum() < (has | had).sum():
        return np.inf
    change = rows[at].astype(int) - rows[other].astype(int)
    return int(np.square(change[both]).sum()) * WIDTH // int(both.sum())


class TestMarks:
    def test_rows_without_marks_are_the_same_array(self) -> None:
        rows = np.array([ROW], np.uint8)
        assert plain(rows) is rows

    def test_what_is_missing_stands_where_the_scale_puts_it(self) -> None:
        assert plain(np.array([without(ROW, 1)], np.uint8)).tolist() == [moved(ROW, 54, 1)]

    def test_rows_that_lack_something_or_reach_back_to_such_are_looked_at_anew(self) -> None:
        rows = np.array([ROW, without(ROW, 1), ROW, ROW, ROW], np.uint8)
        assert lacking(rows, np.arange(5), np.array([0, 1, 1, 1, 2])).tolist() == [1, 2]
        assert lacking(rows, np.arange(5), np.array([0, 1, 2, 3, 4])).tolist() == [1, 2, 3, 4]


class TestNearest:
    @pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.7, 1.0])
    def test_the_nearest_two_are_those_over_what_both_have(self, share: float) -> None:
        rows = at_random(1, 150, share)
        at, reach = np.arange(150), np.minimum(np.arange(150), 40)
        squares, places, crowd = nearest_present(rows, at, reach)
        for row in range(150):
            apart = np.array([plainly(rows, row, other) for other in range(row - reach[row], row)] + [np.inf] * 2)
            best = np.argsort(apart, kind="stable")[:2]
            told = [(int(apart[one]), row - reach[row] + one) if apart[one] < np.inf else (-1, -1) for one in best]
            assert list(zip(squares[:, row].tolist(), places[:, row].tolist(), strict=True)) == told
            least = apart[best[0]]
            assert crowd[row] == (np.count_nonzero(apart <= 2 * least) if least < np.inf else 0)

    def test_callers_do_not_meet(self) -> None:
        rows = at_random(2, 90, 0.2)
        begins = np.repeat([0, 30, 60], 30)
        together = nearest_present(rows, np.arange(90), np.arange(90) - begins)
        for begin in (0, 30, 60):
            alone = nearest_present(rows[begin : begin + 30], np.arange(30), np.arange(30))
            own = slice(begin, begin + 30)
            assert (together[0][:, own] == alone[0]).all()
            assert (together[1][:, own] == np.where(alone[1] >= 0, alone[1] + begin, -1)).all()
            assert (together[2][own] == alone[2]).all()

    def test_of_two_that_have_little_in_common_nothing_is_known(self) -> None:
        ahead, behind = without(ROW, *range(7)), without(ROW, *range(5, WIDTH))
        assert signals([ahead, behind])["squared"] == [FAR, FAR]
        assert signals([ahead, moved(ahead, 2, 9)])["squared"] == [FAR, 4 * WIDTH // 5]

    def test_rows_compared_are_alike_where_one_of_them_lacks_something(self) -> None:
        rows = np.array([without(ROW, 1), without(ROW, 2), ROW], np.uint8)
        two = alike_where_missing(rows, np.array([1]), np.array([[0], [-1]]))
        assert two.tolist() == [[[0, 64, 64, *ROW[3:]]]] * 3


class TestSignals:
    def test_a_sensor_that_goes_dead_is_no_step(self) -> None:
        found = signals([ROW, without(ROW, 11), moved(without(ROW, 11), 1, 0, 1)], [1, 2, 2])
        assert found["squared"] == [FAR, 0, 2 * WIDTH // 11]
        assert found["moved"] == [0, 0, 2]
        assert found["flip"] == [False, False, True]

    def test_an_answer_that_turns_beside_a_step_counts(self) -> None:
        assert signals([ROW, moved(without(ROW, 11), 1, 3)], [1, 2])["flip"] == [False, True]

    def test_steps_hide_behind_no_feature_that_is_left_out(self) -> None:
        asked = [moved(ROW, at, 0, 1, 2) for at in range(3 * WIDTH)]
        hidden = [without(row, at * 5 % WIDTH, (at * 7 + 1) % WIDTH) for at, row in enumerate(asked)]
        open_steps, hidden_steps = (signals(rows)["squared"] for rows in (asked, hidden))
        assert set(open_steps[1:]) == {3}
        assert max(hidden_steps[1:]) <= 3 * WIDTH // (WIDTH - 4)

    def test_a_row_in_the_middle_is_found_though_each_lacks_another_feature(self) -> None:
        ends = [[20] * WIDTH, [100] * 6 + [30] * 3 + [5] * 3]
        middle = [(one + other) // 2 for one, other in zip(*ends, strict=True)]
        whole = signals([*ends, middle], [1, 2, 1])["between"][2]
        missing = [without(row, at) for at, row in enumerate([*ends, middle])]
        assert abs(whole) >= 900
        assert abs(signals(missing, [1, 2, 1])["between"][2]) >= 900

    def test_the_marks_go_no_further(self) -> None:
        batch = batch_of([[ROW, without(ROW, 1), without(ROW, 2)]])
        found = nearest_query.add_signals(fresh(batch), batch, np.arange(1))
        assert found.batch.query.max() < MARK
        assert found.history.query.max() < MARK
        assert (found.state["query"][0, :3] == batch.query).all()

    @pytest.mark.parametrize("cut", [1, 7, 40, 199, 230])
    def test_cuts_change_nothing(self, cut: int) -> None:
        rows = at_random(3, RING + 60, 0.15)
        whole = batch_of([rows.tolist()], [[1 + at % 3 for at in range(len(rows))]])
        expected = nearest_query.add_signals(fresh(whole), whole, np.arange(1)).batch.signals
        first, rest = whole.take(np.arange(cut)), whole.take(np.arange(cut, len(whole)))
        begun = nearest_query.add_signals(fresh(whole), first, np.arange(1))
        gone_on = nearest_query.add_signals(begun.state, rest, np.arange(1)).batch.signals
        for name, column in expected.items():
            assert np.concatenate([begun.batch.signals[name], gone_on[name]]).tolist() == column.tolist(), name


def fresh(batch: EventBatch) -> NDArray[Any]:
    return np.zeros(batch.subjects, nearest_query.state_dtype(batch.query.shape[1]))
