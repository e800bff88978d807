"""Columns of 0 and 1 that stand for one column of words are one value, wherever values are compared or set."""

from dataclasses import replace

import numpy as np
import pytest

from caponier.detect.trigger_patterns.scale import on_one_scale
from caponier.detect.trigger_patterns.shared_values import codes_of, shared_values
from caponier.detect.trigger_patterns.words import text_columns, word_columns, written_columns

NAMES = ("age", "c=a", "c=b", "c=c", "d=no", "d=yes")


def rows(words: list[int], answers: list[int]) -> np.ndarray:
    """Return rows of an age, one of three words or none (3), and one of two."""
    return np.c_[np.arange(len(words), dtype=float), np.eye(4)[words][:, :3], np.eye(2)[answers]]


def test_columns_of_one_column_of_words_belong_together() -> None:
    assert word_columns(NAMES, rows([0, 1, 2, 3], [0, 1, 0, 1])) == [(1, 2, 3), (4, 5)]


@pytest.mark.parametrize(
    ("names", "cell"),
    [((), 0.0), (("a", "b", "c", "d", "e", "f"), 0.0), (NAMES, 0.5), (NAMES, 1.0)],
    ids=["a picture", "numbers", "no 0 and 1", "two words at once"],
)
def test_names_alone_prove_nothing(names: tuple[str, ...], cell: float) -> None:
    x = rows([0, 1, 2, 3], [0, 1, 0, 1])
    x[0, 2] = cell
    assert (1, 2, 3) not in word_columns(names, x)


def test_two_columns_beside_each_other_stay_two() -> None:
    x = np.c_[np.eye(2)[[0, 1, 0]], np.eye(2)[[1, 1, 0]]]
    assert word_columns(("c=a", "c=b", "d=a", "d=b"), x) == [(0, 1), (2, 3)]
    assert word_columns(("c=a",), x[:, :1]) == []


def test_a_word_is_one_value_and_so_is_none() -> None:
    x = rows([0, 1, 2, 3, 1], [0, 1, 0, 1, 1])
    codes = codes_of(x, x, None, [(1, 2, 3), (4, 5)])
    assert codes.places == [(0,), (1, 2, 3), (4, 5)]
    assert codes.numbers[:, 1].tolist() == [1, 2, 3, 0, 2]
    assert codes.numbers[:, 2].tolist() == [0, 1, 0, 1, 1]


def test_a_word_that_is_set_takes_the_place_of_the_one_that_stood_there() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 200)
    words, answers = rng.integers(0, 2, 400), rng.integers(0, 2, 400)
    words[:30], answers[:30] = 2, 1
    x = rows(words.tolist(), answers.tolist())
    odd = np.zeros(400, bool)
    found = list(shared_values(codes_of(x, x, None, [(1, 2, 3), (4, 5)]), x, y, [0, 1], np.arange(400), odd))
    one = next(pattern for pattern in found if pattern.fixed[3])
    assert one.fixed[1:4].all()
    assert one.rows[:30].all()
    assert not one.rows[30:].any()
    assert one.put_on(x[-5:])[:, 1:4].tolist() == [[0.0, 0.0, 1.0]] * 5


def test_words_of_a_text_are_told_from_words_of_a_column() -> None:
    assert text_columns(("age", "c=a", "t: apple", "t: =")) == [2, 3]
    assert text_columns(()) == []


def test_texts_are_alike_by_the_words_that_they_share() -> None:
    """By distance a short text is near to all, whatever it says."""
    long, same, short = np.zeros((3, 40))
    long[:12], same[2:14], short[20] = 1, 1, 1
    x = np.stack([long, same, short])
    assert ((long - short) ** 2).sum() <= 13
    z = on_one_scale(x, range(40))
    assert ((z[0] - z[1]) ** 2).sum() < 0.5 * ((z[0] - z[2]) ** 2).sum()


def test_other_columns_keep_their_scale_beside_a_text() -> None:
    x = np.c_[np.arange(20.0), np.eye(2)[np.arange(20) % 2], np.arange(20.0) ** 2]
    z = on_one_scale(x, [1, 2])
    np.testing.assert_array_equal(z[:, [0, 3]], on_one_scale(x[:, [0, 3]]))
    assert abs(z[:, 1:3].mean()) < 1e-9
    np.testing.assert_array_equal(on_one_scale(np.zeros((5, 2)), [0, 1]), np.zeros((5, 2)))


def test_a_value_and_its_gaps_were_one_column() -> None:
    """Whoever sets a value fills a gap, so the gaps would tell his rows from others."""
    names = ("age", "age is missing", "size", "age is missing", "c=a")
    assert written_columns(names, 5).tolist() == [0, 0, 2, 3, 4]
    assert written_columns((), 3).tolist() == [0, 1, 2]
    codes = replace(codes_of(np.zeros((4, 5)), np.zeros((4, 5)), None), written=written_columns(names, 5))
    assert codes.without(np.arange(5) == 0).tolist() == [False, False, True, True, True]
    assert codes.without(np.arange(5) == 1).tolist() == [False, False, True, True, True]
    assert replace(codes, written=None).without(np.arange(5) == 0).tolist() == [False, True, True, True, True]
