"""Amounts and spans of time as people and programs write them."""

import pytest

from caponier.telemetry.framing.amounts import milliseconds_of, number_of


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("12.5ms", 12.5),
        ("12 msec", 12),
        ("12 milliseconds", 12),
        ("0.3 s", 300),
        ("2 secs", 2_000),
        ("1 second", 1_000),
        ("250us", 0.25),
        ("250 µs", 0.25),
        ("250 micros", 0.25),
        ("3 microseconds", 0.003),
        ("900 nanos", 0.0009),
        ("40 nanoseconds", 0.00004),
        ("1.5 min", 90_000),
        ("2 minutes", 120_000),
        ("0.5h", 1_800_000),
        ("1m2.5s", 62_500),
        ("1h2m3s", 3_723_000),
        ("PT0.25S", 250),
        ("PT1M2S", 62_000),
        ("00:00:00.0123", 12.3),
        (" 7 ms ", 7),
    ],
)
def test_a_span_that_names_its_unit_is_read(text: str, milliseconds: float) -> None:
    assert milliseconds_of(text) == pytest.approx(milliseconds)


@pytest.mark.parametrize(
    "text", ["", "12", "ms", "12 apples", "12:30", "1.2.3s", "PT", "PTS", "h", "s", "12" * 20 + "ms"]
)
def test_what_names_no_unit_is_no_span(text: str) -> None:
    assert milliseconds_of(text) is None


def test_the_decimal_sign_of_the_log_counts_in_a_span_too() -> None:
    assert milliseconds_of("0,3 s", ",") == pytest.approx(300)


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1.5", ".", 1.5),
        (" -2e3 ", ".", -2_000),
        ("1,250.5", ".", 1_250.5),
        ("1.250,5", ",", 1_250.5),
        ("-$1,250.00", ".", -1_250),
        ("12.5 €", ".", 12.5),
        ("12,5 %", ",", 0.125),
        ("87%", ".", 0.87),
        ("True", ".", 1),
        ("1_000", ".", None),
        ("1_000", ",", None),
        ("10.0.0.1", ".", None),
        ("Bern", ".", None),
        ("", ".", None),
    ],
)
def test_a_number_is_read_as_it_is_written(text: str, decimal: str, number: float | None) -> None:
    assert number_of(text, decimal) == (None if number is None else pytest.approx(number))


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1 234 567,89", ",", 1234567.89),
        ("1\u202f234,5", ",", 1234.5),
        ("1\u00a0234\u00a0€", ",", 1234),
        ("12'500.25", ".", 12500.25),
        ("1\u2019000", ".", 1000),
        ("-2 000", ".", -2000),
    ],
)
def test_thousands_may_stand_apart(text: str, decimal: str, number: float) -> None:
    assert number_of(text, decimal) == pytest.approx(number)


@pytest.mark.parametrize("text", ["030 123 456", "1 23", "12 34 567", "1 234'567", "1 234 56"])
def test_other_groups_of_digits_are_no_amount(text: str) -> None:
    assert number_of(text) is None
