"""Columns by name as inputs: numbers in any writing, categories by value, and what is missing."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.formats.strict_yaml import SHIPPED, read_value
from caponier.records.field_map import FieldMap, MapColumn, MapFeature
from caponier.telemetry.field_maps.named_features import MISSING, NamedFeatures, category_code, is_missing, numbers_in
from caponier.telemetry.field_maps.paths import steps_of
from caponier.telemetry.field_maps.words import FEW, understood, yaml_of
from caponier.telemetry.raw_inputs import NO_CATEGORY

AGE, CITY = MapFeature(name="age"), MapFeature(name="city", kind="category")


def made(*columns: list[Any], features: tuple[MapFeature, ...] = (AGE, CITY), decimal: str = ".") -> Any:
    named = NamedFeatures(features, [steps_of(one.name) for one in features], decimal)
    inputs, problems = named.of(columns)
    return inputs.to_pylist(), problems


class TestNumbers:
    @given(st.lists(st.floats(-1e30, 1e30) | st.integers(-(10**9), 10**9), min_size=1, max_size=8))
    def test_as_text_they_are_what_they_are_as_numbers(self, values: list[float]) -> None:
        plain, _ = made(values, features=(AGE,))
        assert made([repr(one) for one in values], features=(AGE,)) == (plain, [])

    def test_a_decimal_comma_is_read_with_its_dots(self) -> None:
        rows, problems = made(["1.234,5", "0,25", "7"], features=(AGE,), decimal=",")
        assert (rows, problems) == ([[1234.5], [0.25], [7.0]], [])

    @pytest.mark.parametrize("word", [*sorted(MISSING), " NaN ", "NULL", None, float("nan")])
    def test_what_says_that_nothing_is_there_is_no_problem(self, word: Any) -> None:
        assert is_missing(word)
        rows, problems = made([word, 1], features=(AGE,))
        assert (rows, problems) == ([None, [1.0]], [])

    def test_what_is_neither_is_told_once_by_its_place_and_without_its_value(self) -> None:
        rows, problems = made([1, "secret", None, 4], ["a", "a", "a", "a"])
        assert [place for place, _ in problems] == [1]
        assert problems[0][1] == "age is no number: it counts as missing"
        assert math.isnan(rows[1][0])

    def test_beyond_what_a_model_holds_is_its_limit_and_no_infinity(self) -> None:
        rows, _ = made([1e300, -1e300, "inf"], features=(AGE,))
        assert np.isfinite(np.array(rows)).all()
        assert rows[0][0] == -rows[1][0] == rows[2][0] > 1e38

    def test_a_row_of_which_nothing_is_there_is_no_input_and_one_of_which_something_is(self) -> None:
        rows, _ = made([None, None, 1], ["", "berlin", None])
        assert rows[0] is None
        assert math.isnan(rows[1][0])
        assert rows[2] == [1.0, NO_CATEGORY]

    def test_truth_is_a_number(self) -> None:
        assert made([True, "true", "FALSE"], features=(AGE,))[0] == [[1.0], [1.0], [0.0]]


class TestCategories:
    @given(st.one_of(st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6)))
    def test_a_number_as_text_is_the_same_category(self, value: float) -> None:
        assert category_code(str(value)) == category_code(value)

    def test_a_number_with_leading_noughts_is_a_name(self) -> None:
        assert category_code("007") != category_code(7)
        assert category_code("7") == category_code(7) == category_code(7.0)

    @given(st.lists(st.sampled_from(["a", "b", "", None, 3, "3", True]), min_size=1, max_size=12))
    def test_a_code_depends_on_the_value_alone(self, values: list[Any]) -> None:
        """Not on what came before: two logs of a day apart must agree."""
        rows, _ = made([1] * len(values), values)
        alone = [made([1], [value])[0][0] for value in values]
        assert rows == alone

    def test_nested_values_are_told_apart_and_never_crash(self) -> None:
        rows, _ = made([1, 1, 1], [["a"], ["b"], ["a"]])
        assert rows[0] == rows[2] != rows[1]


@pytest.mark.parametrize(
    ("value", "decimal", "expected"),
    [
        ([1, "2.5"], ".", [1, 2.5]),
        ("[1, 2]", ".", [1, 2]),
        ("1, 2;3", ".", [1.0, 2.0, 3.0]),
        ("1,5; 2,5", ",", [1.5, 2.5]),
        (7, ".", [7]),
        (np.array([1.0, 2.0]), ".", [1.0, 2.0]),
        (True, ".", None),
        ("", ".", None),
        ("[1,", ".", None),
        ('{"a": 1}', ".", None),
        (None, ".", None),
    ],
)
def test_lists_of_numbers_in_every_writing(value: Any, decimal: str, expected: Any) -> None:
    assert numbers_in(value, decimal) == expected


class TestWords:
    def map(self, n: int = 2) -> FieldMap:
        features = tuple(MapFeature(name=f"f{at}") for at in range(n))
        columns = {"time": MapColumn(path=("ts",)), "principal": MapColumn(path=("user", "who"), secret=True)}
        return FieldMap(name="guessed", columns=columns, features=(*features, CITY))

    def test_it_is_said_where_everything_is_taken_from(self) -> None:
        said = understood(self.map(), ["the rest is left out"])
        assert said == (
            "these columns: time from ts, principal from user or who (hashed), 3 features (f0, f1, city (category)); "
            "the rest is left out"
        )

    def test_of_many_features_a_few_are_named(self) -> None:
        assert f"and {31 - FEW} more" in understood(self.map(30))

    @pytest.mark.parametrize("n", [0, 2, 30])
    def test_what_is_written_is_the_map_that_is_read(self, n: int) -> None:
        written = yaml_of(self.map(n))
        assert FieldMap.model_validate(read_value(written, "map.yaml", SHIPPED)) == self.map(n)
