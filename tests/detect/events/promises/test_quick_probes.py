"""A probe within a second, in a log that tells no moment more exactly: who is quick hides as little as who is slow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.events.schema_probe import COLD_START, FLOOR, WINDOW, detector
from detect.events.test_schema_probe import (
    ASKED,
    BAD,
    CRAWL,
    EVENTS,
    PARAMS,
    TOLD_WHY,
    WORKED,
    Event,
    batch_of,
    scored,
)

law = settings(max_examples=40, deadline=None)


def at_once(events: list[Event], each: int) -> list[int]:
    """Score events of which so many are told with one and the same second."""
    times = [1 + place // each for place in range(len(events))]
    return scored(batch_of(events, times=[times]))


@pytest.mark.parametrize("each", [2, 3, 5, 20])
def test_a_crawl_of_many_requests_a_second_is_told(each: int) -> None:
    mixed: list[Event] = [
        WORKED, ASKED, BAD, ("predict", 404, 0), ASKED, ("predict", 405, 0), ("metadata", 404, 0), TOLD_WHY,
        ("explain", 400, 0), BAD, ("predict", 415, 0), ASKED, ("predict", 404, 0), ("predict", 500, 0), ASKED,
    ]  # fmt: skip
    assert max(at_once(mixed, each)) > COLD_START


@pytest.mark.parametrize("each", [2, 5, 50])
@pytest.mark.parametrize(
    "events",
    [[WORKED] * 200, [BAD] * 200, [ASKED] * 200, [WORKED, TOLD_WHY] * 100, [WORKED, *[("predict", 503, 0)] * 9] * 20],
    ids=["work", "fails all night", "metadata", "explained", "outage"],
)
def test_who_works_quickly_is_told_no_more_than_who_works_slowly(events: list[Event], each: int) -> None:
    assert max(at_once(events, each)) <= FLOOR / 2


def test_rows_of_one_request_are_one_however_many() -> None:
    """A batch of good rows washes nobody clean, and a refused one fails once."""
    assert max(at_once([WORKED, *[BAD] * 64], 65)) == 0
    washed = [event for one in CRAWL for event in (one, *[WORKED] * 90)]
    times = [1 + 2 * (place // 91) + (place % 91 > 0) for place in range(len(washed))]
    assert max(scored(batch_of(washed, times=[times]))) > 2 * FLOOR


@law
@given(events=st.lists(EVENTS, max_size=80), each=st.integers(1, 30), cut=st.integers(0, 80))
def test_a_second_may_be_cut_in_two(events: list[Event], each: int, cut: int) -> None:
    times = [1 + place // each for place in range(len(events))]
    state = np.zeros(1, detector.state)
    found: list[int] = []
    for part in (slice(0, cut), slice(cut, None)):
        state, scores = detector.score(PARAMS, state, batch_of(events[part], times=[times[part]]))
        found += scores.tolist()
    assert found == at_once(events, each)


@law
@given(events=st.lists(EVENTS, max_size=60))
def test_where_neighbours_differ_the_second_says_nothing(events: list[Event]) -> None:
    """Each is a request of its own, whatever the clock says."""
    apart = [one for at, one in enumerate(events) if not at or one[:2] != events[at - 1][:2]]
    assert at_once(apart, WINDOW) == at_once(apart, 1)


@law
@given(events=st.lists(EVENTS, min_size=1, max_size=40), rows=st.integers(1, 50))
def test_more_rows_in_each_request_change_no_score_of_its_first(events: list[Event], rows: int) -> None:
    plain = [(operation, status, 0) for operation, status, _ in events]
    times = [1 + place for place in range(len(plain)) for _ in range(rows)]
    many = scored(batch_of([one for one in plain for _ in range(rows)], times=[times]))
    assert many[::rows] == at_once(plain, 1)
    assert not any(score for at, score in enumerate(many) if at % rows)


@pytest.mark.parametrize("begin", [-(10**15), -1, 0, 1])
def test_it_says_nothing_when_time_began(begin: int) -> None:
    """The first request of all is one, even if its moment and its status are those of a state that is empty."""
    times = [[begin + place for place in range(len(CRAWL))]]
    assert scored(batch_of(CRAWL, times=times)) == at_once(CRAWL, 1)


def test_a_status_beyond_all_that_http_knows_is_no_way_to_fail() -> None:
    strange: list[Event] = [("predict", status, 0) for status in (600, 999, 2**31 - 1, -1, -(2**31))] * 20
    assert max(at_once(strange, 1)) == 0
    assert max(at_once(strange, 100)) == 0
    assert np.array(at_once([*strange, *CRAWL], 1)).max() > 0
