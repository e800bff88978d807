import numpy as np
import pytest

from caponier.detect.networks.few_classes import FEWEST, farther


@pytest.mark.parametrize("classes", [4, 6, 8, 9, 10])
def test_values_that_are_alike_by_nature_pass_as_seldom_as_with_ten(classes: int) -> None:
    drawn = np.sort(np.random.default_rng(classes).normal(size=(100_000, classes)), axis=1)
    gaps = (drawn[:, -1] - drawn[:, -2]) / drawn[:, :-1].std(axis=1)
    assert (gaps > 6 * farther(classes)).mean() == pytest.approx(0.0007, abs=0.0003)


def test_more_classes_are_given_no_lower_limit() -> None:
    assert farther(1_000) == farther(10) == 1.0
    assert all(farther(at) > farther(at + 1) for at in range(FEWEST, 10))
