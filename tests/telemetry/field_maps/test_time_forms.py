"""The form of a log's times: told from a sample, and read as it was told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.field_maps.time_forms import PATTERNS, Ambiguous, time_form
from caponier.telemetry.field_maps.times import COMPACT, EPOCHS, digits_of, times_of
from telemetry.conftest import reading

MOMENT = datetime(2026, 1, 25, 9, 30, 15, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1990, 1, 2), datetime(2099, 12, 30)).map(
    lambda one: one.replace(tzinfo=UTC, microsecond=0)
)


def told(values: list[Any]) -> list[Any]:
    """Return times as they are read in the form that they have by their own account."""
    form, zone = time_form(values)
    times, wrong = times_of(values, form, zone)
    assert wrong == []
    return times.to_pylist()  # type: ignore[no-any-return]


@given(st.lists(MOMENTS, min_size=1, max_size=5), st.sampled_from(sorted(EPOCHS)), st.sampled_from([int, str, float]))
def test_numbers_since_1970_are_read_in_their_unit(moments: list[datetime], unit: str, kind: Any) -> None:
    values = [
        kind(int(one.timestamp()) * (10**6 // (EPOCHS[unit] or 1)) * (1 if EPOCHS[unit] else 1_000)) for one in moments
    ]
    found = told(values)
    assert all(abs(one - moment) < timedelta(milliseconds=1) for one, moment in zip(found, moments, strict=True))


@given(st.lists(MOMENTS, min_size=1, max_size=5), st.sampled_from(sorted(COMPACT)), st.sampled_from([int, str]))
def test_dates_that_are_one_number_are_none_since_1970(moments: list[datetime], size: int, kind: Any) -> None:
    values = [kind(one.strftime(COMPACT[size])[:size]) for one in moments]
    found = told(values)
    assert [one.strftime(COMPACT[size])[:size] for one in found] == [str(value) for value in values]


@pytest.mark.parametrize(
    "value", [20260125093015, "20260125093015", 20260125093015.0, " 20260125093015 ", "20260125093015.0"]
)
def test_a_compact_time_is_the_same_however_a_program_wrote_it(value: Any) -> None:
    assert digits_of(value) == "20260125093015"
    assert told([value] * 3) == [MOMENT] * 3


def test_a_log_with_compact_times_is_read_whole(tmp_path: Path) -> None:
    rows = [
        {
            "time": int((MOMENT + timedelta(seconds=at)).strftime("%Y%m%d%H%M%S")),
            "user": "a",
            "features": [1.5, at + 0.5],
        }
        for at in range(90)
    ]
    for name, data in (
        ("log.jsonl", b"".join(orjson.dumps(row) + b"\n" for row in rows)),
        (
            "log.csv",
            b"time,user,f1,f2\n" + b"".join(b"%d,a,1.5,%d.5\n" % (row["time"], at) for at, row in enumerate(rows)),
        ),
    ):
        (tmp_path / name).write_bytes(data)
        found = reading(tmp_path / name)
        assert found.rejected == []
        assert [row["time"] for row in found.rows] == [MOMENT + timedelta(seconds=at) for at in range(90)]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_is_read_as_it_was_told(pattern: str) -> None:
    values = [(MOMENT + timedelta(days=at, hours=at)).strftime(pattern) for at in range(3)]
    form, zone = time_form(values)
    times, wrong = times_of(values, form, zone)
    assert wrong == []
    assert [one.strftime(pattern) for one in times.to_pylist()] == values


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-25T09:30:15Z",
        "2026-01-25 09:30:15",
        "2026-01-25 09:30:15 UTC",
        "2026-01-25T09:30:15.000000000Z",
        "2026-01-25 09:30:15,000",
        "2026-01-25T10:30:15+0100",
        "2026-01-25 10:30:15 +01:00",
        "20260125T093015Z",
        "2026-01-25T04:00:15-05:30",
        "2026-01-25t09:30:15z",
    ],
)
def test_iso_8601_is_one_form(text: str) -> None:
    assert told([text] * 2) == [MOMENT] * 2


def test_days_and_months_that_may_be_either_are_told() -> None:
    with pytest.raises(Ambiguous, match="%d/%m/%Y and %m/%d/%Y") as both:
        time_form(["01/02/2026", "03/04/2026"])
    assert both.value.form in PATTERNS
    assert time_form(["01/02/2026", "13/02/2026"])[0] == "%d/%m/%Y"
    assert time_form(["02/01/2026", "02/13/2026"])[0] == "%m/%d/%Y"


@pytest.mark.parametrize(
    "values",
    [
        [],
        [True],
        [1, 2, 3],
        ["x"],
        [None],
        [[1_767_605_400]],
        ["99999999999999"],
        [20261325093015],
        [float("nan")],
        [1e300],
    ],
)
def test_what_is_no_time_is_none(values: list[Any]) -> None:
    with pytest.raises(ValueError, match="no times"):
        time_form(values)


@given(st.lists(st.one_of(st.text(max_size=20), st.integers(), st.floats(), st.none(), st.booleans()), max_size=6))
def test_any_values_have_a_form_or_a_reason_and_are_read_or_named(values: list[Any]) -> None:
    try:
        form, zone = time_form(values)
    except Ambiguous as both:
        form, zone = both.form, "UTC"
    except ValueError:
        form, zone = None, None
    times, wrong = times_of(values, form, zone)
    assert len(times) == len(values)
    assert all(times[place].as_py() is None for place in wrong)


def test_a_broken_time_among_many_decides_nothing() -> None:
    values = [f"2026-01-25T09:30:{at:02}Z" for at in range(59)]
    assert time_form([*values, "never"]) == ("rfc3339", None)
    times, wrong = times_of([*values, "never"], "rfc3339", None)
    assert wrong == [59]
    assert times.null_count == 1


@pytest.mark.parametrize("form", ["%Y-%m-%d-%H.%M.%S.%f", "%Y-%m-%d-%H.%M.%S", "%b %d %Y %H:%M:%S"])
def test_moments_as_db2_and_compilers_write_them(form: str) -> None:
    moments = [MOMENT + timedelta(hours=at) for at in range(40)]
    assert told([one.strftime(form) for one in moments]) == moments
