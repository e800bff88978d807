"""What our network learns is what scikit-learn's learns, which looks at its data again in every round."""

from typing import Any

import numpy as np
import pytest

from caponier.emulate.images import CLASSES
from caponier.emulate.network import BATCH, Schooling
from caponier.emulate.victims.digits import DigitsSplit

pytestmark = pytest.mark.usefixtures("forgetting")


def same(ours: Any, theirs: Any) -> bool:
    """Hold weights and biases against each other, to the last bit but for what a machine's products differ by."""
    pairs = zip([*ours[0], *ours[1]], [*theirs.coefs_, *theirs.intercepts_], strict=True)
    return all(one.dtype == other.dtype and np.allclose(one, other, rtol=1e-4, atol=1e-6) for one, other in pairs)


@pytest.mark.parametrize(("n", "decay", "rate"), [(60, 0.0, 0.003), (BATCH, 1e-3, 0.001), (450, 1e-3, 0.01)])
def test_a_classifier_is_that_of_scikit_learn(split: DigitsSplit, n: int, decay: float, rate: float) -> None:
    from sklearn.neural_network import MLPClassifier

    images, labels = split.train.images[:n], split.train.labels[:n]
    theirs = MLPClassifier((16,), alpha=decay, learning_rate_init=rate, random_state=3)
    for _ in range(12):
        theirs.partial_fit(images, labels, classes=np.arange(CLASSES))
    assert same(Schooling(16, 12, 3, decay, rate).classifier(images, labels), theirs)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 60, 450])
def test_a_regressor_is_that_of_scikit_learn(split: DigitsSplit, n: int, kind: Any) -> None:
    from sklearn.neural_network import MLPRegressor

    images = split.train.images[:n]
    told = np.random.default_rng(5).standard_normal((n, 10)).astype(kind)
    theirs = MLPRegressor(hidden_layer_sizes=(16,), alpha=1e-3, learning_rate_init=0.003, random_state=3)
    for _ in range(12):
        theirs.partial_fit(images, told)
    assert same(Schooling(16, 12, 3, 1e-3, 0.003).regressor(images, told), theirs)


def test_its_seed_fixes_it_and_another_gives_another(split: DigitsSplit) -> None:
    given = split.train.images[:60], split.train.labels[:60]
    one, again, other = (Schooling(8, 3, seed, 0.0).classifier(*given)[0][0] for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_what_is_no_number_is_refused(odd: float) -> None:
    images, told = np.ones((2, 3), np.float32), np.array([[1.0], [odd]])
    with pytest.raises(ValueError, match="finite"):
        Schooling(2, 1, 0, 0.0).regressor(images, told)
    with pytest.raises(ValueError, match="finite"):
        Schooling(2, 1, 0, 0.0).classifier(told.astype(np.float32), np.array([0, 1]))


def test_what_it_is_given_stays_as_it_is(split: DigitsSplit) -> None:
    images = split.train.images[:60].copy()
    Schooling(8, 3, 1, 0.5).classifier(images, split.train.labels[:60])
    assert np.array_equal(images, split.train.images[:60])
