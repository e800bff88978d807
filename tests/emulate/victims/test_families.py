import numpy as np
import pytest

from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.emulate.victims.families import KINDS, train_kind
from caponier.errors import InputError

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["linear", "boosted"])
def test_a_model_of_another_family_is_worth_probing(split: DigitsSplit, kind: str) -> None:
    predict = train_kind(split, 0, kind)
    scores = predict(split.test.images)
    assert scores.dtype == np.float32
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    assert (scores.argmax(axis=1) == split.test.labels).mean() > 0.9


def test_the_usual_victims_are_kinds_too(split: DigitsSplit, victim: Victim) -> None:
    assert np.array_equal(train_kind(split, 0, "mlp")(split.test.images), victim.predict_proba(split.test.images))
    assert {"mlp", "forest"} <= set(KINDS)


def test_an_unknown_kind_lists_the_known_ones(split: DigitsSplit) -> None:
    with pytest.raises(InputError, match="boosted"):
        train_kind(split, 0, "oracle")
