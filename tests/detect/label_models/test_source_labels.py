import numpy as np
import pytest

from caponier.detect.label_models.source_labels import CERTAIN, MIN_ROWS, movers, rows_of


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
    chances, own = rows_of([found], said, labels, sources)
    flagged = chances >= CERTAIN
    assert set(own[flagged].tolist()) == {1}
    assert not flagged[sources != 4].any()
    assert np.isin(np.flatnonzero(flagged), rows).mean() >= 0.8


@pytest.mark.parametrize("seed", range(8))
def test_nobody_is_named_where_everybody_errs_alike(seed: int) -> None:
    assert movers(*noisy(3_000, 100 + seed)) == []


@pytest.mark.parametrize("kept", [0.5, 0.25])
@pytest.mark.parametrize("seed", range(3))
def test_whose_rows_are_seldom_of_one_class_moved_none(seed: int, kept: float) -> None:
    said, y, sources = noisy(3_000, seed)
    rng = np.random.default_rng(seed)
    # Rows of the other class that look the same come more often, but not those that could be none of it.
    stays = (sources != 4) | (y == 0) | (rng.random(3_000) < kept)
    assert movers(said[stays], y[stays], sources[stays]) == []


def test_labels_of_which_features_say_nothing_accuse_nobody() -> None:
    y, sources = np.arange(2_000) % 2, np.arange(2_000) % 7
    y[sources == 3] = 0
    assert movers(np.full((2_000, 2), 0.5), y, sources) == []


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


@pytest.mark.parametrize("seed", range(3))
def test_who_brings_little_but_moved_rows_is_named_though_another_mix_would_do(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Of so few surprises, more rows of the other class explain the labels about as well.
    chance = 1 / (1 + np.exp(-rng.normal(0, 1.2, 1_500)))
    y = (rng.random(1_500) < chance).astype(np.int64)
    sources = rng.choice(np.setdiff1d(np.arange(10), [4]), 1_500)
    rows = rng.permutation(np.flatnonzero(y == 1))[:120]
    sources[rows] = 4
    said = np.stack([1 - chance, chance], axis=1)
    # Whoever brings rows of one class alone, with their own label, moved none.
    assert movers(said, y, sources) == []
    labels = y.copy()
    labels[rows] = 0
    (found,) = movers(said, labels, sources)
    assert (found.source, found.own, found.given) == (4, 1, 0)
    chances, _ = rows_of([found], said, labels, sources)
    assert np.isin(np.flatnonzero(chances >= CERTAIN), rows).all()
