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


def stamped(order: EventOrder, arrived: datetime, who: str = "ada", latency_ms: float = 2.0) -> datetime:
    row: dict[str, Any] = {"principal": who, "time": arrived, "latency_ms": latency_ms, "status": 200}
    order.stamp([row])
    return row["time"]


@pytest.mark.parametrize("back", [timedelta(seconds=5), HOUR, 400 * HOUR])
def test_queries_keep_their_distance_when_the_clock_is_set_back(back: timedelta) -> None:
    order = EventOrder()
    times = [stamped(order, NOON + timedelta(seconds=i) - (back if i >= 10 else 0 * back)) for i in range(200)]
    gaps = [after - before for before, after in pairwise(times)]
    assert all(timedelta(seconds=0.85) <= gap <= timedelta(seconds=1.1) for gap in gaps[10:])
    assert gaps[9] >= timedelta(0), "nothing comes before what was there"


def test_the_clock_is_caught_up_with_in_time() -> None:
    order = EventOrder()
    stamped(order, NOON)
    later = [NOON - timedelta(minutes=1) + timedelta(seconds=i) for i in range(2_000)]
    told = [stamped(order, moment) for moment in later]
    assert told[-1] == later[-1]
    assert told == sorted(told)


def test_a_request_that_took_long_is_no_clock_that_was_set_back() -> None:
    order = EventOrder()
    stamped(order, NOON)
    assert stamped(order, NOON - HOUR, "eve", latency_ms=3_600_000.0) == NOON - HOUR
    assert stamped(order, NOON + timedelta(seconds=1)) == NOON + timedelta(seconds=1)


def test_answers_of_one_moment_may_come_in_any_order() -> None:
    order = EventOrder()
    assert stamped(order, NOON) == NOON
    assert stamped(order, NOON - timedelta(milliseconds=300), "eve") == NOON - timedelta(milliseconds=300)


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
