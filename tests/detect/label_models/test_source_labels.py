import numpy as np
import pytest

from caponier.detect.label_models.source_labels import CERTAIN, MIN_ROWS, movers


def noisy(n: int, seed: int, sources: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two classes that overlap so much that every fifth label is a surprise, labelled by many people."""
    rng = np.random.default_rng(seed)
    chance = 1 / (1 + np.exp(-rng.normal(0, 2.2, n)))
    y = (rng.random(n) < chance).astype(np.int64)
    return np.stack([1 - chance, chance], axis=1), y, rng.integers(0, sources, n)


@pytest.mark.parametrize("seed", range(4))
def test_who_moves_one_class_is_named_and_the_rows_are_his(seed: int) -> None:
    said, y, sources = noisy(3_000, seed)
    rows = np.flatnonzero((sources == 4) & (y == 1))
    rows = rows[: int(0.8 * len(rows))]
    labels = y.copy()
    labels[rows] = 0
    (found,) = movers(said, labels, sources)
    assert (found.source, found.own, found.given) == (4, 1, 0)
    assert found.share == pytest.approx(0.8, abs=0.15)
    flagged = found.chances >= CERTAIN
    assert not flagged[sources != 4].any()
    assert np.isin(np.flatnonzero(flagged), rows).mean() >= 0.8


@pytest.mark.parametrize("seed", range(8))
def test_nobody_is_named_where_everybody_errs_alike(seed: int) -> None:
    assert movers(*noisy(3_000, 100 + seed)) == []


def test_another_mix_of_rows_accuses_nobody() -> None:
    said, y, sources = noisy(3_000, 5)
    sources = np.where(said[:, 1] > 0.6, np.minimum(sources, 3), sources)
    assert movers(said, y, sources) == []


def test_annotators_who_all_differ_are_no_attack() -> None:
    said, y, sources = noisy(4_000, 6)
    rng = np.random.default_rng(6)
    careless = rng.random(len(y)) < (sources % 5) * 0.02
    assert movers(said, np.where(careless, 1 - y, y), sources) == []


def test_a_model_that_says_too_much_is_believed_as_far_as_it_was_right() -> None:
    said, y, sources = noisy(3_000, 7)
    sharp = said**3 / (said**3).sum(axis=1, keepdims=True)
    assert movers(sharp, y, sources) == []


def test_a_handful_of_rows_and_a_lone_source_are_not_judged() -> None:
    said, y, _ = noisy(1_000, 8)
    few = np.where(np.arange(1_000) < MIN_ROWS - 1, 1, 0)
    assert movers(said, np.where(few == 1, 1 - y, y), few) == []
    assert movers(said, y, np.zeros(1_000, np.int64)) == []
