"""Whatever a user writes as an alert budget is read as exactly that, or refused with how to write it."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.records.alert_budget import AlertBudget

DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}
counts = st.decimals("0.0001", 10_000, places=4, allow_nan=False)
units = st.sampled_from(sorted(DAYS))


@given(count=counts, unit=units)
def test_a_rate_is_alerts_over_time(count: object, unit: str) -> None:
    per_week = AlertBudget.parse(f"{count} per {unit}").per_week
    assert per_week == pytest.approx(float(str(count)) * (timedelta(weeks=1) / timedelta(days=DAYS[unit])))


@given(count=counts, unit=units, gap=st.text(" ", max_size=3), word=st.sampled_from(["per", "a", "PER", "A"]))
def test_case_plural_and_spaces_say_nothing(count: object, unit: str, gap: str, word: str) -> None:
    usual = AlertBudget.parse(f"{count} per {unit}")
    assert AlertBudget.parse(f"{gap}{count}{gap} {word} {unit.upper()}s{gap}") == usual


@given(unit=units, few=st.integers(1, 100), more=st.integers(1, 100))
def test_more_alerts_in_the_same_time_are_a_larger_budget(unit: str, few: int, more: int) -> None:
    smaller, larger = (AlertBudget.parse(f"{n} per {unit}").per_week for n in (few, few + more))
    assert smaller is not None
    assert larger is not None
    assert smaller < larger


@given(above=st.integers(1, 10**6), below=st.integers(1, 10**6))
def test_a_fraction_is_a_bound_if_it_is_one(above: int, below: int) -> None:
    text = f"{above}/{below}"
    if above < below:
        assert AlertBudget.parse(text) == AlertBudget.parse(above / below) == AlertBudget(bound=above / below)
    else:
        with pytest.raises(InputError, match="does not lie between 0 and 1"):
            AlertBudget.parse(text)


@given(per_week=st.floats(1e-12, 1e12))
def test_a_rate_that_was_written_out_can_be_read_again(per_week: float) -> None:
    again = AlertBudget.parse(str(AlertBudget(per_week=per_week)))
    assert again.per_week == pytest.approx(per_week, rel=1e-5)
    assert again.bound is None


@given(bound=st.floats(1e-12, 0.9999))
def test_a_bound_that_was_written_out_can_be_read_again(bound: float) -> None:
    assert AlertBudget.parse(str(AlertBudget(bound=bound))).bound == pytest.approx(bound, rel=1e-5)


@given(text=st.text(max_size=30))
def test_anything_is_read_or_refused_and_never_both_a_rate_and_a_bound(text: str) -> None:
    try:
        budget = AlertBudget.parse(text)
    except InputError:
        return
    assert (budget.per_week is None) != (budget.bound is None)
    assert math.isfinite(budget.per_week or budget.bound or math.nan)


@pytest.mark.parametrize(
    "text",
    ["nan", "inf", "-inf", "1e999", "9" * 400, "0", "-0.5", "1", "1/0", "0/5", "/", "1/", "..", "per week", "2 per"],
)
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        AlertBudget.parse(text)


@pytest.mark.parametrize("text", [f"{'9' * 400} per week", "1e999 per day", "0 per week", "0.0 a day", "1..2 per week"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        AlertBudget.parse(text)


@pytest.mark.parametrize("rate", [math.nan, math.inf, -1.0, 0.0])
def test_no_budget_is_made_from_nothing(rate: float) -> None:
    with pytest.raises(InputError, match="not above 0"):
        AlertBudget(per_week=rate)
    with pytest.raises(InputError, match="does not lie between"):
        AlertBudget(bound=rate)
    with pytest.raises(InputError, match="either a rate or a bound"):
        AlertBudget(per_week=rate, bound=rate)
