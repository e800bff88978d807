"""How figures are written for people."""

import pytest

from caponier.formats.figures import figure


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (3, "3"),
        (322.93, "322.9"),
        (36_864.0, "36,864"),
        (1234.56, "1,235"),
        (5.7e6, "5,700,000"),
        (0.0077, "0.0077"),
        (2e-5, "0.00002"),
        (1.234e-9, "0.000000001234"),
        (-3e-12, "-0.000000000003"),
        (999.99, "1,000"),
        (-4_096, "-4,096"),
        (float("inf"), "inf"),
    ],
)
def test_no_figure_is_a_power_of_ten(value: float, written: str) -> None:
    assert figure(value) == written


def test_more_digits_can_be_asked_for() -> None:
    assert figure(227.8912, 6) == "227.891"
