"""Columns beside features that are none."""

from typing import Any

import pytest

from caponier.telemetry.field_maps.beside_features import bounds_of, counts_rows, is_of_thing
from caponier.telemetry.field_maps.best_guess import guess

ROWS = 40


@pytest.mark.parametrize(
    "name", ["machine_id", "serial_no", "sensor_id", "policy_no", "vertrags_nr", "asset_uuid", "id"]
)
def test_the_id_of_a_thing_is_no_feature_though_it_comes_again(name: str) -> None:
    assert is_of_thing(name, [at % 5 for at in range(ROWS)])


@pytest.mark.parametrize("name", ["store_id", "pickup_location_id", "banner_id", "product_category_id", "age", "valid"])
def test_a_kind_of_thing_is_a_feature(name: str) -> None:
    assert not is_of_thing(name, [at % 5 for at in range(ROWS)])


def test_an_amount_is_no_id() -> None:
    assert not is_of_thing("vehicle_no", [at + 0.5 for at in range(ROWS)])


def test_numbers_of_rows_count_up_or_down_by_one() -> None:
    assert counts_rows("n", list(range(1, ROWS)))
    assert counts_rows("nr", [str(ROWS - at) for at in range(ROWS)])
    assert not counts_rows("nr", [at * 2 for at in range(ROWS)])
    assert not counts_rows("nr", list(range(5)))


def test_whoever_tries_one_age_after_the_other_asked_about_ages() -> None:
    assert not counts_rows("age", list(range(ROWS)))


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ("lower_bound", "upper_bound"),
        ("yhat_lower", "yhat_upper"),
        ("ci_low", "ci_high"),
        ("borne_basse", "borne_haute"),
        ("untere_grenze", "obere_grenze"),
        ("limite_inferior", "limite_superior"),
    ],
)
def test_bounds_are_told_by_their_names(low: str, high: str) -> None:
    assert bounds_of({(low,): [1.0], (high,): [2.0], ("size",): [3.0]}, []) == {(low,), (high,)}


def test_other_pairs_are_bounds_where_the_answer_lies_between() -> None:
    amounts = [float(at) for at in range(ROWS)]
    nodes: dict[tuple[str, ...], list[Any]] = {
        ("premium_low",): [one - 1 for one in amounts],
        ("premium_high",): [one + 1 for one in amounts],
        ("pressure_low",): [at % 7 for at in range(ROWS)],
        ("pressure_high",): [at % 7 + 5 for at in range(ROWS)],
    }
    assert bounds_of(nodes, amounts) == {("premium_low",), ("premium_high",)}
    assert bounds_of(nodes, []) == set()


def test_a_table_of_estimates_keeps_its_features_alone() -> None:
    rows = [
        {
            "ts": f"2026-03-04T08:15:{at:02d}Z",
            "user": f"u{at % 4}",
            "machine_id": at % 5,
            "size": at * 1.5,
            "price_estimate": at * 1000.5,
            "price_low": at * 900.5,
            "price_high": at * 1100.5,
        }
        for at in range(1, ROWS)
    ]
    found = guess(rows, "model").map
    assert found is not None
    assert [one.name for one in found.features] == ["size"]
    assert found.columns["scores"].path == ("price_estimate",)
