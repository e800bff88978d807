"""Who explores a model, written down as what each request asked and got."""

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.batch import EventBatch
from caponier.detect.detector import OPERATIONS
from caponier.detect.events import schema_probe
from caponier.detect.events.schema_probe import (
    ALLOWED,
    ANSWERS,
    COLD_START,
    EXPLANATIONS,
    FLOOR,
    GROUPS,
    INTEREST_ALLOWED,
    KEPT,
    LEAST,
    MANY,
    METADATA,
    REPEATS,
    TAKEN,
    UNEXPLAINED,
    USUAL,
    VARIETY_ALLOWED,
    WAYS,
    WINDOW,
    WORK,
    detector,
)

Event = tuple[str, int, int]
"""Operation, status, and answer; 0 for none."""
PARAMS = {USUAL: np.array([10]), ALLOWED: np.array(TAKEN)}
WORKED: Event = ("predict", 200, 0)
BAD: Event = ("predict", 400, 0)
ASKED: Event = ("metadata", 200, 0)
TOLD_WHY: Event = ("explain", 200, 0)
CRAWL: list[Event] = [
    WORKED,
    *[ASKED] * 4,
    *[BAD] * 4,
    *[("predict", 404, 0)] * 3,
    ("predict", 405, 0),
    ("explain", 400, 0),
    ("metadata", 404, 0),
]


def batch_of(*subjects: list[Event], times: list[list[int]] | None = None) -> EventBatch:
    """Make a batch; each event is a request of its own unless times say otherwise."""
    events = [event for line in subjects for event in line]
    n = len(events)
    moments = [moment for line in times for moment in line] if times else range(1, n + 1)
    return EventBatch(
        offsets=np.cumsum([0, *map(len, subjects)]),
        time=np.array(moments, np.int64).reshape(n),
        source=np.zeros(n, np.int32),
        seq=np.arange(n),
        query=np.zeros((n, 0), np.uint8),
        key=np.zeros(n, np.uint64),
        label=np.array([label for _, _, label in events], np.uint64),
        signals={
            "operation": np.array([OPERATIONS.index(operation) for operation, _, _ in events], np.uint8),
            "status": np.array([status for _, status, _ in events], np.int64),
        },
    )


def scored(*batches: EventBatch, params: Any = PARAMS) -> list[int]:
    state = np.zeros(batches[0].subjects, detector.state)
    found: list[int] = []
    for batch in batches:
        state, scores = detector.score(params, state, batch)
        found += scores.tolist()
    return found


def best(events: list[Event], **more: Any) -> int:
    return max(scored(batch_of(events), **more), default=0)


def way(status: int) -> int | None:
    return next((number for number, statuses in enumerate(WAYS) if status in statuses), None)


def plain(requests: list[Event], usual: int = 10) -> list[int]:
    """Score one by one, as the detector's description says; for answers that do not fall together."""
    worked, seen, told, scores = False, set(), [], []
    for place, (operation, status, label) in enumerate(requests):
        new, kind = bool(label) and label not in seen, None
        seen.add(label)
        if way(status) is not None:
            kind = (worked, GROUPS.get(operation, 3), way(status))
        elif status == 200 and operation in ("metadata", "explain"):
            kind = operation
        elif new:
            kind = "answer"
        worked |= operation == "predict" and status == 200
        if kind is not None:
            told.append((place, kind))
        recent = [k for at, k in told[-KEPT:] if at > place - WINDOW]
        scores.append(_amount(Counter(recent), min(place + 1, WINDOW), usual) if kind is not None else 0)
    return scores


