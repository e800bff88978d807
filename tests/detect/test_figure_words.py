"""Figures in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.detect.figure_words import fact_words, score_words, value_words
from caponier.detect.registry import select

NAMES = st.from_regex("[a-z]+(_[a-z0-9]+){0,3}", fullmatch=True)


@given(NAMES)
def test_no_name_is_printed_as_programs_write_it(name: str) -> None:
    assert "_" not in score_words(name)
    (line,) = fact_words({name: {name: 3}})
    assert "_" not in line
    assert line.endswith(" 3")


def test_rules_that_are_told_with_another_one_are_named_as_such() -> None:
    assert fact_words({"also": ["Several models read by one account"]}) == [
        "other rules about the same events: Several models read by one account"
    ]


def test_every_detector_that_ships_scores_in_words() -> None:
    said = [score_words(detector.statistic) for detector in select()]
    assert all(" " in words and words[0].islower() for words in said)
    assert len(set(said)) == len(said)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, "yes"),
        (False, "no"),
        (None, "unknown"),
        (12_345, "12,345"),
        (0.25, "0.25"),
        ("eve", "eve"),
        ([3, 8], "3, 8"),
        (("a", [1, 2]), "a, (1, 2)"),
        ({"near_rows": 2, "of": 4}, "near rows 2, of all 4"),
        ([{"rows": 1}, {"rows": 2}], "(rows 1); (rows 2)"),
        ({"inputs": {"share": 0.2, "usual": 0.49}}, "inputs (share 0.2, usual 0.49)"),
    ],
)
def test_values_have_no_quotes_and_no_brackets_of_programs(value: object, said: str) -> None:
    assert value_words(value) == said


def test_what_was_not_seen_is_not_said() -> None:
    assert fact_words({"flips": 0, "small_steps": 2, "answers": [], "entropy": None}) == ["small steps: 2"]
