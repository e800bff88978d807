"""A clock that is set back makes nobody's queries look as if they came at once."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from caponier.app.guard.order import EventOrder
from caponier.guard.verdict import PASS, REFUSE
from guard.test_decisions import ASK, EVE, action, one, table

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clocks:
    """A clock that may be set, and one that may not."""

    def __init__(self) -> None:
        self.passed, self.set = 0.0, 0.0
        self.order = EventOrder(lambda: self.now.timestamp(), lambda: 50 + self.passed)

    @property
    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.passed + self.set)

    def stamped(self, who: str = "ada", arrived: datetime | None = None) -> datetime:
        row: dict[str, Any] = {"principal": who, "time": arrived or self.now, "status": 200}
        self.order.stamp([row])
        moment: datetime = row["time"]
        return moment


@pytest.mark.parametrize("back", [timedelta(seconds=5), HOUR, 400 * HOUR])
def test_queries_keep_their_distance_when_the_clock_is_set_back(back: timedelta) -> None:
    clocks, times = Clocks(), []
    for clocks.passed in range(200):
        clocks.set = -back.total_seconds() if clocks.passed >= 10 else 0
        times.append(clocks.stamped())
    gaps = [after - before for before, after in pairwise(times)]
    assert all(timedelta(seconds=0.9) <= gap <= timedelta(seconds=1) for gap in gaps)


def test_the_clock_is_caught_up_with_in_time() -> None:
    clocks = Clocks()
    clocks.stamped()
    clocks.set = -60
    told = []
    for clocks.passed in range(1, 2_000):
        told.append(clocks.stamped())
    assert told[-1] == clocks.now
    assert told == sorted(told)


def test_what_came_before_the_clock_was_set_back_is_not_dated_later() -> None:
    clocks = Clocks()
    clocks.passed, clocks.set = 3, -3_600
    assert clocks.stamped(arrived=NOON + timedelta(seconds=1)) == NOON + timedelta(seconds=1)
    clocks.passed = 4
    assert abs(clocks.stamped() - (NOON + timedelta(seconds=4))) < timedelta(seconds=0.2)


@pytest.mark.parametrize("late", [HOUR, 100 * HOUR])
def test_what_is_recorded_late_is_no_clock_that_was_set_back(late: timedelta) -> None:
    # A caller who reads slowly, or another guard's spool.
    clocks = Clocks()
    clocks.stamped()
    for i in range(20):
        clocks.passed += 1
        assert clocks.stamped("eve", clocks.now - late) == clocks.now - late
        assert clocks.stamped(f"user-{i}") == clocks.now


def test_a_clock_that_is_set_forward_is_followed() -> None:
    clocks = Clocks()
    clocks.set = 3_600
    assert clocks.stamped() == NOON + HOUR
    clocks.set = 0
    assert clocks.stamped() >= NOON + HOUR, "and back again"


def test_what_is_in_force_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    began = action(created=datetime.now(UTC), expires=datetime.now(UTC) + HOUR)
    later = action("throttle", created=datetime.now(UTC) + HOUR / 2, parameters={"per_minute": 1})
    decide = table(began, later)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3_600)
    assert decide(EVE, ASK, one) is REFUSE
    decide.replace([began, later])
    assert decide(EVE, ASK, one) is REFUSE
    assert decide.blocks(EVE, ASK)
    decide.replace([later])
    assert decide(EVE, ASK, one) is PASS, "what has not begun has not begun"
