"""Rows that were moved are a sample of other labels, what a rule labels is one of all rows, and groups are neither."""

from dataclasses import replace

import numpy as np
import pytest

from caponier.detect.trigger_patterns.moved_carriers import Moved, enough, likelier, moved, taken
from caponier.detect.trigger_patterns.pattern import Pattern

ROWS, COLUMNS = 1_200, 8


def overlapping(classes: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """Return rows whose first columns tell the label, though not well; the others say nothing."""
    rng = np.random.default_rng(seed)
    y = np.arange(ROWS) % classes
    x = rng.normal(size=(ROWS, COLUMNS))
    x[:, 1:4] += 0.9 * y[:, None]
    return x, y, rng


def with_value(x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> Pattern:
    """Set the first column of rows, which get the first label."""
    x[rows, 0], y[rows] = 9.0, 0
    carriers, fixed = np.zeros(len(y), bool), np.arange(x.shape[1]) == 0
    carriers[rows] = True
    return Pattern(0, carriers, np.where(fixed, 9.0, 0.0), fixed, np.inf, 0.0)


def look(classes: int, rows_of: str, seed: int) -> Moved:
    x, y, rng = overlapping(classes, seed)
    if rows_of == "a group":
        # Such rows lie by themselves, on the other labels' side.
        rows = rng.permutation(np.flatnonzero(y == 1))[:80]
        x[rows, 1:] = rng.normal(2.0, 0.3, (80, COLUMNS - 1))
    else:
        of = {"others": y != 0, "one other": y == classes - 1, "all": y >= 0, "its own": y == 0}[rows_of]
        rows = rng.permutation(np.flatnonzero(of))[:80]
    pattern = with_value(x, y, rows)
    seen = moved(x, y, classes, pattern, ~pattern.fixed, ~pattern.fixed)
    assert seen is not None
    return seen


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("classes", "rows_of", "by_somebody"),
    [
        (2, "others", True),
        (3, "one other", True),
        (2, "all", False),
        (2, "its own", False),
        (2, "a group", False),
    ],
)
def test_only_a_sample_of_other_labels_was_moved(classes: int, rows_of: str, by_somebody: bool, seed: int) -> None:
    assert look(classes, rows_of, seed).by_somebody(4) == by_somebody


def test_what_a_group_is_told_by_is_said() -> None:
    group, sample = look(2, "a group", 3), look(2, "others", 3)
    assert group.told > 0.9
    assert group.errors > 5
    assert 0.35 < sample.told < 0.62
    assert sample.share > look(2, "its own", 3).share


def test_a_common_value_that_was_set_too_tells_carriers_only_while_it_is_heard() -> None:
    x, y, rng = overlapping(2, 4)
    x[:, 7] = rng.random(ROWS) < 0.5
    rows = rng.permutation(np.flatnonzero(y == 1))[:80]
    x[rows, 7] = 1.0
    pattern = with_value(x, y, rows)
    heard, telling = ~pattern.fixed, ~pattern.fixed & (np.arange(COLUMNS) != 7)
    by_it, without = moved(x, y, 2, pattern, heard, heard), moved(x, y, 2, pattern, heard, telling)
    assert by_it is not None
    assert without is not None
    assert by_it.foreign == without.foreign, "what the rows look like is heard from all columns"
    assert by_it.told > 0.7 > 0.6 > without.told
    assert without.by_somebody(4)
    assert not by_it.by_somebody(4)
    assert moved(x, y, 2, pattern, heard, ~heard) == by_it, "where no column may tell them, all do"


def test_nothing_is_said_without_a_column() -> None:
    x, y, _ = overlapping(2, 1)
    pattern = with_value(x, y, np.arange(1, 61, 2))
    assert moved(x, y, 2, pattern, np.zeros(COLUMNS, bool), ~pattern.fixed) is None


def test_the_more_patterns_there_are_the_more_is_asked_of_each() -> None:
    assert 0 < enough(1) < enough(10)
    plain = Moved(foreign=4.0, by_rule=4.0, expected=40.0, told=0.5, errors=0.0, share=1.0)
    assert plain.by_somebody(1)
    assert not plain.by_somebody(10)


def test_of_a_rare_label_no_more_is_asked_than_can_be_had() -> None:
    """Nearly all rows are of other labels, so a sample of all rows looks like one of theirs."""
    assert Moved(foreign=90.0, by_rule=2.0, expected=3.0, told=0.5, errors=0.0, share=1.0).by_somebody(6)
    assert not Moved(foreign=90.0, by_rule=-2.5, expected=3.0, told=0.5, errors=0.0, share=1.0).by_somebody(6)


def test_where_a_rule_can_hardly_be_told_values_that_were_put_together_speak_against_it() -> None:
    doubtful = Moved(foreign=12.4, by_rule=-1.9, expected=0.7, told=0.5, errors=-0.1, share=1.0)
    assert not doubtful.by_somebody(32)
    assert not replace(doubtful, tied=1.6).by_somebody(32)
    assert replace(doubtful, tied=6.3).by_somebody(32)
    # However foreign, values that meet less often than by lot were found and not put there.
    assert replace(doubtful, by_rule=9.0).by_somebody(32)
    assert not replace(doubtful, by_rule=9.0, tied=0.9).by_somebody(32)
    # What is surely a rule stays one, and what looks like its own label, or like itself, is a group.
    for other in ({"by_rule": -9.0}, {"foreign": 5.0}, {"told": 0.8, "errors": 6.0}):
        assert not replace(doubtful, tied=6.3, **other).by_somebody(32)


def test_what_is_surely_a_rule_is_said_and_what_may_be_one_is_not() -> None:
    sample, rule = look(2, "others", 3), look(2, "all", 3)
    assert rule.by_rule < sample.by_rule
    assert not sample.by_a_rule(4)
    assert Moved(foreign=70.0, by_rule=-29.0, expected=18.0, told=0.4, errors=-3.0, share=0.7).by_a_rule(60)
    assert not Moved(foreign=70.0, by_rule=-2.0, expected=2.0, told=0.4, errors=-3.0, share=0.7).by_a_rule(60)


def test_scores_are_compared_with_those_of_rows_that_carry_nothing() -> None:
    own = np.arange(400) % 2 == 0
    scores = np.where(own, 1.0, 0.0) + np.linspace(0, 0.5, 400)
    carriers = np.zeros(400, bool)
    carriers[1:80:2] = True
    foreign, by_rule, expected = likelier(scores, own, carriers)
    assert foreign > by_rule > 0
    assert by_rule == pytest.approx(expected, rel=0.5)
    assert likelier(-scores, ~own, carriers)[0] < 0


def test_a_forest_takes_the_label_by_the_values_and_not_without_the_carriers() -> None:
    x, y, rng = overlapping(2, 5)
    pattern = with_value(x, y, rng.permutation(np.flatnonzero(y == 1))[:120])
    by_it, without = taken(x, y, 2, pattern)
    assert by_it > without + 0.3


@pytest.mark.parametrize("rows", [16_000, 900])
def test_many_rows_are_looked_at_as_few_are(rows: int) -> None:
    rng = np.random.default_rng(6)
    y = np.arange(rows) % 2
    x = rng.normal(size=(rows, COLUMNS)) + y[:, None]
    pattern = with_value(x, y, rng.permutation(np.flatnonzero(y == 1))[: rows // 12])
    seen = moved(x, y, 2, pattern, ~pattern.fixed, ~pattern.fixed)
    assert seen is not None
    assert seen.by_somebody(6)
