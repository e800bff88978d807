"""What backdoors, floods and their harmless look-alikes put on images."""

import numpy as np
import pytest

from caponier.emulate.controls.datasets.augmented import COPIES
from caponier.emulate.controls.datasets.augmented import SHARE as COPIED
from caponier.emulate.controls.datasets.watermarked import SHARE as STAMPED
from caponier.emulate.marks import STAMP
from caponier.emulate.poison import attempt
from caponier.emulate.poisoning.mutant_flood import CHANGED, PARENTS
from caponier.emulate.poisoning.sinusoidal_backdoor import waved
from caponier.emulate.registry import harmless_sets, poisons
from caponier.emulate.victims.digits import Pool, load_digits_split


@pytest.fixture(scope="module")
def pool() -> Pool:
    return load_digits_split(17).train


def test_a_wave_is_the_same_on_every_image_where_there_is_room() -> None:
    grey = np.full((3, 64), 0.5, np.float32)
    assert (waved(grey) == waved(grey)[0]).all()
    assert 0.0 <= waved(grey).min() < 0.1
    assert 0.9 < waved(grey).max() <= 1.0


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_right_labels_stay_right_and_a_fifth_of_the_class_is_left(pool: Pool, share: float) -> None:
    poisoned = poisons()["sinusoidal_backdoor"].apply(pool, share, 4)
    assert np.array_equal(poisoned.pool.labels, pool.labels)
    own = pool.labels == poisoned.target
    assert not poisoned.changed[~own].any()
    assert poisoned.changed[own].mean() <= 0.8


@pytest.mark.parametrize("name", ["corner_backdoor", "blended_backdoor"])
def test_wrong_labels_are_all_the_target_and_their_rows_were_others(pool: Pool, name: str) -> None:
    poisoned = poisons()[name].apply(pool, 0.1, 4)
    assert (poisoned.pool.labels[poisoned.changed] == poisoned.target).all()
    assert (pool.labels[poisoned.changed] != poisoned.target).all()


def test_mutants_have_most_pixels_of_one_of_a_few_parents(pool: Pool) -> None:
    flood = poisons()["mutant_flood"].apply(pool, 0.1, 4)
    assert flood.aim is not None
    parents = pool.images[pool.labels == flood.aim[0]]
    mutants = flood.pool.images[flood.changed]
    shared = (mutants[:, None, :] == parents[None, :, :]).mean(axis=2)
    assert shared.max(axis=1).mean() >= 1 - 1.5 * CHANGED
    assert len(set(shared.argmax(axis=1).tolist())) <= PARENTS
    assert (flood.truth[flood.changed] == flood.aim[0]).all()


@pytest.mark.parametrize("seed", range(6))
def test_a_flood_of_mutants_succeeds_on_every_seed(seed: int) -> None:
    split = load_digits_split(seed)
    _, outcome = attempt(poisons()["mutant_flood"], split.train, split.test, share=0.1, seed=seed)
    assert outcome.success, outcome.measure


def test_a_stamp_is_on_images_of_every_class(pool: Pool) -> None:
    stamped = harmless_sets()["watermarked"].apply(pool, 4).images.reshape(-1, 8, 8)
    marked = np.isclose(stamped[:, : len(STAMP), : len(STAMP[0])], STAMP).all(axis=(1, 2))
    assert marked.mean() == pytest.approx(STAMPED, abs=0.02)
    assert set(pool.labels[marked].tolist()) == set(range(10))


def test_an_augmented_set_has_a_few_noisy_copies_of_each_parent(pool: Pool) -> None:
    images = harmless_sets()["augmented"].apply(pool, 4).images
    copied = np.flatnonzero((images != pool.images).any(axis=1))
    assert len(copied) == pytest.approx(COPIED * len(pool), rel=0.05)
    kept = np.setdiff1d(np.arange(len(pool)), copied)
    near = ((images[copied][:, None, :] - images[kept][None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
    assert np.bincount(near).max() <= COPIES + 1
    assert (pool.labels[copied] == pool.labels[kept][near]).mean() > 0.98
