import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.detect.batch import EventBatch
from caponier.detect.detector import OPERATIONS, Column, in_parts, in_units
from caponier.detect.events.flood import FLOOR, KINDS, OUTAGE, REFUSALS, SECONDS, USUAL, detector

START = 1_750_000_000
PARAMS = {USUAL: np.array([REFUSALS])}


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
        state, scores = detector.score(PARAMS, state, batch)
        found += scores.tolist()
    return found


def rates(*batches: EventBatch) -> list[int]:
    found = scored(*batches)
    assert not any(score % KINDS for score in found), "nothing was refused"
    return [score // KINDS for score in found]


def answered(*subjects: list[int], again: list[bool] | None = None) -> EventBatch:
    """Make a batch of answers with these statuses, an hour apart; `again` says which rows were asked before."""
    batch = timed(*([3_600.0 * at for at in range(len(statuses))] for statuses in subjects))
    status = np.array([one for statuses in subjects for one in statuses], np.int64)
    unique = np.zeros(len(status), bool) if again is None else ~np.array(again, bool)
    object.__setattr__(batch, "key", np.ones(len(status), np.uint64))
    return batch.with_signals({Column.STATUS: status, "unique": unique})


def beyond(batch: EventBatch) -> int:
    """Return by how much the refusals passed the answers at most, as the score tells it."""
    highest = max(scored(batch))
    return highest // KINDS * REFUSALS // FLOOR if highest % KINDS else 0


def plain(times: list[float]) -> list[int]:
    """Count one by one, as the detector's description says."""
    second = [int(START + time) for time in times]
    return [sum(now - SECONDS < then <= now for then in second[: at + 1]) for at, now in enumerate(second)]


def test_every_event_within_ten_seconds_counts() -> None:
    assert rates(timed([0, 0, 0, 1, 9.9])) == [1, 2, 3, 4, 5]


def test_the_eleventh_second_has_forgotten_the_first() -> None:
    assert rates(timed([0, 0.9, 1, 10, 11])) == [1, 2, 3, 2, 2]


def test_a_pause_starts_anew() -> None:
    assert rates(timed([0, 1, 2, 100])) == [1, 2, 3, 1]


def test_events_without_an_input_and_repeats_count() -> None:
    assert rates(timed([0.0] * 300))[-1] == 300


def test_subjects_are_counted_apart() -> None:
    assert rates(timed([0, 0, 9], [9, 9], [], [9])) == [1, 2, 3, 1, 2, 1]


def test_counts_go_on_from_one_batch_to_the_next() -> None:
    assert rates(timed([0, 1, 5]), timed([6]), timed([10, 11, 50]), timed([51])) == [1, 2, 3, 4, 4, 4, 1, 2]


def test_a_batch_without_events_of_a_subject_changes_nothing() -> None:
    assert rates(timed([1, 2], [5]), timed([], [6]), timed([3], [7])) == [1, 2, 1, 2, 3, 3]


times = st.lists(st.floats(0, 40), max_size=60).map(sorted)


@given(times=times, cut=st.integers(0, 60))
def test_counting_in_pieces_is_counting_one_by_one(times: list[float], cut: int) -> None:
    assert rates(timed(times[:cut]), timed(times[cut:])) == plain(times)


def test_times_before_1970_are_no_error() -> None:
    assert rates(timed([-START - 20, -START - 19, -START - 2])) == [1, 2, 1]


def test_who_goes_on_while_more_is_refused_than_answered_is_told_however_slow() -> None:
    flood = answered([429, 503, 200] * 100)
    assert beyond(flood) == 100 + 1
    assert max(scored(flood)) > detector.floor


def test_who_tries_again_until_there_is_an_answer_is_not() -> None:
    assert beyond(answered([429, 200, 503, 200, 200, 504, 429, 200] * 50)) == 2
    assert max(scored(answered([429, 503, 200, 200] * 100))) <= detector.floor


def test_an_outage_is_one_trouble_however_long_it_is_and_however_often_one_asks() -> None:
    assert beyond(answered([503] * 1_000)) == OUTAGE
    assert beyond(answered([200, *[504] * 300, 200, *[503] * 200])) == OUTAGE + OUTAGE - 1
    assert beyond(answered([503, 500] * 500)) == 2, "some of it breaks"
    assert beyond(answered([429] * 50)) == 50, "a limit is told to who passes it"


def test_ordinary_requests_in_between_do_not_make_up_for_few_rows_over_and_over() -> None:
    mixed = [429, 200, 503, 200, 200, 200] * 100
    again = [True, False, True, False, True, False] * 100
    assert beyond(answered(mixed, again=again)) == 100 + 1
    assert beyond(answered(mixed)) <= 2


def test_different_rows_that_are_refused_count_too() -> None:
    assert beyond(answered([429, 429, 200] * 60, again=[False] * 180)) == 60 + 1


@pytest.mark.parametrize("status", [400, 401, 404, 413, 500])
def test_what_failed_makes_up_for_no_refusal(status: int) -> None:
    assert beyond(answered([429, status, status] * 50)) == 50


@pytest.mark.parametrize(("operation", "left"), [("health", 50), ("metadata", 50), ("predict", 1), ("other", 1)])
def test_what_costs_a_service_nothing_makes_up_for_no_refusal(operation: str, left: int) -> None:
    batch = answered([429, 200] * 50, again=[False] * 100)
    done = np.tile([OPERATIONS.index("predict"), OPERATIONS.index(operation)], 50)
    assert beyond(batch.with_signals({**batch.signals, Column.OPERATION: done})) == left


def test_an_event_without_a_status_says_nothing() -> None:
    assert beyond(answered([429, 0, 0, 0, 429])) == 2


def test_what_benign_callers_are_refused_is_learned_but_not_from_the_few_who_flood() -> None:
    quiet = [[200] * 50 for _ in range(90)]
    assert detector.fit(answered(*quiet, *([429] * 150 for _ in range(2))))[USUAL].tolist() == [REFUSALS]
    assert detector.fit(answered(*quiet, *([429] * 60 for _ in range(10))))[USUAL].tolist() == [60]
    assert detector.fit(answered(*([429] * 900 for _ in range(40))))[USUAL].tolist() == [FLOOR]
    assert detector.fit(timed())[USUAL].tolist() == [REFUSALS]


def drawn(n: int) -> st.SearchStrategy[list[bool]]:
    return st.lists(st.booleans(), min_size=n, max_size=n)


statuses = st.lists(st.sampled_from([0, 200, 200, 400, 429, 503, 504]), max_size=60)


@given(statuses=statuses, other=statuses, again=st.data(), cut=st.integers(0, 60))
def test_refusals_in_pieces_are_refusals_at_once(
    statuses: list[int], other: list[int], again: st.DataObject, cut: int
) -> None:
    whole = answered(statuses, other, again=again.draw(drawn(len(statuses) + len(other))))
    rows = np.arange(len(whole))
    first = rows - whole.offsets[whole.subject] < cut
    parts = [whole.take(rows[first]), whole.take(rows[~first])]
    order = np.concatenate([rows[first], rows[~first]])
    pieces = np.zeros(len(whole), np.int64)
    pieces[order] = scored(*parts)
    assert pieces.tolist() == scored(whole)


@pytest.mark.parametrize(("beyond", "usual"), [(57, 20), (300, 20), (301, 33), (1_000, 200)])
def test_an_explanation_says_how_much_was_refused(beyond: int, usual: int) -> None:
    score = beyond * FLOOR // usual * KINDS + 1
    said = detector.explain({USUAL: np.array([usual])}, timed([0]).with_signals({"score": np.array([score])}))
    assert said.facts == {"refused_beyond_answers": beyond}
    assert "overloaded" in said.summary


@pytest.mark.parametrize("count", [0, 200, 731])
def test_people_are_told_a_whole_count_whatever_it_is_of(count: int) -> None:
    assert in_units(detector, KINDS * count) == in_units(detector, KINDS * count + 1) == count
    assert in_units(detector, in_parts(detector, count)) == count


def test_the_least_that_counts_is_told_as_what_any_client_may_do() -> None:
    assert in_units(detector, detector.floor) == FLOOR


@pytest.mark.parametrize("count", [731, 20_000])
def test_an_explanation_says_the_rate(count: int) -> None:
    alone = timed([0]).with_signals({"score": np.array([KINDS * count])})
    said = detector.explain(PARAMS, alone)
    assert said.facts == {"events": count, "seconds": 10, "events_per_second": count / 10}
    assert said.rows.tolist() == [0]
