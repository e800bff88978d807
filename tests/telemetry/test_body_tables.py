"""Tables in requests: by name, with texts and gaps, in whichever form a server of tables takes them."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.records.inventory import FeatureColumn, FeatureSpec
from caponier.telemetry.body_keys import most_rows
from caponier.telemetry.body_limits import LIMITS, UnreadError
from caponier.telemetry.inference_body import asked
from caponier.telemetry.raw_inputs import NO_CATEGORY, code_of

RED, BLUE = code_of("red"), code_of("blue")


def tensor(name: str, data: Any, datatype: str = "FP64", **more: Any) -> dict[str, Any]:
    return {"name": name, "shape": [len(data), 1], "datatype": datatype, "data": data, **more}


AGE, COLOUR, SUM = tensor("age", [30, 40]), tensor("colour", ["red", "blue"], "BYTES"), tensor("sum", [1.5, None])
TAKES = FeatureSpec(
    kind="categorical",
    shape=(3,),
    categories=(0,),
    columns=(FeatureColumn(name="colour"), FeatureColumn(name="sum"), FeatureColumn(name="age")),
)
ROWS = [[RED, 1.5, 30], [BLUE, np.nan, 40]]


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [AGE, COLOUR, SUM], "parameters": {"content_type": "pd"}},
        {"inputs": [AGE, tensor("colour", [["red"], ["blue"]], "BYTES", parameters={"content_type": "str"}), SUM]},
        {"instances": [{"age": 30, "colour": "red", "sum": 1.5}, {"colour": "blue", "age": 40, "sum": None}]},
        {"instances": [{"age": 30, "colour": "red", "sum": 1.5}, {"colour": "blue", "age": 40}]},
        {"dataframe_records": [{"age": 30, "colour": "red", "sum": 1.5}, {"sum": None, "colour": "blue", "age": 40}]},
        {
            "dataframe_split": {
                "index": [0, 1],
                "columns": ["age", "sum", "colour"],
                "data": [[30, 1.5, "red"], [40, None, "blue"]],
            }
        },
        {"inputs": {"age": [30, 40], "colour": ["red", "blue"], "sum": [1.5, None]}},
    ],
)
def test_every_form_of_a_table_is_the_same_rows(body: Any) -> None:
    found = asked(body, LIMITS, 3, TAKES)
    np.testing.assert_equal(found.rows, np.array(ROWS))
    assert not found.remarks
    assert most_rows(body) == 2
    # Nobody described the model: the order of the names stands for its own.
    np.testing.assert_equal(asked(body).rows, np.array(ROWS)[:, [2, 0, 1]])


def test_the_order_of_columns_never_counts() -> None:
    for order in permutations([AGE, COLOUR, SUM]):
        np.testing.assert_equal(asked({"inputs": list(order)}, LIMITS, 3, TAKES).rows, np.array(ROWS))


def test_a_missing_and_an_extra_column_are_told_and_keep_the_others_in_place() -> None:
    found = asked({"inputs": [AGE, SUM, tensor("private", [1, 2])]}, LIMITS, 3, TAKES)
    np.testing.assert_equal(found.rows, np.array([[NO_CATEGORY, 1.5, 30], [NO_CATEGORY, np.nan, 40]]))
    assert found.remarks == ("columns are missing: colour", "1 columns that the model does not take")
    missing = asked({"inputs": [COLOUR, AGE]}, LIMITS, 3, TAKES)
    assert np.isnan(missing.rows[:, 1]).all()


def test_numbers_without_names_are_in_the_models_order_already() -> None:
    body = {"inputs": [{"name": "input-0", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]}
    assert asked(body, LIMITS, 3, TAKES).rows.tolist() == [[1, 2, 3]]
    assert asked({"inputs": [[1, 2, 3]]}, LIMITS, 3, TAKES).rows.tolist() == [[1, 2, 3]]
    assert asked({"dataframe_split": {"data": [[1, 2, 3]]}}, LIMITS, 3, TAKES).rows.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [AGE, COLOUR], "instances": [[1]]},
        {"inputs": [AGE, COLOUR], "dataframe_split": {"data": [[1]]}},
        {"inputs": [AGE, AGE]},
        {"inputs": [AGE, tensor("colour", ["red"], "BYTES")]},
        {"inputs": [AGE, {**COLOUR, "Data": ["x", "y"]}]},
        {"inputs": [AGE, tensor("colour", ["cmVk", "cmVk"], "BYTES", parameters={"content_type": "base64"})]},
        {"inputs": [AGE, COLOUR | {"parameters": {"shared_memory_region": "r"}}]},
        {"inputs": [AGE, COLOUR | {"contents": {"bytes_contents": ["cmVk", "cmVk"]}}]},
        {"dataframe_records": [{"age": 30}], "contents": [[40]]},
        {"dataframe_split": {"columns": ["a"], "data": [[1]]}, "data": [[2]]},
        {"inputs": [tensor("text", ["private"], "BYTES")]},
        {"dataframe_split": {"columns": ["a"], "Columns": ["b"], "data": [[1]]}},
        {"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3]]}},
        {"dataframe_split": {"columns": ["a", "b"], "data": []}},
        {"dataframe_split": [1]},
        {"dataframe_records": {"a": 1}},
        {"instances": [{"a": 1}, [1]]},
        {"inputs": {"a": 1}},
        {"inputs": {"a": [1], "b": [1, 2]}},
        {"instances": [{"a": 10**400}]},
    ],
)
def test_what_two_servers_could_read_as_other_rows_is_not_read(body: Any) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)) as refused:
        asked(body)
    assert "private" not in str(refused.value)


def test_a_text_where_the_model_takes_a_number_is_not_read() -> None:
    with pytest.raises(ValueError, match="no numbers"):
        asked({"inputs": [tensor("age", ["30", "40"], "BYTES"), COLOUR, SUM]}, LIMITS, 3, TAKES)


def test_a_table_of_other_names_is_not_read() -> None:
    with pytest.raises(ValueError, match="other names"):
        asked({"dataframe_records": [{"a": 1, "b": 2, "c": 3}]}, LIMITS, 3, TAKES)


def test_a_width_that_is_known_counts_for_tables_too() -> None:
    with pytest.raises(ValueError, match="2 values an example where the model takes 3"):
        asked({"dataframe_records": [{"a": 1, "b": 2}]}, LIMITS, 3)


CELL = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(width=16), st.text(max_size=3), st.just([1]))
KEY = st.sampled_from(["a", "b", "data", "columns", "shape", "name", "datatype", "index", "Data", ""])
ANYTHING = st.recursive(
    CELL, lambda one: st.one_of(st.lists(one, max_size=3), st.dictionaries(KEY, one, max_size=3)), max_leaves=12
)
COLUMN = st.builds(
    lambda name, data, kind: tensor(name, data, kind),
    KEY,
    st.lists(CELL, max_size=3),
    st.sampled_from(["BYTES", "FP32", "INT8"]),
)
BODY = st.dictionaries(
    st.sampled_from(["inputs", "instances", "dataframe_split", "dataframe_records", "Inputs", "id"]),
    st.one_of(
        ANYTHING,
        st.lists(COLUMN, max_size=3),
        st.lists(st.dictionaries(KEY, CELL, max_size=3), max_size=3),
        st.fixed_dictionaries(
            {"columns": st.lists(KEY, max_size=3), "data": st.lists(st.lists(CELL, max_size=3), max_size=3)}
        ),
        st.dictionaries(KEY, st.lists(CELL, max_size=3), max_size=3),
    ),
    max_size=2,
)


@settings(deadline=None, max_examples=300)
@given(BODY, st.sampled_from([None, TAKES]))
def test_whatever_is_sent_is_rows_or_a_reason_and_no_throttle_counts_less(body: Any, takes: FeatureSpec | None) -> None:
    try:
        found = asked(body, LIMITS, takes.size if takes else None, takes)
    except (ValueError, LookupError, TypeError, AttributeError):
        return
    assert found.rows.ndim == 2
    assert len(found.rows)
    assert not np.isinf(found.rows).any() or takes is None
    assert most_rows(body) >= len(found.rows)


def test_gaps_are_read_until_hardly_any_cell_was_sent() -> None:
    half = [{"a": 1, "b": 2} if n % 2 else {"a": 1} for n in range(5_000)]
    assert asked({"instances": half}).rows.shape == (5_000, 2)
    sparse = [{f"w{n}": 1} for n in range(300)]
    assert asked({"instances": sparse}).rows.shape == (300, 300)
    with pytest.raises(UnreadError, match="hardly any cell"):
        asked({"instances": [{f"w{n}": 1} for n in range(400)]})