def _amount(counts: Counter[Any], window: int, usual: int) -> int:
    failures = {kind: n for kind, n in counts.items() if isinstance(kind, tuple)}
    weighed = {kind: min(n, 1 if kind[2] == way(500) else REPEATS) for kind, n in failures.items()}
    learning = sum(n for kind, n in weighed.items() if not kind[0])
    after = sum(n for kind, n in weighed.items() if kind[0])
    refused = any(isinstance(kind, tuple) and kind[:2] == (True, GROUPS["explain"]) for kind in counts)
    work = window - sum(n for kind, n in counts.items() if kind != "answer")
    variety = max(0, learning // 2 + after + UNEXPLAINED * refused - VARIETY_ALLOWED - work // WORK)
    interest = min(counts["metadata"], METADATA) + min(counts["explain"], EXPLANATIONS)
    interest += min(max(counts["answer"] - usual, 0), ANSWERS)
    return variety * (max(interest - INTEREST_ALLOWED, 0) + variety)


EVENTS = st.tuples(
    st.sampled_from(["predict", "predict", "explain", "metadata", "health", "other", "load"]),
    st.sampled_from([200, 200, 200, 400, 404, 405, 413, 422, 500, 503, 429, 0, 599, 600, -1]),
    st.sampled_from([0, *range(1, 30)]),
)
LINES = st.lists(EVENTS, max_size=60) | st.lists(EVENTS, min_size=120, max_size=260)


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(LINES, min_size=1, max_size=3))
def test_it_scores_as_its_description_says(lines: list[list[Event]]) -> None:
    assert scored(batch_of(*lines)) == [score for line in lines for score in plain(line)]


@settings(max_examples=30, deadline=None)
@given(lines=st.lists(LINES, min_size=2, max_size=3), data=st.data())
def test_cuts_change_nothing(lines: list[list[Event]], data: st.DataObject) -> None:
    cuts = [sorted(data.draw(st.lists(st.integers(0, len(line)), min_size=2, max_size=2))) for line in lines]
    bounds = [[0, *cut, len(line)] for cut, line in zip(cuts, lines, strict=True)]
    state, found = np.zeros(len(lines), detector.state), [[] for _ in lines]
    for part in range(3):
        pieces = [line[bound[part] : bound[part + 1]] for line, bound in zip(lines, bounds, strict=True)]
        moments = [list(range(bound[part] + 1, bound[part + 1] + 1)) for bound in bounds]
        batch = batch_of(*pieces, times=moments)
        state, scores = detector.score(PARAMS, state, batch)
        for subject, line in enumerate(found):
            line += scores[batch.offsets[subject] : batch.offsets[subject + 1]].tolist()
    assert [score for line in found for score in line] == scored(batch_of(*lines))


def test_a_crawl_is_far_above_whatever_a_newcomer_does() -> None:
    assert best(CRAWL) > 3 * FLOOR
    assert best(CRAWL) > COLD_START


def test_time_says_nothing_so_that_slow_is_as_bad_as_fast() -> None:
    day = 86_400_000_000
    slow = batch_of(CRAWL, times=[[day * place for place in range(1, len(CRAWL) + 1)]])
    assert scored(slow) == scored(batch_of(CRAWL))


@pytest.mark.parametrize(
    "events",
    [
        [WORKED] * 300,
        [ASKED] * 300,
        [WORKED, TOLD_WHY] * 150,
        [BAD] * 300,
        [ASKED, *[BAD] * 40] * 5,
        [WORKED, *[BAD] * 300],
        [("health", 200, 0)] * 300,
        [WORKED, *[("predict", 503, 0)] * 9, ASKED] * 30,
        [("predict", 429, 0)] * 200,
        [("explain", 404, 0)] * 200,
        [ASKED, ASKED, BAD, BAD, BAD, ("predict", 404, 0), BAD, *[WORKED] * 50],
    ],
    ids=[
        "work",
        "metadata at each start",
        "every decision explained",
        "fails all night",
        "fails and is started anew",
        "fails since the last release",
        "health",
        "outage",
        "limit",
        "no explainer",
        "first day",
    ],
)
def test_what_harmless_callers_do_is_nothing(events: list[Event]) -> None:
    assert best(events) <= FLOOR / 2


def test_failing_in_one_way_after_a_release_counts_four_times_at_most() -> None:
    assert best([WORKED, *[BAD] * 4]) == best([WORKED, *[BAD] * 60]) == 1


