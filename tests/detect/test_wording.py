"""Words that all findings share."""

import numpy as np
import pytest

from caponier.detect.wording import how_many, listed, number, times, within

SECOND = 1_000_000


@pytest.mark.parametrize(
    ("n", "said"), [(0, "no"), (1, "one"), (12, "twelve"), (13, "13"), (-1, "-1"), (20_000, "20,000")]
)
def test_small_numbers_are_spelt_out(n: int, said: str) -> None:
    assert number(n) == said


@pytest.mark.parametrize(("n", "said"), [(0, "no copies"), (1, "one copy"), (31, "31 copies")])
def test_nouns_follow_their_number(n: int, said: str) -> None:
    assert how_many(n, "copy", "copies") == said
    assert how_many(n, "input") == f"{number(n)} input{'s' * (n != 1)}"


@pytest.mark.parametrize(("n", "said"), [(1, "once"), (2, "twice"), (9, "nine times"), (17, "17 times")])
def test_how_often_something_happened(n: int, said: str) -> None:
    assert times(n) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.9, ""),
        (1, " in one second"),
        (60, " in one minute"),
        (119, " in 119 seconds"),
        (240, " in four minutes"),
        (7_199, " in 120 minutes"),
        (7_200, " in two hours"),
        (86_400 * 3, " in three days"),
    ],
)
def test_how_long_something_took(seconds: float, said: str) -> None:
    assert within(np.array([5 * SECOND + int(seconds * SECOND), 5 * SECOND])) == said


def test_nothing_took_no_time() -> None:
    assert within(np.zeros(0, np.int64)) == ""


@pytest.mark.parametrize(
    ("parts", "said"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (list("abc"), "a, b and c")]
)
def test_parts_of_a_sentence_are_joined(parts: str, said: str) -> None:
    assert listed(parts) == said
