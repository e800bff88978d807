import numpy as np
import pytest

from caponier.emulate.attacker.surrogate import (
    HIDDEN,
    LEAST,
    Surrogate,
    agreement_of,
    few_of_each_class,
    train_surrogate,
)
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim


@pytest.fixture(scope="module")
def copy(split: DigitsSplit, victim: Victim) -> Surrogate:
    images = split.attackers.images[:60]
    return train_surrogate(images, victim.predict_proba(images), seed=1)


def test_a_copy_agrees_with_its_model_far_beyond_chance(copy: Surrogate, split: DigitsSplit, victim: Victim) -> None:
    exam = Pool(split.test.images, victim.answers(split.test.images))
    assert copy.agreement(exam) > 0.7


def test_the_seed_fixes_the_copy(copy: Surrogate, split: DigitsSplit, victim: Victim) -> None:
    images = split.attackers.images[:60]
    again, other = (train_surrogate(images, victim.predict_proba(images), seed) for seed in (1, 2))
    assert np.array_equal(again.logits(images), copy.logits(images))
    assert not np.array_equal(other.logits(images), copy.logits(images))


def test_margins_are_those_of_the_two_largest_outputs(copy: Surrogate, split: DigitsSplit) -> None:
    outputs = copy.logits(split.test.images[:9])
    for margin, row in zip(copy.margins(split.test.images[:9]), outputs, strict=True):
        second, first = sorted(row)[-2:]
        assert margin == pytest.approx(first - second)


def test_gradients_are_the_slopes_of_the_outputs(copy: Surrogate, split: DigitsSplit) -> None:
    images = split.test.images[:5].astype(np.float64)
    labels = np.array([3, 1, 4, 1, 5])
    step = 1e-6 * np.eye(64)[17]
    rise = copy.logits(images + step) - copy.logits(images - step)
    slopes = rise[np.arange(5), labels] / 2e-6
    assert copy.gradients(images, labels)[:, 17] == pytest.approx(slopes, abs=1e-3)


def test_a_score_of_zero_is_no_infinite_logarithm() -> None:
    images = np.random.default_rng(0).random((12, 64), np.float32)
    sure = np.eye(10, dtype=np.float32)[np.arange(12) % 10]
    copy = train_surrogate(images, sure, seed=0)
    assert copy.inner[0].shape == (64, HIDDEN)
    assert np.isfinite(copy.logits(images)).all()
    assert copy.logits(images).min() > 3 * np.log(LEAST)


def test_whoever_asked_nothing_has_no_copy(split: DigitsSplit) -> None:
    assert agreement_of([], [], split.test, seed=0) == 0.0


def test_agreement_is_that_of_the_copy(copy: Surrogate, split: DigitsSplit, victim: Victim) -> None:
    images = split.attackers.images[:60]
    scores = victim.predict_proba(images)
    assert agreement_of(list(images), list(scores), split.test, seed=1) == copy.agreement(split.test)


def test_few_of_each_class() -> None:
    mine, others = few_of_each_class(np.repeat(np.arange(5), 20), 10, seed=0)
    assert sorted(mine // 20) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert sorted([*mine, *others]) == list(range(100))


def test_more_than_there_are_of_each_class_are_all() -> None:
    mine, others = few_of_each_class(np.array([0, 0, 1]), 3, seed=0)
    assert sorted(mine) == [0, 1, 2]
    assert not len(others)
