"""Trees judge rows that they have not seen, and need no scale."""

import numpy as np
import pytest

from caponier.detect.label_models import out_of_fold
from caponier.detect.label_models.forest import forest_probabilities
from caponier.detect.label_models.out_of_fold import OutOfFold


def by_two_columns(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose label hangs on two of twenty columns, of scales that have nothing in common."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 20))
    y = ((x[:, 3] > 0) ^ (x[:, 8] > 0.5)).astype(np.int64)
    return x * 10.0 ** rng.integers(-4, 5, 20), y


def folds(n: int) -> np.ndarray:
    return np.arange(n) % 8


def test_what_few_columns_tell_is_learned_and_a_distance_misses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = by_two_columns(1_200, 1)
    everyone = np.ones(1_200, bool)
    trees = forest_probabilities(x, y, 2, folds(1_200), everyone)
    assert trees.shape == (1_200, 2)
    assert np.allclose(trees.sum(axis=1), 1)
    assert (trees.argmax(axis=1) == y).mean() >= 0.85
    models = OutOfFold(x, y, 2, folds(1_200))
    both = models.probabilities(everyone)
    monkeypatch.setattr(out_of_fold, "FOREST", (0.0,))
    near = models.probabilities(everyone)
    given = np.arange(1_200), y
    assert np.log(both[given]).mean() > np.log(near[given]).mean(), "the forest counts as much as it explains"


def test_a_row_does_not_vouch_for_itself() -> None:
    x, _ = by_two_columns(600, 2)
    y = np.random.default_rng(2).integers(0, 2, 600)
    trees = forest_probabilities(x, y, 2, folds(600), np.ones(600, bool))
    assert abs((trees.argmax(axis=1) == y).mean() - 0.5) <= 0.08


def test_rows_that_are_not_trusted_teach_nothing() -> None:
    x, y = by_two_columns(600, 3)
    trusted = np.arange(600) < 500
    other = np.where(trusted, y, 1 - y)
    first, second = (forest_probabilities(x, one, 2, folds(600), trusted) for one in (y, other))
    assert np.array_equal(first, second)


def test_columns_that_never_vary_and_one_fold_are_answered() -> None:
    y = np.arange(40) % 2
    assert np.allclose(forest_probabilities(np.ones((40, 3)), y, 2, folds(40), np.ones(40, bool)), 0.5, atol=0.2)
    assert (forest_probabilities(np.ones((40, 3)), y, 2, np.zeros(40, int), np.ones(40, bool)) == 0.5).all()
