import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.records.alert_budget import AlertBudget


@pytest.mark.parametrize(
    ("text", "per_week"),
    [
        ("2 per week", 2.0),
        ("2 a week", 2.0),
        ("1 per day", 7.0),
        ("0.5 per month", 0.5 * 12 * 7 / 365.25),
        ("6 per year", 6 * 7 / 365.25),
        ("  3  Per  Weeks ", 3.0),
    ],
)
def test_rate_is_false_alerts_a_week(text: str, per_week: float) -> None:
    budget = AlertBudget.parse(text)
    assert budget.per_week == pytest.approx(per_week)
    assert budget.bound is None


@pytest.mark.parametrize(
    ("text", "bound"), [("1/300", 1 / 300), ("0.0033", 0.0033), (0.01, 0.01), ("1e-3", 0.001), ("1 / 50", 0.02)]
)
def test_bound_is_a_share_of_benign_callers(text: str | float, bound: float) -> None:
    assert AlertBudget.parse(text) == AlertBudget(bound=bound)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "few",
        "2",
        "0",
        "-1",
        "1",
        "1/0",
        "3/2",
        "0/5",
        "0 per week",
        "2 per",
        "2 per fortnight",
        "nan",
        "inf",
        "1.2.3 per week",
        "per week",
        "1.1.1/2",
        "2 per week or so",
    ],
)
def test_nonsense_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(InputError) as refused:
        AlertBudget.parse(text)
    assert refused.value.exit_code == 2
    assert "1/300" in str(refused.value.hint) or "known are day, week" in refused.value.what


def test_a_rate_and_a_bound_at_once_are_refused() -> None:
    with pytest.raises(InputError, match="either a rate or a bound"):
        AlertBudget(per_week=1.0, bound=0.1)
    with pytest.raises(InputError, match="either a rate or a bound"):
        AlertBudget()


@pytest.mark.parametrize("rate", [math.nan, math.inf, 0.0, -1.0])
def test_a_rate_is_a_positive_number(rate: float) -> None:
    with pytest.raises(InputError):
        AlertBudget(per_week=rate)


@given(st.floats(0.01, 1000))
def test_what_it_prints_is_what_it_reads(rate: float) -> None:
    again = AlertBudget.parse(str(AlertBudget(per_week=rate)))
    assert again.per_week == pytest.approx(rate, rel=1e-4)
