import numpy as np
import pytest

from caponier.emulate.images import Images
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim, forward_pass, load_digits_split, train_victim
from caponier.errors import InputError


def pools(split: DigitsSplit) -> list[Pool]:
    return [split.train, split.calibration, split.test, split.attackers]


def test_pools_hold_every_digit_once(split: DigitsSplit) -> None:
    from sklearn.datasets import load_digits

    together = np.concatenate([pool.images for pool in pools(split)])
    whole = (load_digits().data / 16).astype(np.float32)
    assert [len(pool) for pool in pools(split)] == [600, 500, 500, 197]
    assert np.array_equal(np.sort(together, axis=0), np.sort(whole, axis=0))


def test_pools_never_meet(split: DigitsSplit) -> None:
    seen = [{image.tobytes() for image in pool.images} for pool in pools(split)]
    assert len(set.union(*seen)) == sum(map(len, seen)) == 1797


def test_pixels_are_float32_between_0_and_1(split: DigitsSplit) -> None:
    for pool in pools(split):
        assert pool.images.dtype == np.float32
        assert pool.images.shape[1:] == (64,)
        assert pool.images.min() == 0
        assert pool.images.max() == 1
        assert set(pool.labels) == set(range(10))


def test_the_seed_fixes_the_split(split: DigitsSplit) -> None:
    assert np.array_equal(load_digits_split(0).test.images, split.test.images)
    assert not np.array_equal(load_digits_split(1).test.images, split.test.images)


def test_every_shot_differs(split: DigitsSplit, rng: np.random.Generator) -> None:
    image = split.test.images[0]
    first, second = (split.shot(image, rng) for _ in range(2))
    assert first.shape == image.shape
    assert not np.array_equal(first, second)
    assert np.linalg.norm(first - image) > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mlp", "forest"])
def test_a_victim_is_worth_attacking(split: DigitsSplit, kind: str) -> None:
    victim = train_victim(split.train, split.test, seed=3, kind=kind)
    clean = (victim.answers(split.test.images) == split.test.labels).mean()
    assert victim.accuracy >= 0.93
    assert clean >= 0.93
    assert len(victim.understood(split.attackers)) >= 170


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mlp", "forest"])
def test_scores_are_float32_and_sum_to_one(split: DigitsSplit, kind: str) -> None:
    scores = train_victim(split.train, split.test, seed=0, kind=kind).predict_proba(split.test.images)
    assert scores.shape == (500, 10)
    assert scores.dtype == np.float32
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    assert scores.min() >= 0


def test_the_forward_pass_is_the_models_own(split: DigitsSplit) -> None:
    """Our float32 arithmetic answers as scikit-learn's does."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier((16,), random_state=0)
    for _ in range(20):
        model.partial_fit(split.train.images, split.train.labels, classes=np.arange(10))
    answers = forward_pass(model.coefs_, model.intercepts_)(split.test.images)
    assert np.allclose(answers, model.predict_proba(split.test.images), atol=1e-4)


def test_the_seed_fixes_a_victim(split: DigitsSplit, victim: Victim) -> None:
    again = train_victim(split.train, split.test, seed=0)
    assert np.array_equal(again.predict_proba(split.test.images), victim.predict_proba(split.test.images))


def test_extreme_inputs_still_get_scores(victim: Victim) -> None:
    far: Images = np.full((1, 64), 1e6, np.float32)
    assert np.isfinite(victim.predict_proba(far)).all()


def test_an_unknown_kind_lists_the_known_ones(split: DigitsSplit) -> None:
    with pytest.raises(InputError, match="mlp, forest"):
        train_victim(split.train, split.test, seed=0, kind="transformer")
