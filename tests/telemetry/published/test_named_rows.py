"""Tables in bodies under names of a platform's own, and answers as lists of classes: also where a caller wrote them."""

from typing import Any

import pytest

from caponier.telemetry.field_maps.answered.class_lists import class_pairs, listed_scores
from caponier.telemetry.field_maps.logged_bodies import exchange_of, is_request
from caponier.telemetry.field_maps.named_rows import numbers_in_text, table_of

ASKED: dict[str, Any] = {"fields": ["age", "income"], "values": [[30, 9.5], [41, 7.25]]}


def test_names_and_rows_of_as_many_cells_are_a_table_whatever_they_are_called() -> None:
    told = {"columns": ["label", "score"], "rows": [["a", 0.75], ["b", 0.5]]}
    found = exchange_of(ASKED, told)
    assert (found.inputs, found.labels, found.scores) == ([[30, 9.5], [41, 7.25]], ["a", "b"], [[0.75], [0.5]])


@pytest.mark.parametrize(
    "body",
    [
        {"fields": ["age"], "values": [[1, 2]]},
        {"fields": ["age", "age"], "values": [[1, 2]]},
        {"fields": ["age", "income"], "values": []},
        {**ASKED, "others": [[1, 2]]},
        {**ASKED, "instances": [[1, 2]]},
        {"fields": ["a"], "names": ["b"], "values": [[1]]},
        [1, 2],
        None,
    ],
)
def test_what_could_be_read_as_other_rows_is_no_table(body: Any) -> None:
    assert table_of(body) is None


def test_a_body_with_two_tables_is_no_request() -> None:
    assert not is_request({**ASKED, "rows": [[1, 2]]})


def test_numbers_in_text_are_numbers_only_where_all_of_one_name_are() -> None:
    held = [{"age": "30", "zip": "01234"}, {"age": "41", "zip": "A1"}]
    assert numbers_in_text(held) == [{"age": 30, "zip": "01234"}, {"age": 41, "zip": "A1"}]
    assert numbers_in_text([[1], [2]]) == [[1], [2]]


@pytest.mark.parametrize("held", [[["a", 10**400]], [["a"]], [["a", True]], [[1, 0.5]], [["a", 1], ["a", 2]], [], "a"])
def test_what_names_no_class_with_a_score_each_is_no_list_of_them(held: Any) -> None:
    assert class_pairs(held) is None


def test_pairs_in_one_order_are_the_scores_of_all_classes() -> None:
    rows = [[["a", 0.25], ["b", 0.75]], [["a", 0.5], ["b", 0.5]]]
    about = listed_scores(rows, "results[0]")
    assert about is not None
    assert about["scores"].parts == ("results[0][0][1]", "results[0][1][1]")
    assert about["scores"].classes == ("a", "b")
    assert listed_scores([rows[0], rows[1][::-1]], "results") is None


def test_what_a_body_says_of_more_than_two_classes_alone_is_the_best_and_its_score() -> None:
    told = {"results": [[["a", 0.25], ["b", 0.5], ["c", 0.25]]]}
    found = exchange_of([[1.0, 2.0]], told)
    assert (found.labels, found.scores) == (["b"], [[0.5]])
