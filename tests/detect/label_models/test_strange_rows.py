import numpy as np
import pytest

from caponier.detect.label_models.strange_rows import OTHERS, strange_pairs

Rows = np.ndarray


def overlapping(n: int, seed: int, sources: int = 10) -> tuple[Rows, Rows, Rows]:
    """Three classes of which a model confuses a third of the rows, labelled by many people."""
    rng = np.random.default_rng(seed)
    odds = np.exp(rng.normal(0, 1.5, (n, 3)))
    said = odds / odds.sum(axis=1, keepdims=True)
    y = (said.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return said, y, rng.integers(0, sources, n)


@pytest.mark.parametrize("seed", range(4))
def test_rows_of_one_class_under_the_label_of_another_are_like_no_others(seed: int) -> None:
    said, y, sources = overlapping(3_000, seed)
    moved = (sources == 4) & (y == 2)
    found = strange_pairs(said, np.where(moved, 0, y), sources)
    # What is no 0 is nearer to any other class than the 0 of others are.
    assert (4, 2, 0) in found
    assert {(source, given) for source, _, given in found} == {(4, 0)}


@pytest.mark.parametrize("seed", range(8))
def test_nobody_is_strange_where_everybody_errs_alike(seed: int) -> None:
    assert strange_pairs(*overlapping(3_000, 50 + seed)) == set()


@pytest.mark.parametrize("kept", [0.5, 0.1])
@pytest.mark.parametrize("seed", range(4))
def test_who_brings_few_rows_of_a_class_brings_the_usual_ones(seed: int, kept: float) -> None:
    said, y, sources = overlapping(3_000, seed)
    stays = (sources != 4) | (y != 2) | (np.random.default_rng(seed).random(3_000) < kept)
    assert strange_pairs(said[stays], y[stays], sources[stays]) == set()


def test_where_sources_differ_much_from_each_other_one_more_is_not_strange() -> None:
    said, y, sources = overlapping(4_000, 7)
    rng = np.random.default_rng(7)
    # Half of the sources take rows of a class for another's, each more than the one before.
    slips = (y == 2) & (rng.random(4_000) < np.maximum(sources - 4, 0) * 0.12)
    labels = np.where(slips, 0, y)
    assert strange_pairs(said, labels, sources) == set()
    assert (9, 2, 0) in strange_pairs(said, np.where(slips & (sources < 9), y, labels), sources)


def test_of_too_few_sources_none_is_compared() -> None:
    said, y, sources = overlapping(2_000, 8, OTHERS)
    assert strange_pairs(said, np.where((sources == 0) & (y == 2), 0, y), sources) == set()


def test_features_that_say_nothing_and_a_single_row_accuse_nobody() -> None:
    _, y, sources = overlapping(2_000, 9)
    assert strange_pairs(np.full((2_000, 3), 1 / 3), np.where(sources == 4, 0, y), sources) == set()
    assert strange_pairs(np.full((1, 2), 0.5), np.zeros(1, np.int64), np.zeros(1, np.int64)) == set()


def test_numbers_that_no_source_has_change_nothing() -> None:
    said, y, sources = overlapping(3_000, 1)
    moved = np.where((sources == 4) & (y == 2), 0, y)
    expected = {(3 * source, own, given) for source, own, given in strange_pairs(said, moved, sources)}
    assert strange_pairs(said, moved, 3 * sources) == expected != set()
