"""Columns of text that are numbers, as spreadsheets of many countries write them."""

import math

import numpy as np
import pytest

from caponier.telemetry.labelled_data.number_texts import numbers_in


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "2.5", "-3e2", "+.5"], [1, 2.5, -300, 0.5]),
        (["1,5", "20,25", "-0,125", ",5", "7"], [1.5, 20.25, -0.125, 0.5, 7]),
        (["1.234,5", "12,75", "1.000.000,0"], [1234.5, 12.75, 1_000_000]),
        (["1,234", "12,345,678.5", "7"], [1234, 12_345_678.5, 7]),
        (["0,123", "0,456", "12,345"], [0.123, 0.456, 12.345]),
        (["-0,875", *["1,250"] * 30], [-0.875, *[1.25] * 30]),
        (["12%", "7.5 %", "100%"], [12, 7.5, 100]),
        (["12,5%", "7,25 %"], [12.5, 7.25]),
        ([" 4", "5 "], [4, 5]),
        (["$1,250.50", "-$980", "7"], [1_250.5, -980, 7]),
        (["1.250,50 €", "EUR 980,5", "7,25"], [1_250.5, 980.5, 7.25]),
        (["\u22124", "5"], [-4, 5]),
    ],
)
def test_numbers_are_read_as_they_are_written(cells: list[str], values: list[float]) -> None:
    found = numbers_in(cells)
    assert found is not None
    np.testing.assert_allclose(found[0], values)
    assert not found[1]


@pytest.mark.parametrize("word", ["", "NA", "n/a", "NaN", "NULL", "None", "?", "-", ".", "#N/A", "missing"])
def test_words_for_no_value_are_missing_however_many(word: str) -> None:
    found = numbers_in([word, "1,5", word, None, word])
    assert found is not None
    values, words = found
    assert values[1] == 1.5
    assert sum(map(math.isnan, values)) == 4
    assert not words


def test_a_few_words_are_told_with_their_place() -> None:
    found = numbers_in([*["1,5"] * 19, "one"])
    assert found is not None
    assert found[1] == [(19, "one")]


@pytest.mark.parametrize(
    "cells",
    [
        ["Köln", "Berlin"],
        ["1", "2", "three", "four"],
        ["2026-01-05", "2026-01-06"],
        ["1,2,3", "4,5,6"],
        ["10.0.0.1", "10.0.0.2"],
        ["1_000", "2_000"],
        ["a,5", "b,6"],
        ["NA", "?"],
        [],
        [None],
    ],
)
def test_what_is_no_column_of_numbers_is_none(cells: list[str | None]) -> None:
    assert numbers_in(cells) is None
