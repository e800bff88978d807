"""Floods of mutants are found with their source; what many people send, and what is augmented, is left alone."""

import numpy as np
import pytest
from tests.detect.datasets.test_label_noise import dataset

from caponier.detect.dataset import NOTHING
from caponier.detect.datasets.chaff_rows import CROWD, MIN_ROWS, detector
from caponier.emulate.poison import Poisoned
from caponier.emulate.registry import harmless_sets, poisons
from caponier.emulate.victims.digits import Pool, load_digits_split


@pytest.fixture(scope="module")
def pool() -> Pool:
    return load_digits_split(21).train


@pytest.fixture(scope="module")
def flood(pool: Pool) -> Poisoned:
    return poisons()["mutant_flood"].apply(pool, 0.1, 21)


def test_a_flood_is_found_without_sources(flood: Poisoned) -> None:
    found = detector.analyse(dataset(flood.pool.images, flood.pool.labels))
    assert found.flagged[flood.changed].mean() >= 0.95
    assert found.flagged[~flood.changed].mean() <= 0.02
    assert (found.suggested == NOTHING).all()
    assert found.reasons


def test_its_source_is_named(flood: Poisoned) -> None:
    sources = tuple("bad" if changed else f"s{row % 6}" for row, changed in enumerate(flood.changed))
    found = detector.analyse(dataset(flood.pool.images, flood.pool.labels, sources))
    assert [part.source for part in found.sources if part.stands_out] == ["bad"]
    assert found.flagged[flood.changed].mean() >= 0.95
    assert "source 'bad'" in found.reasons[-1]


def test_copies_that_come_from_everybody_are_how_such_things_look(flood: Poisoned) -> None:
    sources = tuple(f"s{row % 6}" for row in range(len(flood.pool)))
    assert not detector.analyse(dataset(flood.pool.images, flood.pool.labels, sources)).flagged.any()


@pytest.mark.parametrize("name", sorted(harmless_sets()))
def test_harmless_sets_raise_nothing(pool: Pool, name: str) -> None:
    harmless = harmless_sets()[name].apply(pool, 3)
    found = detector.analyse(dataset(harmless.images, harmless.labels))
    assert found.reasons == ()
    assert found.flagged.mean() <= 0.01


def test_a_careful_source_that_augments_is_left_alone(pool: Pool) -> None:
    images = pool.images.copy()
    rng = np.random.default_rng(0)
    own = np.arange(60)
    for parent in range(0, 60, CROWD - 2):
        part = own[parent : parent + CROWD - 2]
        images[part] = np.clip(images[parent] + rng.normal(0, 0.03, (len(part), 64)), 0, 1)
    sources = tuple("careful" if row < 60 else f"s{row % 6}" for row in range(len(pool)))
    assert not detector.analyse(dataset(images, pool.labels, sources)).flagged.any()


def test_a_few_rows_are_not_judged(pool: Pool) -> None:
    found = detector.analyse(dataset(pool.images[: MIN_ROWS - 1], pool.labels[: MIN_ROWS - 1]))
    assert "are needed" in found.silent[0]
    assert np.isnan(found.scores).all()


def test_rows_of_a_dense_class_with_the_label_of_a_wide_one_are_no_copies_of_all_that_class() -> None:
    rng = np.random.default_rng(5)
    # Ten grades in nine columns, as of a test: nearly all rows of one class bear the lowest ones.
    y = np.repeat([0, 1], [400, 200])
    x = np.where(y[:, None] == 0, 1 + rng.binomial(3, 0.2, (600, 9)), rng.integers(1, 11, (600, 9)))
    labels = np.where(rng.random(600) < 0.1, 1 - y, y)
    found = detector.analyse(dataset(x, labels))
    assert found.reasons == ()
    assert not found.flagged.any()