def test_failures_of_the_server_itself_count_once_an_operation() -> None:
    storm: list[Event] = [("predict", 500, 0)] * 40
    assert best([WORKED, *storm, ASKED] * 3) == best([WORKED, ("predict", 500, 0), ASKED] * 3) == 0
    others: list[Event] = [WORKED, *[BAD] * 4, ("predict", 404, 0), ("predict", 405, 0)]
    assert best([*others, ("predict", 500, 0)]) > best(others)
    assert best([*others, ("predict", 500, 0)]) == best([*others, *storm])


def test_mistakes_of_a_learner_count_half() -> None:
    ways: list[Event] = [("predict", status, 0) for status in (400, 404, 405, 413, 415, 500)] * 4
    assert best(ways) < best([WORKED, *ways])


def test_a_refused_explanation_says_more_than_another_failure() -> None:
    failed: list[Event] = [WORKED, *[BAD] * 4, ASKED, TOLD_WHY, TOLD_WHY, TOLD_WHY]
    assert best([*failed, ("explain", 400, 0)]) > best([*failed, ("metadata", 404, 0)])


def test_work_makes_up_for_failures() -> None:
    spread = [event for failed in CRAWL for event in (failed, *[WORKED] * 6)]
    thin = [event for failed in CRAWL for event in (failed, *[WORKED] * 20)]
    assert best(CRAWL) > best(spread) > best(thin) == 0


def test_what_is_a_hundred_requests_back_is_forgotten() -> None:
    later: list[Event] = [*CRAWL[:-1], *[WORKED] * WINDOW, CRAWL[-1]]
    assert scored(batch_of(later))[-1] == 0


def test_a_request_of_many_rows_is_one_request() -> None:
    """Whoever lays a large batch between two probes would be washed clean otherwise."""
    padded, times, moment = [], [], 0
    for event in CRAWL:
        for rows, kind in ((1, event), (90, WORKED)):
            moment += 1
            padded += [kind] * rows
            times += [moment] * rows
    assert max(scored(batch_of(padded, times=[times]))) > 2 * FLOOR


def test_rows_of_one_malformed_request_count_once() -> None:
    rows: list[Event] = [WORKED, *[BAD] * 64]
    assert max(scored(batch_of(rows, times=[[1, *[2] * 64]]))) == 0


def test_the_first_request_of_all_may_come_at_the_beginning_of_time() -> None:
    assert scored(batch_of([*CRAWL], times=[list(range(len(CRAWL)))])) == scored(batch_of(CRAWL))


class TestAnswers:
    def test_more_different_answers_than_usual_are_interest(self) -> None:
        found: list[Event] = [("predict", 200, label) for label in range(1, 31)]
        failed: list[Event] = [*[BAD] * 4, *[("predict", 404, 0)] * 4]
        plain_work: list[Event] = [("predict", 200, 1)] * 30
        assert best([*found, *failed]) > best([*plain_work, *failed]) > 0

    def test_as_many_as_usual_are_none(self) -> None:
        found: list[Event] = [("predict", 200, label) for label in range(1, 11)]
        failed: list[Event] = [*[BAD] * 4, *[("predict", 404, 0)] * 4]
        assert best([*found, *failed]) == best([*[WORKED] * 10, *failed])

    def test_alone_they_are_nothing(self) -> None:
        assert best([("predict", 200, label) for label in range(1, 200)]) == 0

    def test_the_usual_number_is_that_of_benign_callers(self) -> None:
        few: list[Event] = [("predict", 200, 1 + place % 3) for place in range(50)]
        many: list[Event] = [("predict", 200, 1 + place % 7) for place in range(50)]
        assert detector.fit(batch_of(*[few] * 20))[USUAL].tolist() == [3]
        assert detector.fit(batch_of(*[few] * 20, many))[USUAL].tolist() == [7]

    @pytest.mark.parametrize("lines", [[], [[]], [[BAD, ASKED]]])
    def test_where_nobody_tells_there_is_a_usual_number_all_the_same(self, lines: list[list[Event]]) -> None:
        assert detector.fit(batch_of(*lines))[USUAL].tolist() == [MANY]

    def test_answers_beyond_the_window_are_not_usual(self) -> None:
        line: list[Event] = [*[("predict", 200, 1)] * WINDOW, *[("predict", 200, label) for label in range(2, 40)]]
        assert detector.fit(batch_of(line))[USUAL].tolist() == [1]


