"""Events of one caller stand in the order in which they were looked at, whatever their clocks say."""

from datetime import UTC, datetime, timedelta

import pytest

from caponier.app.guard.order import EventOrder
from caponier.guard.events import Row

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def stamped(order: EventOrder, moment: datetime, principal: str | None) -> datetime:
    row: Row = {"time": moment, "principal": principal}
    order.stamp([row])
    found: datetime = row["time"]
    return found


@pytest.mark.parametrize("before", [timedelta(0), MICROSECOND, timedelta(seconds=3)])
def test_what_ends_later_is_dated_later_though_it_began_no_later(before: timedelta) -> None:
    order = EventOrder(lambda: 0.0, lambda: 0.0)
    assert stamped(order, MOMENT, "k-eve") == MOMENT
    assert stamped(order, MOMENT - before, "k-eve") == MOMENT + MICROSECOND
    assert stamped(order, MOMENT - before, "k-eve") == MOMENT + 2 * MICROSECOND


@pytest.mark.parametrize("other", ["k-ada", None])
def test_somebody_else_keeps_the_own_time(other: str | None) -> None:
    order = EventOrder(lambda: 0.0, lambda: 0.0)
    stamped(order, MOMENT, "k-eve")
    assert stamped(order, MOMENT, other) == MOMENT


def test_rows_of_one_request_share_its_time_and_are_numbered() -> None:
    order = EventOrder(lambda: 0.0, lambda: 0.0)
    rows: list[Row] = [{"time": MOMENT, "principal": "k-eve"} for _ in range(3)]
    order.stamp(rows)
    assert [(row["time"], row["seq"]) for row in rows] == [(MOMENT, 0), (MOMENT, 1), (MOMENT, 2)]
    assert len({row["event_id"] for row in rows}) == 3
