"""Bodies in a field of a log: objects, JSON, CSV, base64, and what is none of them."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.field_maps.logged_bodies import MOST_LINES, exchange_of, is_request, why

ROWS = [[1.0, 2.0], [3.0, 4.5]]
numbers = st.floats(-1e6, 1e6, width=32)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(numbers, min_size=width, max_size=width), min_size=1, max_size=5)
)


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "request_",
    [
        {"instances": ROWS},
        ROWS,
        json.dumps({"instances": ROWS}),
        json.dumps(ROWS),
        f"  {json.dumps(ROWS)}\n",
        "1,2\n3,4.5",
        " 1 , 2\n3 ,4.5\n",
        coded(json.dumps({"instances": ROWS})),
        coded("1,2\n3,4.5\n"),
        json.dumps({"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4.5]}]}),
    ],
    ids=str,
)
def test_the_same_rows_are_read_however_they_were_written(request_: Any) -> None:
    found = exchange_of(request_, None)
    assert (found.inputs, found.count, found.problem) == (ROWS, 2, None)
    assert found.labels is None


@given(tables)
def test_csv_says_what_json_says(table: list[list[float]]) -> None:
    plain = exchange_of("\n".join(",".join(map(repr, row)) for row in table), None)
    assert (
        plain.inputs == exchange_of(json.dumps(table if len(table[0]) > 1 else [row[0] for row in table]), None).inputs
    )
    assert plain.count == len(table)


@given(tables)
def test_base64_hides_nothing(table: list[list[float]]) -> None:
    text = json.dumps({"instances": table})
    assert exchange_of(coded(text), None) == exchange_of(text, None)


@given(st.text(max_size=60) | st.binary(max_size=40).map(lambda raw: base64.b64encode(raw).decode()))
def test_any_text_is_a_request_or_a_problem_that_repeats_no_body(text: str) -> None:
    found = exchange_of(text, None)
    assert found.count >= 1
    if found.problem is not None:
        assert found.problem.startswith("request: ")
        assert found.inputs is None


@pytest.mark.parametrize("empty", [None, ""])
def test_nothing_is_one_event_without_an_input(empty: Any) -> None:
    found = exchange_of(empty, {"predictions": [1]})
    assert (found.inputs, found.count, found.problem, found.scores) == (None, 1, None, None)


@pytest.mark.parametrize("secret", ["hunter2", '{"password": "hunter2"}', '{"instances": "hunter2"}', "[[hunter2"])
def test_what_is_wrong_is_said_without_what_stands_there(secret: str) -> None:
    problem = exchange_of(secret, None).problem
    assert problem is not None
    assert "hunter2" not in problem


def test_an_answer_that_cannot_be_read_costs_no_question() -> None:
    found = exchange_of({"instances": ROWS}, "<html>busy</html>")
    assert found.inputs == ROWS
    assert found.problem is not None
    assert found.problem.startswith("response: ")


def test_answers_belong_to_their_rows() -> None:
    found = exchange_of({"instances": ROWS}, json.dumps({"predictions": [[0.25, 0.75], [1.0, 0.0]]}))
    assert found.scores == [[0.25, 0.75], [1.0, 0.0]]
    assert exchange_of({"instances": ROWS}, None).scores is None


def test_a_table_of_too_many_lines_is_no_request() -> None:
    assert exchange_of("1\n" * MOST_LINES, None).count == MOST_LINES
    found = exchange_of("1\n" * (MOST_LINES + 1), None)
    assert (found.inputs, found.problem is None) == (None, False)


@pytest.mark.parametrize(
    "body",
    [
        '{"predictions": [{"label": "a", "score": %s}]}',
        '{"predictions": [[%s]]}',
        '{"outputs": [{"name": "s", "shape": [1, 1], "datatype": "FP64", "data": [%s]}]}',
        '{"instances": [[%s]]}',
    ],
)
def test_a_number_beyond_all_others_is_a_problem_and_no_crash(body: str) -> None:
    whole = body % ("9" * 400)
    behind = coded(whole[:-1] + ', "inputs": [{"shape": [1], "datatype": "BYTES"}]}' + "\0")
    for text in (whole, coded(whole), behind):
        for found in (exchange_of(text, None), exchange_of("[[1]]", text), exchange_of(None, text)):
            assert found.count == 1
            assert "999" not in str(found.problem)


def test_nested_too_deeply_is_a_problem_and_no_crash() -> None:
    for text in ("[" * 100_000, '{"a":' * 50_000, '{"instances":' + "[" * 5_000 + "]" * 5_000 + "}"):
        assert exchange_of(text, None).problem is not None


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ({"instances": ROWS}, True),
        ('{"inputs": []}', True),
        ({"dataframe_split": {}}, True),
        ({"rows": ROWS}, False),
        ("instances", False),
        (7, False),
        (None, False),
        ("[" * 9_999, False),
    ],
)
def test_a_request_is_known_by_where_its_rows_stand(value: Any, is_one: bool) -> None:
    assert is_request(value) is is_one


def test_a_key_that_is_missing_is_named() -> None:
    assert why(KeyError("data")) == "no 'data'"
    assert why(ValueError("too many")) == "too many"
