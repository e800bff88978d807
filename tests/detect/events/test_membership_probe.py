import numpy as np
import pytest

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Params
from caponier.detect.events.membership_probe import OWN, WINDOW, detector
from caponier.detect.sketch import ROWS
from detect.batches import batch_of, scores, similar


def asking(*subjects: list[int]) -> EventBatch:
    """Make a batch in which each number is an input of its own, with the number after it as its digest."""
    inputs = [[[number % 128, number // 128] for number in numbers] for numbers in subjects]
    return batch_of(inputs, keys=[[number + 1 for number in numbers] for numbers in subjects])


def trained(*numbers: int) -> Params:
    """Sketch the inputs of these numbers."""
    return {ROWS: np.unique(np.array(numbers, np.uint64)) + np.uint64(1)}


def scored(params: Params, *numbers: int) -> list[int]:
    return scores(detector, params, asking([*numbers])).tolist()


def test_the_sixth_training_row_counts_first() -> None:
    assert scored(trained(*range(100)), *range(OWN + 3)) == [0] * OWN + [1, 2, 3]


def test_other_rows_do_not_count() -> None:
    assert scored(trained(*range(0, 100, 2)), *range(14)) == [0] * 10 + [1, 1, 2, 2]


def test_owned_records_may_be_asked_for_again_and_again() -> None:
    asked = [number for turn in range(90) for number in (turn % OWN, 1_000 + turn)]
    assert max(scored(trained(*range(100)), *asked)) == 0


def test_owned_records_count_once_even_when_they_left_the_ring() -> None:
    """Between two turns of the records lie more different queries than similarity remembers."""
    asked = [*range(OWN), *range(1_000, 1_000 + WINDOW + 50), *range(OWN), *range(2_000, 2_000 + WINDOW + 50)]
    assert max(scored(trained(*range(100)), *asked)) == 0


def test_what_was_asked_long_ago_is_forgotten() -> None:
    found = scored(trained(*range(100)), *range(10), *range(1_000, 1_000 + WINDOW))
    assert found[9] == 10 - OWN
    assert found[WINDOW - 1] == 10 - OWN
    assert found[WINDOW + OWN] == 0


def test_repeats_do_not_count() -> None:
    assert scored(trained(*range(100)), *[number for number in range(7) for _ in range(3)])[-3:] == [2, 0, 0]


def test_without_a_sketch_nothing_is_found() -> None:
    assert max(scored({}, *range(50))) == 0
    assert max(scored({ROWS: np.zeros(0, np.uint64)}, *range(50))) == 0


def test_events_without_an_input_are_no_training_rows() -> None:
    found = scores(detector, {ROWS: np.zeros(1, np.uint64)}, batch_of([[None] * 9]))
    assert found.max() == 0


def test_subjects_are_counted_apart() -> None:
    found = scores(detector, trained(*range(100)), asking([*range(4)], [*range(4, 8)]))
    assert found.max() == 0


@pytest.mark.parametrize("own", [0, 3])
def test_an_explanation_names_the_training_rows(own: int) -> None:
    events = similar(asking([*range(1_000, 1_000 + own), *range(8)]))
    said = detector.explain(trained(*range(100)), events)
    assert said.rows.tolist() == list(range(own, own + 8))
    assert said.facts == {"training_rows": 8, "window": own + 8, "of": 100}
    assert said.summary.startswith(f"8 of the last {own + 8} different queries are rows of the training set")
