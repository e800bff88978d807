import numpy as np
import pytest

from caponier.detect.label_models.usual_errors import not_overlap


def overlapping(n: int, seed: int, width: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    chance = 1 / (1 + np.exp(-rng.normal(0, width, n)))
    return np.stack([1 - chance, chance], axis=1), (rng.random(n) < chance).astype(np.int64)


def test_what_classes_that_overlap_contradict_is_usual() -> None:
    said, y = overlapping(2_000, 1, 2.0)
    contradicted = said.argmax(axis=1) != y
    assert 0.1 < contradicted.mean() < 0.3
    assert (contradicted & not_overlap(said, y, np.ones(2_000, bool))).mean() <= 0.04


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_labels_that_were_changed_contradict_everywhere_alike(share: float) -> None:
    said, y = overlapping(2_000, 2, 40.0)
    changed = np.random.default_rng(2).random(2_000) < share
    labels = np.where(changed, 1 - y, y)
    kept = changed & not_overlap(said, labels, np.ones(2_000, bool))
    assert kept.sum() >= 0.85 * changed.sum()


def test_who_is_blamed_does_not_say_what_is_usual() -> None:
    said, y = overlapping(2_000, 3, 2.0)
    blamed = np.arange(2_000) < 300
    labels = np.where(blamed, 1 - y, y)
    kept = not_overlap(said, labels, ~blamed)
    contradicted = (said.argmax(axis=1) != labels) & ~blamed
    assert (contradicted & kept).mean() <= 0.04


def test_few_rows_and_rows_that_all_agree_are_answered() -> None:
    said, y = overlapping(7, 4, 2.0)
    assert not_overlap(said, y, np.ones(7, bool)).shape == (7,)
    sure = np.tile([[0.1, 0.9]], (50, 1))
    assert not_overlap(sure, np.ones(50, np.int64), np.ones(50, bool)).shape == (50,)
