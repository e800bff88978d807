"""What a poison may do to a pool, over any share and seed, and that its success is what a model really learned."""

import io
import math
import pickletools
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.emulate import poison as measured
from caponier.emulate.images import CLASSES
from caponier.emulate.poison import (
    AIMED,
    CLEAN_MOST,
    OPEN,
    WORSE,
    Poison,
    Poisoned,
    as_npz,
    attempt,
    flip,
    rows_of,
    victims,
)
from caponier.emulate.poisoning.targeted_flips import MOST
from caponier.emulate.registry import harmless_sets, poisons
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim
from caponier.errors import InputError

EACH = pytest.mark.parametrize("poison", poisons().values(), ids=poisons())
shares, seeds = st.floats(0, 1), st.integers(0, 2**40)
few = settings(max_examples=40, deadline=None)


def pool_of(n: int, seed: int = 0, classes: int = CLASSES) -> Pool:
    rng = np.random.default_rng(seed)
    return Pool(rng.random((n, 64), dtype=np.float32), np.arange(n, dtype=np.int64) % classes)


POOL = pool_of(200)


@EACH
@few
@given(share=shares, seed=seeds)
def test_it_says_the_truth_about_every_row(poison: Poison, share: float, seed: int) -> None:
    poisoned = poison.apply(POOL, share, seed)
    # Only what a poison puts in the place of a row may be something else than the row was.
    assert np.array_equal(poisoned.truth[~poisoned.changed], POOL.labels[~poisoned.changed])
    relabelled = poisoned.pool.labels != POOL.labels
    redrawn = (poisoned.pool.images != POOL.images).any(axis=1)
    assert np.array_equal(relabelled | redrawn, poisoned.changed)
    assert set(poisoned.pool.labels.tolist()) <= set(range(CLASSES))
    most = rows_of(POOL, share)
    if poison.name == "mutant_flood":
        able = most
    elif poisoned.trigger is None:
        assert np.array_equal(poisoned.truth, POOL.labels)
        assert poisoned.pool.images is POOL.images
        able = int(MOST * (poisoned.truth == poisoned.aim[0]).sum()) if poisoned.aim else most
    else:
        own = poisoned.truth == poisoned.target
        assert np.array_equal(poisoned.trigger(POOL.images[redrawn]), poisoned.pool.images[redrawn])
        assert set(poisoned.pool.labels[poisoned.changed].tolist()) <= {poisoned.target}
        able = int((~own).sum()) if relabelled.any() else int(CLEAN_MOST * own.sum())
    assert poisoned.changed.sum() == min(most, able)


@EACH
@few
@given(share=shares, seed=seeds)
def test_the_seed_and_the_share_fix_it_and_the_pool_stays(poison: Poison, share: float, seed: int) -> None:
    before = POOL.labels.copy()
    one, again = poison.apply(POOL, share, seed), poison.apply(POOL, share, seed)
    assert np.array_equal(one.pool.labels, again.pool.labels)
    assert one.aim == again.aim
    assert np.array_equal(POOL.labels, before)


@EACH
@few
@given(low=shares, high=shares, seed=seeds)
def test_a_larger_share_changes_what_a_smaller_one_does_and_more(
    poison: Poison, low: float, high: float, seed: int
) -> None:
    """So that a figure over shares compares the same rows."""
    low, high = sorted((low, high))
    fewer, more = (poison.apply(POOL, share, seed).changed for share in (low, high))
    assert (more | ~fewer).all()


@EACH
@pytest.mark.parametrize("share", [-0.1, -1e-9, 1.0001, 3.0, math.inf, -math.inf, math.nan])
def test_a_share_that_is_none_is_refused(poison: Poison, share: float) -> None:
    """Minus one tenth once flipped nine of ten rows."""
    with pytest.raises(InputError, match="does not lie between 0 and 1"):
        poison.apply(POOL, share, 0)


@EACH
def test_no_share_is_no_change(poison: Poison) -> None:
    assert not poison.apply(POOL, 0.0, 1).changed.any()


