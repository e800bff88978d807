"""Times in the forms that logs have: read alike one by one and all at once, and told from a sample."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.telemetry.field_maps.time_forms import PATTERNS, Ambiguous, time_form
from caponier.telemetry.field_maps.times import EPOCHS, RFC3339, has_year, times_of, unit_of, zone_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1995, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC) | zones)
DAY = datetime(2026, 3, 25, 14, 5, 9, tzinfo=UTC)
"""No month has the number of this day."""


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def read(values: list[Any], form: str | None = None, zone: str | None = None) -> tuple[list[int | None], list[int]]:
    found, wrong = times_of(values, form, zone)
    return found.cast("int64").to_pylist(), wrong


class TestRead:
    @given(st.lists(moments, min_size=1, max_size=5))
    def test_iso_texts_are_the_moments_that_they_say(self, times: list[datetime]) -> None:
        assert read([one.isoformat() for one in times]) == ([micros(one) for one in times], [])

    @given(st.lists(moments, min_size=1, max_size=5), st.sampled_from(list(EPOCHS)))
    def test_numbers_of_every_unit_are_told_by_their_size(self, times: list[datetime], unit: str) -> None:
        factor = {"epoch_s": 10**6, "epoch_ms": 10**3, "epoch_us": 1, "epoch_ns": 1}[unit]
        rounded = [micros(one) // factor * factor for one in times]
        numbers = [one * 1_000 if unit == "epoch_ns" else one // factor for one in rounded]
        assert {unit_of(number) for number in numbers} == {unit}
        for form in (None, unit):
            assert read(numbers, form) == (rounded, [])
            assert read([str(number) for number in numbers], form) == (rounded, [])

    @given(st.lists(st.none() | moments.map(datetime.isoformat) | st.just("soon") | st.just(""), max_size=8))
    def test_one_that_cannot_be_read_costs_no_other(self, values: list[str | None]) -> None:
        found, wrong = read(values)
        assert wrong == [place for place, value in enumerate(values) if value == "soon"]
        expected = [micros(datetime.fromisoformat(v)) if v not in (None, "", "soon") else None for v in values]
        assert found == expected

    @given(st.lists(moments, min_size=1, max_size=4))
    def test_alone_a_time_is_what_it_is_among_others(self, times: list[datetime]) -> None:
        texts = [one.isoformat() for one in times]
        mixed, wrong = read([*texts, "never"])
        assert (mixed[:-1], wrong) == (read(texts)[0], [len(texts)])

    @pytest.mark.parametrize(
        "value", [True, [1], {"at": 1}, "yesterday", float("nan"), float("inf"), -float("inf"), 2**80, "1e400"]
    )
    def test_what_is_no_time_is_told(self, value: Any) -> None:
        assert read([value]) == ([None], [0])

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_a_column_of_floats_with_a_gap_is_read_but_for_the_gap(self, value: float) -> None:
        """So tables are written in which a time is missing."""
        assert read([1_767_571_200.0, value]) == ([1_767_571_200_000_000, None], [1])
        assert time_form([1_767_571_200.0] * 99 + [value]) == ("epoch_s", None)

    def test_a_fraction_of_a_second_is_kept(self) -> None:
        assert read([1_767_571_200.25, 1_767_571_200]) == ([1_767_571_200_250_000, 1_767_571_200_000_000], [])

    @pytest.mark.parametrize("form", [one for one in PATTERNS if "%z" not in one and has_year(one)])
    def test_a_form_is_read_in_the_zone_that_it_lacks(self, form: str) -> None:
        text = DAY.strftime(form)
        ((utc,), _), ((berlin,), _) = read([text], form, "UTC"), read([text], form, "Europe/Berlin")
        assert utc is not None
        assert berlin is not None
        assert utc - berlin == 3_600_000_000
        assert utc == micros(datetime.strptime(text, form).replace(tzinfo=UTC))

    def test_summer_time_is_an_hour_more(self) -> None:
        (winter, summer), _ = read(["10.01.2026 12:00", "10.07.2026 12:00"], "%d.%m.%Y %H:%M", "Europe/Berlin")
        assert [datetime.fromtimestamp((one or 0) / 1e6, UTC).hour for one in (winter, summer)] == [11, 10]

    def test_an_hour_that_there_was_not_and_one_that_there_was_twice_are_read(self) -> None:
        found, wrong = read(["29.03.2026 02:30", "25.10.2026 02:30"], "%d.%m.%Y %H:%M", "Europe/Berlin")
        assert wrong == []
        assert None not in found

    def test_a_zone_in_the_text_counts_for_more_than_the_one_of_the_map(self) -> None:
        assert read(["2026-01-05T12:00:00+02:00"], RFC3339, "America/New_York")[0] == read(["2026-01-05T10:00:00Z"])[0]

    def test_without_any_zone_a_naive_moment_is_no_time(self) -> None:
        assert read([datetime(2026, 1, 5)]) == ([None], [0])
        assert read([datetime(2026, 1, 5)], None, "UTC") == ([micros(datetime(2026, 1, 5, tzinfo=UTC))], [])

    @pytest.mark.parametrize("name", ["Europe/Atlantis", "../etc/passwd", "", "x" * 300])
    def test_a_zone_that_there_is_not_is_an_error_that_shows_one(self, name: str) -> None:
        with pytest.raises(InputError, match="there is no time zone") as wrong:
            zone_of(name)
        assert "Europe/Berlin" in str(wrong.value.hint)


class TestTold:
    @pytest.mark.parametrize("form", PATTERNS)
    def test_every_form_that_is_known_is_told_from_what_it_writes(self, form: str) -> None:
        text = DAY.strftime(form)
        found, zone = time_form([text, text])
        assert (zone is None) == ("%z" in form)
        if found != RFC3339:
            # Some are the same for this moment: then what is read is, too.
            assert datetime.strptime(text, found) == datetime.strptime(text, form)

    def test_a_day_that_may_be_a_month_is_ambiguous_until_one_is_not(self) -> None:
        with pytest.raises(Ambiguous, match="name the right one under format"):
            time_form(["05/04/2026 10:00:00"])
        assert time_form(["05/04/2026 10:00:00", "25/04/2026 10:00:00"])[0] == "%d/%m/%Y %H:%M:%S"

    def test_a_few_broken_rows_hide_no_form(self) -> None:
        good = [DAY.isoformat()] * 96
        assert time_form([*good, *["broken"] * 4]) == (RFC3339, None)
        with pytest.raises(ValueError, match="no times"):
            time_form([*good, *["broken"] * 12])

    @pytest.mark.parametrize("values", [[], ["a", "b"], [True], [[1], [2]], [3, 7, 9], ["1.5", "2.5"], [None]])
    def test_amounts_and_words_are_no_times(self, values: list[Any]) -> None:
        with pytest.raises(ValueError, match="no times"):
            time_form(values)

    @given(st.lists(moments, min_size=1, max_size=5))
    def test_what_is_told_reads_all_of_it(self, times: list[datetime]) -> None:
        for values in ([one.isoformat() for one in times], [one.timestamp() for one in times], times):
            form, zone = time_form(list(values))
            assert times_of(list(values), form, zone)[1] == []


@given(st.datetimes(datetime(1996, 1, 1), datetime(2043, 1, 1), timezones=st.just(UTC)))
def test_ticks_of_dotnet_and_file_times_of_windows_are_read(moment: datetime) -> None:
    for unit, first in (("ticks", datetime(1, 1, 1, tzinfo=UTC)), ("filetime", datetime(1601, 1, 1, tzinfo=UTC))):
        number = (moment - first) // timedelta(microseconds=1) * 10 + 7
        # Ticks of today are nanoseconds of 1990, by their size.
        assert unit_of(number) == ("filetime" if unit == "filetime" else "epoch_ns")
        for form in (None, unit) if unit == "filetime" else (unit,):
            for value in (number, str(number)):
                assert read([value], form) == ([micros(moment)], [])
