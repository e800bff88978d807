"""Callers of a few habits, and some who ask as nobody does."""

import re
from functools import cache

import numpy as np
import pytest

from caponier.app.coverage.detectors import detectors
from caponier.detect.batch import EventBatch
from caponier.detect.detector import OPERATIONS, Column, Params, in_parts, in_units
from caponier.detect.events.caller_profile import (
    BITS,
    COARSE,
    EVERY,
    FEATURES,
    HUNDRED,
    NAMES,
    detector,
)
from caponier.detect.events.schema_probe import WINDOW
from detect.batches import batch_of, similar

WIDTH = 12
PREDICT, METADATA = OPERATIONS.index("predict"), OPERATIONS.index("metadata")


class Caller:
    """What one caller sent, event after event."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.rows: list[list[int] | None] = []
        self.labels: list[int] = []
        self.operations: list[int] = []
        self.statuses: list[int] = []
        self.tops: list[int] = []
        self.pauses: list[float] = []

    def asks(self, row: np.ndarray | None, status: int = 200, operation: int = PREDICT, pause: float = 30.0) -> None:
        self.rows.append(None if row is None else np.clip(row, 0, 127).astype(int).tolist())
        self.labels.append(0 if row is None or status != 200 else 1 + int(row.sum()) % 5)
        self.operations.append(operation)
        self.statuses.append(status)
        self.tops.append(-1 if row is None else int(self.rng.integers(5_000, 10_000)))
        self.pauses.append(pause * self.rng.exponential())

    def image(self) -> np.ndarray:
        return self.rng.integers(0, 128, WIDTH).astype(float)


def plain(seed: int, n: int = 64) -> Caller:
    one = Caller(seed)
    for _ in range(n):
        one.asks(one.image())
    return one


def camera(seed: int, n: int = 64) -> Caller:
    one = Caller(seed)
    view = one.image()
    for _ in range(n):
        one.asks(view + one.rng.normal(0, 2, WIDTH), pause=5)
    return one


def crawler(seed: int, n: int = 64) -> Caller:
    one = Caller(seed)
    for at in range(n):
        one.asks(None if at % 2 else one.image(), (404, 405, 422)[at % 3], METADATA if at % 2 else PREDICT)
    return one


def events(callers: list[Caller]) -> EventBatch:
    batch = similar(batch_of([one.rows for one in callers], [one.labels for one in callers]))
    moments = [np.cumsum(one.pauses) * 1e6 + 1e15 for one in callers]
    object.__setattr__(batch, "time", np.concatenate([np.zeros(0), *moments]).astype(np.int64))
    return batch.with_signals(
        {
            Column.OPERATION.value: np.array([x for one in callers for x in one.operations], np.uint8),
            Column.STATUS.value: np.array([x for one in callers for x in one.statuses], np.int64),
            Column.TOP_SCORE.value: np.array([x for one in callers for x in one.tops], np.int64),
        }
    )


def benign() -> list[Caller]:
    return [*(plain(seed, 32 + 16 * (seed % 9)) for seed in range(60)), *(camera(seed) for seed in range(60, 75))]


@cache
def knowing() -> Params:
    return detector.fit(events(benign()))


def course(one: Caller) -> np.ndarray:
    return detector.score(knowing(), np.zeros(1, detector.state), events([one]))[1]


def apart(one: Caller) -> float:
    return float(course(one).max() >> (2 * BITS)) / COARSE


def test_callers_of_a_known_habit_are_like_others() -> None:
    for seed in range(200, 210):
        assert apart(plain(seed, 200)) < 4
        assert apart(camera(seed)) < 4


def test_whoever_asks_like_nobody_is_told_with_what_is_odd() -> None:
    one = crawler(1)
    scores = course(one)
    assert apart(one) > 8
    last = events([one]).take(np.array([len(scores) - 1])).with_signals({"score": scores[-1:]})
    told = detector.explain(knowing(), last)
    assert {"failures", "questions about the model"} == set(told.facts["odd"])
    assert "failures (" in told.summary
    assert told.facts["distance"] > 8
    share = told.facts["odd"]["failures"]
    assert abs(share["share"] - np.mean([status >= 400 for status in one.statuses])) < 0.15
    assert share["usual"] < 0.05
    assert re.search(rf"failures \({share['share']:.0%},[^)]* {share['usual']:.0%}\)", told.summary)


def test_people_are_told_the_distance_and_nothing_that_is_packed_below_it() -> None:
    score = int(course(crawler(1)).max())
    value = in_units(detector, score)
    assert int(value * COARSE) == score >> (2 * BITS)
    assert 8 < value < 100
    assert in_parts(detector, value) == score
    assert in_units(object(), 7.0) == in_parts(object(), 7.0) == 7.0


def test_it_looks_at_every_sixteenth_event() -> None:
    at = np.flatnonzero(course(crawler(1, 70)))
    assert set((at + 1) % EVERY) == {0}
    assert len(at) == 70 // EVERY


def test_a_long_benign_life_does_not_make_odd() -> None:
    scores = course(plain(99, 1_500)) >> (2 * BITS)
    assert scores[-EVERY * 20 :].max() <= scores[: EVERY * 6].max() + 2 * COARSE


def test_two_who_are_alike_do_not_make_each_other_usual() -> None:
    few = detector.fit(events([*benign(), crawler(1), crawler(2)]))
    many = detector.fit(events([*benign(), *(crawler(seed) for seed in range(1, 9))]))
    asked = events([crawler(50)])
    blank = np.zeros(1, detector.state)
    assert detector.score(few, blank, asked)[1].max() > 2 * detector.score(many, blank, asked)[1].max()


def test_it_learns_the_same_in_whatever_order_callers_come() -> None:
    one, other = detector.fit(events(benign())), detector.fit(events(benign()[::-1]))
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("callers", [[], [plain(1, 8)], [plain(1), plain(2)]])
def test_where_hardly_anybody_is_known_nobody_is_odd(callers: list[Caller]) -> None:
    params = detector.fit(events(callers))
    assert not detector.score(params, np.zeros(1, detector.state), events([crawler(1)]))[1].any()


def test_exact_repeats_are_passed_over() -> None:
    once, twice = plain(3, 40), Caller(3)
    for row in plain(3, 40).rows:
        for _ in range(3):
            twice.asks(np.array(row))
    assert detector.score(knowing(), np.zeros(1, detector.state), events([twice]))[0]["sent"].tolist() == [40]
    assert detector.score(knowing(), np.zeros(1, detector.state), events([once]))[0]["sent"].tolist() == [40]


def test_its_features_have_names_that_a_score_can_hold() -> None:
    assert len(FEATURES) <= 2**NAMES
    assert 2**HUNDRED > 100
    assert detector.max_confidence.cap < 0.7
    assert WINDOW > EVERY


def test_nothing_counts_as_covered_by_it() -> None:
    (card,) = [card for card in detectors() if card.name == "caller_profile"]
    assert not card.covers
    assert all(other.covers for other in detectors() if other is not card)