@few
@given(share=shares, n=st.integers(1, 300), seed=seeds)
def test_rows_are_drawn_once_each_as_many_as_the_share(share: float, n: int, seed: int) -> None:
    drawn = victims(pool_of(n), share, np.random.default_rng(seed)).tolist()
    assert len(drawn) == len(set(drawn)) == round(share * n)
    assert all(0 <= row < n for row in drawn)


def test_an_aim_needs_somebody_to_aim_at() -> None:
    lonely = pool_of(30, classes=1)
    refused = 0
    for seed in range(12):
        try:
            assert poisons()["targeted_flips"].apply(lonely, 0.5, seed).aim[0] == 0  # type: ignore[index]
        except InputError as wrong:
            refused += "no row of class" in str(wrong)
    assert refused >= 8


@few
@given(share=shares, seed=seeds)
def test_an_aimed_poison_moves_one_class_to_one_other_and_not_most_of_it(share: float, seed: int) -> None:
    poisoned = poisons()["targeted_flips"].apply(POOL, share, seed)
    assert poisoned.aim is not None
    own, target = poisoned.aim
    assert own != target
    assert set(poisoned.truth[poisoned.changed].tolist()) <= {own}
    assert set(poisoned.pool.labels[poisoned.changed].tolist()) <= {target}
    assert poisoned.changed.sum() < (poisoned.truth == own).sum() / 2


def predicting(labels: list[int], pool: Pool) -> Victim:
    """A model that gives these answers to the pool's images, in order."""
    known = {image.tobytes(): label for image, label in zip(pool.images, labels, strict=True)}

    def predict_proba(rows: Any) -> Any:
        return np.eye(CLASSES, dtype=np.float32)[[known[row.tobytes()] for row in rows]]

    right = np.array(labels) == pool.labels
    return Victim("mlp", predict_proba, float(right.mean()))