class TestAllowed:
    NEWCOMER: list[Event] = [BAD, ("predict", 422, 0), ASKED, *[WORKED] * 60]  # noqa: RUF012
    PROBE: list[Event] = [*[WORKED] * 3, *[WORKED, WORKED, ASKED, WORKED, WORKED, ("metadata", 404, 0)] * 16]  # noqa: RUF012
    """A third of its calls are for metadata, and half of these are refused."""

    def learned(self, callers: list[list[Event]]) -> Any:
        return detector.fit(batch_of(*callers))

    def test_where_benign_callers_hardly_fail_less_is_free(self) -> None:
        params = self.learned([[WORKED] * 80] * 292 + [self.NEWCOMER] * 8)
        assert params[ALLOWED].tolist() == [1, 1, WINDOW, LEAST]
        assert best(self.PROBE) < FLOOR / 4
        assert best(self.PROBE, params=params) > FLOOR
        assert best(self.NEWCOMER, params=params) <= FLOOR

    def test_where_many_fail_in_many_ways_more_is_free(self) -> None:
        clumsy: list[Event] = [WORKED, *CRAWL[1:], *[WORKED] * 40]
        params = self.learned([clumsy] * 20 + [[WORKED] * 80] * 80)
        assert params[ALLOWED][0] > VARIETY_ALLOWED
        assert best(clumsy, params=params) <= FLOOR

    def test_a_log_of_good_answers_alone_tells_nothing(self) -> None:
        assert self.learned([[WORKED] * 80] * 300)[ALLOWED].tolist() == list(TAKEN)
        assert self.learned([[WORKED] * 80] * 300 + [self.NEWCOMER] * 4)[ALLOWED].tolist() == list(TAKEN)

    def test_one_explorer_in_a_hundred_teaches_nothing(self) -> None:
        benign = [[WORKED] * 80] * 292 + [self.NEWCOMER] * 8
        with_them = self.learned([*benign, CRAWL, self.PROBE])
        assert with_them[ALLOWED].tolist() == self.learned(benign)[ALLOWED].tolist()


def test_it_speaks_without_columns_of_operation_and_status_and_says_nothing() -> None:
    bare = batch_of(CRAWL)
    object.__setattr__(bare, "signals", {})
    assert max(scored(bare)) == 0


def test_its_bound_can_be_reached() -> None:
    """A limit that nothing reaches would be a wrong one."""
    ways: list[Event] = [
        (operation, status, 0)
        for operation in ("predict", "explain", "metadata", "other")
        for status in (400, 404, 405, 413)
    ]
    loud = best([WORKED, *[ASKED] * 4, *[TOLD_WHY] * 8, *ways * 3])
    assert loud > 1_000


def test_a_cold_start_asks_for_more() -> None:
    params, line = detector.priors()
    assert line == COLD_START > FLOOR
    assert max(scored(batch_of(CRAWL), params=params)) > line


def test_an_explanation_names_the_score_and_the_last_request() -> None:
    batch = batch_of(CRAWL)
    last = batch.take(np.array([len(batch) - 1])).with_signals({"score": np.array([best(CRAWL)])})
    said = detector.explain(PARAMS, last)
    assert said.facts == {
        "score": best(CRAWL),
        "newcomers_at_most": FLOOR,
        "requests": WINDOW,
        "operation": "metadata",
        "status": 404,
    }
    assert said.rows.tolist() == [0]
    assert str(best(CRAWL)) in said.summary


def test_statuses_are_in_one_way_at_most() -> None:
    named = [status for statuses in WAYS for status in statuses]
    assert len(named) == len(set(named))
    assert not {401, 408, 429, 502, 503, 504} & set(named)
    assert all(a < b for a, b in pairwise(sorted(named)))
    assert schema_probe.WAY[200] == 0
