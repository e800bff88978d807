import numpy as np
import pytest

from caponier.detect.near_copies.crowds import Crowds
from caponier.detect.near_copies.likeness import Likeness


def table(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 4
    return rng.normal(0, 1, (n, 20)) + rng.normal(0, 0.6, (4, 20))[y], y


def mutants(x: np.ndarray, rows: np.ndarray, parent: int, changed: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    other = x[rng.integers(len(x), size=len(rows))]
    x[rows] = np.where(rng.random((len(rows), x.shape[1])) < changed, other, x[parent])


def test_rows_that_share_what_is_rare_are_alike_and_what_all_have_counts_for_nothing() -> None:
    x = np.zeros((100, 4))
    x[:, 1], x[:, 2] = np.arange(100) % 5, np.arange(100) % 7
    x[:2] = [9, 9, 9, 9]
    alike = Likeness.of(x).vectors @ Likeness.of(x).vectors.T
    assert alike[0, 1] == pytest.approx(1, abs=1e-5)
    assert alike[0, 50] < 0.1, "the two share nothing"
    assert alike[2, 7] < 0.7, "the same in one column of two that tell anything"
    assert Likeness.of(x).told[0] > Likeness.of(x).told[50]


def test_columns_that_tell_nothing_are_no_information() -> None:
    assert (Likeness.of(np.ones((10, 3))).told == 0).all()


@pytest.mark.parametrize("changed", [0.0, 0.05, 0.1])
def test_mutants_crowd_each_other_and_nothing_else_is_crowded(changed: float) -> None:
    x, y = table(800, 1)
    rows = np.arange(700, 760)
    mutants(x, rows, 3, changed, 1)
    x[rows] += np.random.default_rng(2).normal(0, 1e-6, (60, 20))
    y[rows] = 2
    crowds = Crowds.of(x, y, None)
    others = np.setdiff1d(np.arange(800), [*rows, 3])
    assert np.median(crowds.near[rows]) >= 40
    assert np.quantile(crowds.near[others], 0.99) <= 3
    joined = crowds.around(crowds.near >= 20)
    assert joined[rows].mean() >= 0.95
    assert joined[others].sum() <= 8


def test_copies_of_other_sources_are_told_from_own_ones() -> None:
    x, y = table(600, 3)
    rows = np.arange(500, 560)
    mutants(x, rows, 3, 0.1, 3)
    sources = np.arange(600) % 5
    crowds = Crowds.of(x, y, sources)
    assert (crowds.near_own[rows] <= crowds.near[rows]).all()
    assert crowds.near_own[rows].sum() == pytest.approx(crowds.near[rows].sum() / 5, rel=0.15)


def test_equal_rows_count_once() -> None:
    x, y = table(400, 4)
    x[:100] = x[0]
    assert Crowds.of(x, y, None).near[:100].max() <= 1


def test_rows_that_say_nothing_are_no_copies() -> None:
    x, y = table(400, 5)
    x = np.where(np.random.default_rng(5).random(x.shape) < 0.5, x, 0)
    x[:120] = 0
    x[:120, 0] = np.linspace(0, 1e-3, 120)
    crowds = Crowds.of(x, y, None)
    assert not crowds.speaks[:120].any()
    assert (crowds.near[:120] == 0).all()


def test_a_large_set_is_compared_with_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caponier.detect.near_copies.crowds.PAIRS", 40_000)
    x, y = table(400, 6)
    mutants(x, np.arange(200, 280), 3, 0.1, 6)
    crowds = Crowds.of(x, y, None)
    assert 0.2 < crowds.sampled < 0.3
    assert np.median(crowds.near[200:280]) >= 12