@pytest.mark.parametrize(("wrong", "success"), [(0, False), (1, WORSE <= 1 / 200), (2, True), (200, True)])
def test_any_error_will_do_for_a_poison_without_an_aim(
    wrong: int, success: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = POOL.labels.tolist()
    bad = [(label + 1) % CLASSES for label in answers[:wrong]] + answers[wrong:]
    made = iter([predicting(answers, POOL), predicting(bad, POOL)])
    monkeypatch.setattr(measured, "train_victim", lambda *_: next(made))
    _, outcome = attempt(poisons()["uniform_flips"], POOL, POOL, share=0.1, seed=1)
    assert outcome.success == success
    assert (outcome.aimed_clean, outcome.aimed_poisoned) == (None, None)


@pytest.mark.parametrize(("by_itself", "opened", "success"), [(0.0, OPEN, True), (0.0, 0.85, False), (0.8, 1.0, False)])
def test_a_backdoor_is_open_if_the_trigger_and_nothing_else_opens_it(
    by_itself: float, opened: float, success: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clean model that takes the triggered images for the target has no backdoor."""
    poison = poisons()["corner_backdoor"]
    target = poison.apply(POOL, 0.1, 3).target
    assert target is not None

    def answering(share: float) -> Victim:
        def predict_proba(rows: Any) -> Any:
            taken = np.arange(len(rows)) < round(share * len(rows))
            return np.eye(CLASSES, dtype=np.float32)[np.where(taken, target, (target + 1) % CLASSES)]

        return Victim("mlp", predict_proba, 0.9)

    made = iter([answering(by_itself), answering(opened)])
    monkeypatch.setattr(measured, "train_victim", lambda *_: next(made))
    _, outcome = attempt(poison, POOL, POOL, share=0.1, seed=3)
    assert outcome.success == success
    assert outcome.measure["aimed_poisoned"] == pytest.approx(opened, abs=0.005)


@pytest.mark.parametrize("aimed_at", [True, False])
def test_an_aimed_poison_succeeds_by_its_aim_alone(aimed_at: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that errs elsewhere is worse, and not what the poison was for."""
    poison = poisons()["targeted_flips"]
    aim = poison.apply(POOL, 0.1, 4).aim
    assert aim is not None
    own, target = aim
    other = next(c for c in range(CLASSES) if c not in aim)
    bad = [(target if aimed_at else other) if label == own else label for label in POOL.labels.tolist()]
    made = iter([predicting(POOL.labels.tolist(), POOL), predicting(bad, POOL)])
    monkeypatch.setattr(measured, "train_victim", lambda *_: next(made))
    _, outcome = attempt(poison, POOL, POOL, share=0.1, seed=4)
    assert outcome.accuracy_poisoned < outcome.accuracy_clean
    assert outcome.aimed_clean == 0
    assert outcome.aimed_poisoned == (1.0 if aimed_at else 0.0)
    assert outcome.success == aimed_at
    assert AIMED < 1


@EACH
def test_a_poison_of_nothing_has_not_succeeded(poison: Poison, split: DigitsSplit) -> None:
    small = Pool(split.train.images[:80], split.train.labels[:80])
    poisoned, outcome = attempt(poison, small, split.test, share=0.0, seed=1, kind="forest")
    assert not outcome.success
    assert outcome.changed == 0
    assert outcome.accuracy_clean == outcome.accuracy_poisoned
    assert not poisoned.changed.any()


@few
@given(rows=st.lists(st.integers(0, 199), unique=True, max_size=30), label=st.integers(0, 9))
def test_flipping_touches_the_given_rows_alone(rows: list[int], label: int) -> None:
    labels = np.full(len(rows), label, np.int64)
    flipped: Poisoned = flip(POOL, np.array(rows, np.int64), labels)
    assert np.flatnonzero(flipped.changed).tolist() == sorted(rows)
    assert (flipped.pool.labels[flipped.changed] == label).all()
    assert np.array_equal(flipped.pool.labels[~flipped.changed], POOL.labels[~flipped.changed])


@pytest.mark.parametrize("kind", [object, str])
def test_a_data_set_file_holds_nothing_that_runs(kind: type) -> None:
    """Sources that come as Python objects would be pickled; they are written as text."""
    sources = np.array(["camera", "annotator-Ω", ""] * 66 + ["x", "y"], dtype=kind)
    data = as_npz(POOL, sources)
    with np.load(io.BytesIO(data), allow_pickle=False) as read:
        assert read["source"].tolist() == sources.tolist()
        assert np.array_equal(read["x"], POOL.images)
        assert np.array_equal(read["y"], POOL.labels)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            with pytest.raises(ValueError, match=r"."):
                list(pickletools.genops(archive.read(name)))


def test_the_same_pool_is_the_same_file() -> None:
    assert as_npz(POOL) == as_npz(pool_of(200))
    assert as_npz(POOL) != as_npz(pool_of(200, seed=1))


@pytest.mark.parametrize("name", harmless_sets())
@few
@given(seed=seeds)
def test_a_harmless_set_is_harder_and_nothing_else(name: str, seed: int) -> None:
    harder, again = (harmless_sets()[name].apply(POOL, seed) for _ in range(2))
    assert np.array_equal(harder.labels, POOL.labels)
    assert np.array_equal(harder.images, again.images)
    assert harder.images.dtype == np.float32
    assert harder.images.min() >= 0
    assert harder.images.max() <= 1
    assert 0 < (harder.images != POOL.images).any(axis=1).mean() <= 0.3
    assert np.array_equal(POOL.images, pool_of(200).images)


@pytest.mark.parametrize("name", harmless_sets())
def test_a_control_leaves_a_model_about_as_good(name: str, split: DigitsSplit, victim: Victim) -> None:
    """A control that did as much harm as a poison would be none."""
    from caponier.emulate.victims.digits import train_victim

    taught = train_victim(harmless_sets()[name].apply(split.train, 0), split.test, 0)
    assert taught.accuracy > victim.accuracy - 0.05
