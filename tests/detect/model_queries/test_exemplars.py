import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from caponier.detect.model_queries.exemplars import exemplars


def test_answers_take_turns() -> None:
    answers = np.array([7, 7, 7, 7, 2, 2, 5])
    assert exemplars(answers, 3).tolist() == [0, 4, 6]
    assert exemplars(answers, 5).tolist() == [0, 1, 4, 5, 6]


def test_there_may_be_fewer_than_wanted_or_none() -> None:
    assert exemplars(np.array([1, 1]), 40).tolist() == [0, 1]
    assert exemplars(np.zeros(0, np.int64), 40).tolist() == []


@given(answers=st.lists(st.integers(0, 6), max_size=60), most=st.integers(1, 70))
def test_no_answer_has_two_more_than_one_that_has_some_left(answers: list[int], most: int) -> None:
    given = np.array(answers, np.int64)
    chosen = exemplars(given, most)
    assert len(chosen) == min(most, len(answers))
    assert (np.diff(chosen) > 0).all()
    counts = {answer: int((given[chosen] == answer).sum()) for answer in set(answers)}
    for answer, count in counts.items():
        if count < answers.count(answer):
            assert max(counts.values()) <= count + 1
