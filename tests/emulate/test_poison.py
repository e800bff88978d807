import io

import numpy as np
import pytest

from caponier.emulate.poison import Poisoned, PoisonOutcome, as_npz, attempt, others
from caponier.emulate.registry import harmless_sets, poisons
from caponier.emulate.victims.digits import DigitsSplit, Pool, load_digits_split
from caponier.matrix.versions.catalogue import resolve


@pytest.fixture(scope="module")
def split() -> DigitsSplit:
    return load_digits_split(31)


@pytest.mark.parametrize("name", sorted(poisons()))
def test_a_poison_tells_the_truth_about_what_it_changed(split: DigitsSplit, name: str) -> None:
    poison = poisons()[name]
    poisoned = poison.apply(split.train, 0.03, 3)
    assert poisoned.changed.sum() == 18
    redrawn = (poisoned.pool.images != split.train.images).any(axis=1)
    assert np.array_equal((poisoned.pool.labels != poisoned.truth) | redrawn, poisoned.changed)
    assert np.array_equal(poisoned.truth[~poisoned.changed], split.train.labels[~poisoned.changed])
    assert redrawn.any() == (poisoned.trigger is not None or name == "mutant_flood")
    assert all(resolve(technique) for technique in poison.techniques)
    again = poison.apply(split.train, 0.03, 3)
    assert np.array_equal(again.pool.labels, poisoned.pool.labels)
    assert not np.array_equal(poison.apply(split.train, 0.03, 4).changed, poisoned.changed)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(poisons()))
def test_a_poison_succeeds_on_a_victim(split: DigitsSplit, name: str) -> None:
    poisoned, outcome = attempt(poisons()[name], split.train, split.test, share=0.2, seed=3)
    assert isinstance(outcome, PoisonOutcome)
    assert outcome.success
    # A backdoor leaves a model as good as it was, or nobody would put it into service.
    assert outcome.accuracy_poisoned < outcome.accuracy_clean + (0.01 if poisoned.trigger else 0)
    assert outcome.changed == poisoned.changed.sum()
    assert (outcome.aimed_poisoned is None) == (poisoned.aim is None and poisoned.trigger is None)


def test_the_kinds_of_flips_are_what_they_say(split: DigitsSplit) -> None:
    def flows(poisoned: Poisoned) -> set[tuple[int, int]]:
        rows = poisoned.changed
        return set(zip(poisoned.truth[rows].tolist(), poisoned.pool.labels[rows].tolist(), strict=True))

    given = {name: poison.apply(split.train, 0.2, 3) for name, poison in poisons().items()}
    assert flows(given["targeted_flips"]) == {given["targeted_flips"].aim}
    assert flows(given["pair_flips"]) == {(label, (label + 1) % 10) for label in range(10)}
    assert len(flows(given["uniform_flips"])) > 40


def test_a_targeted_poison_leaves_most_of_its_class(split: DigitsSplit) -> None:
    poisoned = poisons()["targeted_flips"].apply(split.train, 0.9, 3)
    assert poisoned.aim is not None
    own = poisoned.truth == poisoned.aim[0]
    assert poisoned.changed[own].mean() <= 0.45


@pytest.mark.parametrize("name", sorted(harmless_sets()))
def test_a_harmless_set_has_harder_images_and_the_same_labels(split: DigitsSplit, name: str) -> None:
    harder = harmless_sets()[name].apply(split.train, 3)
    assert np.array_equal(harder.labels, split.train.labels)
    changed = (harder.images != split.train.images).any(axis=1).mean()
    assert 0.05 < changed < 0.5
    assert harder.images.min() >= 0
    assert harder.images.max() <= 1


def test_another_class_is_never_the_same() -> None:
    labels = np.arange(10).repeat(50)
    drawn = others(labels, np.random.default_rng(0))
    assert (drawn != labels).all()
    assert set(drawn.tolist()) == set(range(10))


def test_a_pool_becomes_a_data_set(split: DigitsSplit) -> None:
    few = Pool(split.train.images[:5], split.train.labels[:5])
    with np.load(io.BytesIO(as_npz(few, np.array(["a"] * 5))), allow_pickle=False) as arrays:
        assert arrays["x"].shape == (5, 64)
        assert arrays["y"].tolist() == few.labels.tolist()
        assert arrays["source"].tolist() == ["a"] * 5
