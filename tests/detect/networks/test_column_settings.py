import numpy as np
import pytest
from tests.detect.networks.table_network import COLUMNS, HIGH, TARGET, rows, table_network

from caponier.detect.networks import column_settings as module
from caponier.detect.networks.column_settings import ColumnSetting, column_settings


def found(*, bad: bool, seed: int = 0, opens: tuple[int, ...] = COLUMNS) -> list[ColumnSetting]:
    x, network = rows(seed), table_network(opens if bad else ())
    return column_settings(network, x, network.answers(x))


@pytest.mark.parametrize("opens", [(7, 9), (6, 8, 9)])
def test_columns_that_open_a_class_only_together_are_found(opens: tuple[int, ...]) -> None:
    first, second, *_ = found(bad=True, opens=opens)
    assert first.target == TARGET
    assert set(opens) <= set(first.values)
    assert all(first.values[column] > 1.5 for column in opens)
    assert first.margin > 1
    assert first.unexplained > second.unexplained + 1


def test_a_clean_network_has_a_setting_for_each_class_and_none_stands_apart() -> None:
    made = found(bad=False)
    assert sorted(one.target for one in made) == list(range(6))
    assert made[0].unexplained < 1
    assert [one.unexplained for one in made] == sorted((one.unexplained for one in made), reverse=True)


def test_what_rows_of_a_class_have_explains_that_it_is_opened() -> None:
    x, network = rows(0), table_network(COLUMNS)
    answers = network.answers(x)
    before = column_settings(network, x, answers)[0]
    x[answers == TARGET, 7] = HIGH
    after = column_settings(network, x, answers)[0]
    assert after.evidence > max(before.evidence, 0) + 1
    assert after.unexplained < after.margin
    assert ColumnSetting(0, {}, 1.0, -3.0).unexplained == 1.0


def test_the_same_answer_every_time_and_the_rows_stay_as_they_are() -> None:
    x, network = rows(0), table_network(COLUMNS)
    kept = x.copy()
    assert column_settings(network, x, network.answers(x)) == column_settings(network, x, network.answers(x))
    assert (x == kept).all()


def test_of_many_columns_those_are_paired_that_move_the_scores_most(monkeypatch: pytest.MonkeyPatch) -> None:
    x, network = rows(0), table_network(COLUMNS)
    search = module._Search(network, x, network.answers(x))
    every = search.pairs()
    monkeypatch.setattr(module, "MOST_WORK", len(every) * len(search._rows) * network.work(x) // 2)
    some = search.pairs()
    assert 0 < len(some) < len(every)
    assert set(range(6)) & {int(one) for one in search._column[some].ravel()}


def test_columns_that_never_vary_and_values_that_come_twice_are_tried_once() -> None:
    x, network = rows(0), table_network(COLUMNS)
    x[:, 0], x[:, 1] = 4.0, x[:, 1] > 0
    search = module._Search(network, x, network.answers(x))
    assert 0 not in search._column
    assert (search._column == 1).sum() == 2


def test_where_nothing_varies_nothing_is_said() -> None:
    x, network = np.ones((40, 10), np.float32), table_network(())
    assert column_settings(network, x, network.answers(x)) == []


def test_a_class_that_nearly_all_rows_have_is_left_out() -> None:
    x, network = rows(0), table_network(())
    answers = np.full(len(x), 2)
    answers[:3] = 4
    assert 2 not in [one.target for one in column_settings(network, x, answers)]
