"""Moments in every form that security logs have them; what is none is said at once, however long it is."""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.field_maps.time_forms import time_form
from caponier.telemetry.field_maps.times import iso_moment, times_of
from caponier.telemetry.framing.stamps import LONGEST, UNREADABLE, access_log, any_time, iso, micros, without_year
from pace import Stopwatch

MOMENT = datetime(2026, 1, 31, 21, 0, 5, 123_000, UTC)
WHOLE = MOMENT.replace(microsecond=0)
MOMENTS = st.datetimes(datetime(1990, 1, 2), datetime(2099, 12, 30)).map(lambda one: one.replace(tzinfo=UTC))


@given(MOMENTS)
def test_text_and_numbers_of_one_moment_are_one(moment: datetime) -> None:
    exact, seconds = micros(moment), micros(moment) // 1_000_000
    assert iso(moment.isoformat()) == any_time(moment.isoformat()) == exact
    assert any_time(exact) == any_time(str(exact)) == any_time(exact * 1_000) == exact
    assert any_time(exact // 1_000) == exact // 1_000 * 1_000
    assert any_time(seconds) == any_time(f"{seconds}") == any_time(f"{seconds}.000") == seconds * 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T21:00:05.123Z",
        "2026-01-31 21:00:05,123",
        "2026-01-31 21:00:05.123 UTC",
        "2026-01-31 22:00:05.123 +0100",
        "2026-01-31T21:00:05.1230000Z",
        "  2026-01-31T21:00:05.123Z ",
        "1/31/2026, 9:00:05.123 PM",
        "1/31/2026 21:00:05.123",
        "1/31/2026 10:00:05.123 PM +01:00",
        "/Date(1769893205123)/",
        "/Date(1769893205123+0100)/",
        "1769893205.123",
        "1769893205123",
    ],
)
def test_one_moment_has_many_forms(text: str) -> None:
    assert any_time(text) == micros(MOMENT)


@pytest.mark.parametrize(("hour", "half", "told"), [(12, "AM", 0), (1, "AM", 1), (12, "PM", 12), (11, "PM", 23)])
def test_noon_and_midnight_are_twelve(hour: int, half: str, told: int) -> None:
    assert any_time(f"1/2/2026 {hour}:00:00 {half}") == micros(datetime(2026, 1, 2, told, tzinfo=UTC))


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, False, "", " ", "x", "2026-13-01T00:00:00Z", "13/31/2026 9:00:00 AM", "1/1/0000 1:00:00 AM"),
        *(
            "2026-01-31T25:00:00Z",
            "\N{ARABIC-INDIC DIGIT ONE}" * 10,
            "9" * 5_000,
            "/Date()/",
            "1.2.3",
            "-",
            float("nan"),
        ),
    ],
)
def test_what_is_no_moment_is_said_in_the_same_words(value: Any) -> None:
    with pytest.raises(ValueError, match=f"{UNREADABLE}|cannot convert float NaN"):
        any_time(value)


@pytest.mark.parametrize("value", [float("inf"), 10**400, -float("inf")])
def test_what_is_beyond_every_calendar_is_no_moment(value: Any) -> None:
    with pytest.raises(OverflowError):
        any_time(value)


@given(st.one_of(st.text(max_size=80), st.integers(), st.floats(), st.lists(st.integers()), st.booleans(), st.none()))
def test_any_value_is_a_moment_or_none(value: Any) -> None:
    with contextlib.suppress(ValueError, OverflowError):
        assert isinstance(any_time(value), int)


@pytest.mark.parametrize("between", [" ", "\t", "\n", "0", "1/", "+00:00", "Z ", "."])
@pytest.mark.parametrize("begin", ["", "a", "2026-01-31T21:00:05", "1/31/2026, 9:00:05.", "05/Jan/2026:"])
def test_a_text_of_any_length_is_answered_at_once(between: str, begin: str) -> None:
    text = begin + between * 200_000 + "b"
    with Stopwatch() as watch:
        for read in (iso, any_time, access_log, iso_moment, lambda one: time_form([one])):
            with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
                read(text)
        assert times_of([text, None], None, "UTC")[1] == [0]
    assert watch.seconds < 1


def test_nothing_that_is_a_time_is_too_long() -> None:
    assert len("Wednesday, 31 September 2026 21:00:05.123456789 +00:00") < LONGEST


@given(MOMENTS)
def test_the_clock_of_an_access_log_names_its_zone(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    for zone in (0, 60, -330):
        there = (whole + timedelta(minutes=zone)).strftime("%d/%b/%Y:%H:%M:%S")
        sign = "-" if zone < 0 else "+"
        assert access_log(f"{there} {sign}{abs(zone) // 60:02}{abs(zone) % 60:02}") == micros(whole)


@pytest.mark.parametrize("text", ["", "05/Jan/2026", "05/Foo/2026:09:00:00 +0000", "x/Jan/2026:09:00:00 +0000", "//:"])
def test_what_no_access_log_writes_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=UNREADABLE):
        access_log(text)


@given(MOMENTS, st.integers(0, 360))
def test_a_moment_without_a_year_is_the_latest_that_has_been(now: datetime, days: int) -> None:
    moment = (now - timedelta(days=days)).replace(microsecond=0)
    if (moment.month, moment.day) == (2, 29):
        return
    found = without_year(moment.strftime("%b"), str(moment.day), moment.strftime("%H:%M:%S"), now)
    assert found == micros(moment)


@pytest.mark.parametrize(
    ("now", "year"), [(datetime(2026, 3, 1, tzinfo=UTC), 2024), (datetime(2028, 2, 29, tzinfo=UTC), 2028)]
)
def test_the_29th_of_february_stands_in_a_leap_year(now: datetime, year: int) -> None:
    assert without_year("Feb", "29", "00:00:00", now) == micros(datetime(year, 2, 29, tzinfo=UTC))


@pytest.mark.parametrize(
    ("month", "day", "clock"),
    [("Feb", "30", "00:00:00"), ("Foo", "1", "00:00:00"), ("Jan", "1", "24:00:00"), ("Jan", "1", "9")],
)
def test_a_day_that_never_is_is_none(month: str, day: str, clock: str) -> None:
    with pytest.raises(ValueError, match=UNREADABLE):
        without_year(month, day, clock, WHOLE)


@pytest.mark.parametrize(
    "text",
    ["Mon, 02 Mar 2026 08:00:01 -0000", "Mon, 2 Mar 2026 09:00:01 +0100", "02 Mar 2026 08:00:01 GMT"],
)
def test_a_date_of_mail_is_read(text: str) -> None:
    assert any_time(text) == 1_772_438_401_000_000
