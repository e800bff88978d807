import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.detect.batch import EventBatch
from caponier.detect.events.flood import SECONDS, detector

START = 1_750_000_000


def timed(*subjects: list[float]) -> EventBatch:
    """Make a batch of events at the given seconds after the start."""
    time = np.array([round((START + second) * 1e6) for times in subjects for second in times], np.int64)
    n = len(time)
    return EventBatch(
        offsets=np.cumsum([0, *map(len, subjects)]),
        time=time,
        source=np.zeros(n, np.int32),
        seq=np.arange(n),
        query=np.zeros((n, 1), np.uint8),
        key=np.zeros(n, np.uint64),
        label=np.zeros(n, np.uint64),
    )


def scored(*batches: EventBatch) -> list[int]:
    state = np.zeros(batches[0].subjects, detector.state)
    found: list[int] = []
    for batch in batches:
        state, scores = detector.score({}, state, batch)
        found += scores.tolist()
    return found


def plain(times: list[float]) -> list[int]:
    """Count one by one, as the detector's description says."""
    second = [int(START + time) for time in times]
    return [sum(now - SECONDS < then <= now for then in second[: at + 1]) for at, now in enumerate(second)]


def test_every_event_within_ten_seconds_counts() -> None:
    assert scored(timed([0, 0, 0, 1, 9.9])) == [1, 2, 3, 4, 5]


def test_the_eleventh_second_has_forgotten_the_first() -> None:
    assert scored(timed([0, 0.9, 1, 10, 11])) == [1, 2, 3, 2, 2]


def test_a_pause_starts_anew() -> None:
    assert scored(timed([0, 1, 2, 100])) == [1, 2, 3, 1]


def test_events_without_an_input_and_repeats_count() -> None:
    assert scored(timed([0.0] * 300))[-1] == 300


def test_subjects_are_counted_apart() -> None:
    assert scored(timed([0, 0, 9], [9, 9], [], [9])) == [1, 2, 3, 1, 2, 1]


def test_counts_go_on_from_one_batch_to_the_next() -> None:
    assert scored(timed([0, 1, 5]), timed([6]), timed([10, 11, 50]), timed([51])) == [1, 2, 3, 4, 4, 4, 1, 2]


def test_a_batch_without_events_of_a_subject_changes_nothing() -> None:
    assert scored(timed([1, 2], [5]), timed([], [6]), timed([3], [7])) == [1, 2, 1, 2, 3, 3]


times = st.lists(st.floats(0, 40), max_size=60).map(sorted)


@given(times=times, cut=st.integers(0, 60))
def test_counting_in_pieces_is_counting_one_by_one(times: list[float], cut: int) -> None:
    assert scored(timed(times[:cut]), timed(times[cut:])) == plain(times)


def test_times_before_1970_are_no_error() -> None:
    assert scored(timed([-START - 20, -START - 19, -START - 2])) == [1, 2, 1]


@pytest.mark.parametrize("count", [731, 20_000])
def test_an_explanation_says_the_rate(count: int) -> None:
    alone = timed([0]).with_signals({"score": np.array([count])})
    said = detector.explain({}, alone)
    assert said.facts == {"events": count, "seconds": 10, "events_per_second": count / 10}
    assert said.rows.tolist() == [0]
