"""Lines with objects among their words: what is read of them, and that no line takes long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.framing.object_pairs import LONGEST, object_pairs
from pace import Stopwatch

MANY = ", ".join(f"k{n}=1" for n in range(7_000))


@pytest.mark.parametrize(
    "line",
    [f"a=X({MANY}) b=1", f"a=X(p=Y(q=Z(r=W({MANY})))) b=1", f"a={{{MANY.replace('=', ':').replace(',', '')}}} b=1"],
    ids=["Java", "Java in one another", "Go"],
)
def test_a_line_with_thousands_of_names_is_read_at_once(line: str) -> None:
    assert len(line) <= LONGEST
    with Stopwatch() as watch:
        assert object_pairs(line) is not None
    assert watch.seconds < 0.25


def test_names_in_brackets_are_those_of_the_object_there() -> None:
    found = object_pairs("a=X(p=Y(age=41, city=Bern), q=[1, 2], age=7) b=1")
    assert found == (0, {"a": {"p": {"age": "41", "city": "Bern"}, "q": ["1", "2"], "age": "7"}, "b": "1"})


PIECES = ["a=", "b: ", "X(", ")", "{", "}", "[", "]", '"', "'", "\\", " -> ", "=>", ", ", " ", "1", "k=", ":", "nil"]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_whatever_stands_there_is_read_or_left(line: str) -> None:
    found = object_pairs(f"user=ann {line} body={{'x': 1}}")
    assert found is None or (found[0] == 0 and found[1]["user"] == "ann")
