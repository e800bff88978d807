"""What exports of stores, monitors and offices have and services' own logs do not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caponier.records.field_map import FieldMap
from caponier.telemetry.field_maps.best_guess import guess
from caponier.telemetry.field_maps.conversations import said_class
from caponier.telemetry.field_maps.logged_bodies import exchange_of
from caponier.telemetry.field_maps.named_features import numbers_in
from caponier.telemetry.field_maps.tensors.shaped_lists import tensor_columns
from caponier.telemetry.field_maps.time_columns import milliseconds_in_one
from caponier.telemetry.field_maps.time_forms import time_form
from caponier.telemetry.field_maps.times import times_of

Row = dict[str, Any]
ROWS = 40


def understood(one: Callable[[int], Row]) -> FieldMap:
    found = guess([{"ts": f"2026-01-05T12:00:{at:02d}Z", **one(at)} for at in range(ROWS)], "model")
    assert found.map is not None, found.doubts
    return found.map


def place(one: FieldMap, column: str) -> str | None:
    about = one.columns.get(column)
    return None if about is None else "+".join(about.path or about.parts)


def flat(at: int, **more: Any) -> Row:
    return {"age": 20 + at * 7 % 31, "income": 900.5 + at * 13 % 101, **more}


def share(at: int) -> float:
    return round(0.013 + at * 37 % 97 / 100, 3)


def band(value: float) -> str:
    return "high" if value > 0.6 else "medium" if value > 0.3 else "low"


@pytest.mark.parametrize(
    "name", ["adjuster", "loan_officer", "account_manager", "Sachbearbeiter", "handläggare", "scored_by"]
)
def test_whose_trade_it_is_has_asked(name: str) -> None:
    found = understood(lambda at: flat(at, **{name: f"p{at % 5}", "label": "ab"[at % 2]}))
    assert (place(found, "principal"), [one.name for one in found.features]) == (name, ["age", "income"])


@pytest.mark.parametrize("name", ["years_with_manager", "broker", "agent"])
def test_numbers_under_such_a_name_count_something(name: str) -> None:
    found = understood(lambda at: flat(at, **{name: at % 5, "label": "ab"[at % 2]}))
    assert place(found, "principal") is None


@pytest.mark.parametrize("name", ["approved_by", "reviewed_by", "corrected_by", "updated_by"])
def test_who_looked_at_it_afterwards_has_not_asked(name: str) -> None:
    found = understood(lambda at: flat(at, **{name: f"p{at % 5}", "label": "ab"[at % 2]}))
    assert place(found, "principal") is None


def test_a_user_agent_is_no_agent() -> None:
    found = understood(lambda at: flat(at, agent=f"client/{at % 4}.0", label="ab"[at % 2]))
    assert place(found, "principal") is None


def test_bands_of_a_score_are_the_answer() -> None:
    found = understood(lambda at: flat(at, risk_score=share(at), risk_band=band(share(at))))
    assert (place(found, "scores"), place(found, "label")) == ("risk_score", "risk_band")
    assert [one.name for one in found.features] == ["age", "income"]


def test_bands_beside_a_share_are_an_answer_under_any_name() -> None:
    found = understood(lambda at: flat(at, user=f"u{at % 4}", pd=share(at), grade=band(share(at))))
    assert (place(found, "scores"), place(found, "label")) == ("pd", "grade")


def test_two_classes_that_cut_a_share_may_be_a_feature() -> None:
    found = understood(lambda at: flat(at, user=f"u{at % 4}", use=share(at), heavy=["no", "yes"][share(at) > 0.5]))
    assert place(found, "scores") is None
    assert {"use", "heavy"} <= {one.name for one in found.features}


def test_a_share_beside_the_answer_that_decides_it_is_its_score() -> None:
    found = understood(
        lambda at: flat(at, user=f"u{at % 4}", ctr=share(at), outcome="click" if share(at) > 0.5 else "skip")
    )
    assert (place(found, "scores"), place(found, "label")) == ("ctr", "outcome")


def test_a_share_that_decides_nothing_stays_a_feature() -> None:
    found = understood(lambda at: flat(at, user=f"u{at % 4}", ctr=share(at), outcome="ab"[at % 2]))
    assert "ctr" in {one.name for one in found.features}


def test_a_column_of_single_rows_is_no_feature() -> None:
    found = understood(lambda at: flat(at, user="u", label="ab"[at % 2]))
    rows = [
        {"ts": f"2026-01-05T12:{at // 60:02d}:{at % 60:02d}Z", **flat(at), "user": "u", "label": "ab"[at % 2]}
        for at in range(200)
    ]
    rows[3]["frame"] = "header"
    other = guess(rows, "model").map
    assert other is not None
    assert [one.name for one in other.features] == [one.name for one in found.features]


@pytest.mark.parametrize(
    ("text", "told"), [("73,2 %", [0.732]), ("1 234 567,89", [1234567.89]), ("1,5 2,5", [1.5, 2.5])]
)
def test_one_number_with_blanks_is_no_list(text: str, told: list[float]) -> None:
    assert numbers_in(text, ",") == pytest.approx(told)


@pytest.mark.parametrize(("amount", "other"), [("12,50", True), ("12.50", False), ("12", False)])
def test_days_come_before_months_where_amounts_have_decimal_commas(amount: str, other: bool) -> None:
    rows = [
        {"when": f"02/03/2026 08:00:{at:02d}", "user": f"u{at % 4}", "amount": f"{at}{amount}", "label": "ab"[at % 2]}
        for at in range(ROWS)
    ]
    assert guess(rows, "model").clear == other


def test_a_class_that_a_language_model_names_is_the_answer() -> None:
    assert (
        said_class([[{"message": {"content": ["good", "bad"][at % 2]}}] for at in range(ROWS)]) == "[0].message.content"
    )
    assert said_class([[{"text": ["good", "bad"][at % 2]}] for at in range(ROWS)]) == "[0].text"
    assert said_class([[{"message": {"content": f"I think that it is {at}"}}] for at in range(ROWS)]) is None
    assert said_class([]) is None


def test_nanoseconds_are_told_where_millionths_would_be_too_slow() -> None:
    assert milliseconds_in_one("duration", [30_000_000 + at for at in range(20)]) == 1e-6
    assert milliseconds_in_one("duration", [3_000_000 + at for at in range(20)]) is None
    assert milliseconds_in_one("duration", [3e12 + at for at in range(20)]) is None


@pytest.mark.parametrize(
    "body", [{"age": 3, "city": "a"}, {"features": {"age": 3, "city": "a"}}, {"data": [{"age": 3, "city": "a"}]}]
)
def test_a_container_of_ones_own_is_asked_about_an_object(body: Row) -> None:
    found = exchange_of(body, {"label": "yes", "probability": 0.7})
    assert (found.problem, found.names, found.labels, found.scores) == (None, ("age", "city"), ["yes"], [[0.7]])


@pytest.mark.parametrize("body", [{"features": [1, 2.5]}, {"x": [[1, 2.5]]}])
def test_a_container_of_ones_own_is_asked_about_a_list(body: Row) -> None:
    assert exchange_of(body, None).inputs == [[1.0, 2.5]]


@pytest.mark.parametrize(
    "body",
    [
        {"age": 3, "data": [[1, 2]]},
        {"age": 3, "Instances": [[1]]},
        {"age": 3, "other": [1]},
        {"body": {"a": 1, "b": 2}},
        {"age": 3},
    ],
)
def test_an_object_that_could_hold_other_rows_is_refused(body: Row) -> None:
    assert exchange_of(body, None).problem is not None


def test_numbers_beside_their_shape_are_a_tensor() -> None:
    nested = [{"shape": [1, 2, 2], "values": [[[1, 2], [3, at]]]} for at in range(5)]
    found = tensor_columns(nested, "image")
    assert found is not None
    assert {name: about.path for name, about in found.items()} == {"input": ("image.values",)}
    found = tensor_columns([{"dims": [2, 2], "data": [1, 2, 3, 4]}], "t")
    assert found is not None
    assert {name: about.path for name, about in found.items()} == {"input": ("t.data",), "input_shape": ("t.dims",)}


@pytest.mark.parametrize(
    "held",
    [
        {"shape": [3], "values": [1, 2]},
        {"shape": "round", "values": [1]},
        {"values": [1]},
        {"shape": [2], "values": ["a", "b"]},
    ],
)
def test_other_objects_are_no_tensor(held: Row) -> None:
    assert tensor_columns([held], "t") is None


def test_a_time_without_a_year_is_the_latest_that_has_been() -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    for form in ("%b %d %H:%M:%S", "%d.%m. %H:%M:%S", "%d %b %H:%M:%S"):
        for past in (timedelta(hours=1), timedelta(days=300)):
            told, zone = time_form([(now - past).strftime(form)] * 3)
            times, wrong = times_of([(now - past).strftime(form)], told, zone)
            assert (times.to_pylist(), wrong) == ([now - past], [])
    assert time_form(["Feb 29 08:00:00"] * 3)[0] == "%b %d %H:%M:%S"


def test_a_zone_counts_where_no_year_does() -> None:
    (berlin,), (utc,) = (
        times_of(["Jan 05 08:00:00"], "%b %d %H:%M:%S", zone)[0].to_pylist() for zone in ("Europe/Berlin", "UTC")
    )
    assert utc - berlin == timedelta(hours=1)
