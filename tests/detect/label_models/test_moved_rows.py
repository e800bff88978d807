import numpy as np
import pytest

from caponier.detect.label_models.moved_rows import moved_rows


def labelled(seed: int, spread: float = 6.0) -> tuple[np.ndarray, np.ndarray]:
    """150 rows of ten classes, nearly all of which look like their own."""
    rng = np.random.default_rng(seed)
    said = rng.normal(0, 1, (150, 10))
    said[np.arange(150), rng.integers(0, 10, 150)] += spread
    odds = np.exp(said) / np.exp(said).sum(axis=1, keepdims=True)
    y = np.array([rng.choice(10, p=one) for one in odds])
    return odds, y


@pytest.mark.parametrize("seed", range(4))
def test_who_moves_pairs_and_gives_other_labels_by_lot_is_judged_for_both(seed: int) -> None:
    odds, y = labelled(seed)
    rng = np.random.default_rng(seed)
    lots = rng.random(150) < 0.4
    labels = np.where(lots, (y + rng.integers(1, 10, 150)) % 10, np.where(np.isin(y, [2, 3, 7]), 8, y))
    wrong = np.flatnonzero(labels != y)
    chances, own = moved_rows(odds, labels, [(2, 8), (3, 8), (7, 8)], odds.mean(axis=0))
    flagged = np.flatnonzero(chances >= 0.75)
    assert np.isin(wrong, flagged).mean() >= 0.85
    # As many are wrong as it says.
    assert np.isin(flagged, wrong).mean() >= chances[flagged].mean() - 0.08
    known = float((odds.argmax(axis=1) == y).mean())
    assert (own == y)[np.intersect1d(flagged, wrong)].mean() >= known - 0.1


@pytest.mark.parametrize("seed", range(4))
def test_who_moves_one_pair_alone_is_judged_for_no_other(seed: int) -> None:
    odds, y = labelled(seed, spread=2.5)
    labels = np.where(y == 2, 8, y)
    chances, own = moved_rows(odds, labels, [(2, 8)], odds.mean(axis=0))
    flagged = chances >= 0.75
    assert flagged[y == 2].any()
    assert set(labels[flagged].tolist()) == {8}
    assert set(own[flagged].tolist()) == {2}


def test_whose_labels_are_all_as_others_would_give_them_moved_none() -> None:
    odds, y = labelled(9)
    chances, _ = moved_rows(odds, y, [], odds.mean(axis=0))
    assert (chances >= 0.75).sum() == 0


@pytest.mark.parametrize("seed", range(6))
def test_who_brings_little_but_the_class_that_he_moves_is_judged_by_his_own_mix(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Three in ten are of the class, and what rows look like tells it badly.
    own = (rng.random(2_000) < 0.3).astype(np.int64)
    looks = rng.normal(1.2 * own, 1)
    ratio = 0.3 / 0.7 * np.exp(1.2 * looks - 0.72)
    odds = np.stack([1 / (1 + ratio), ratio / (1 + ratio)], axis=1)
    rows = np.concatenate([np.flatnonzero(own == 1)[:320], np.flatnonzero(own == 0)[:80]])
    truth, labels = own[rows], np.zeros(400, np.int64)
    chances, suggested = moved_rows(odds[rows], labels, [(1, 0)], odds.mean(axis=0))
    assert chances.sum() == pytest.approx(320, abs=45)
    flagged = chances >= 0.75
    assert flagged[truth == 1].mean() >= 0.6
    assert truth[flagged].mean() >= 0.8
    assert set(suggested[flagged].tolist()) == {1}


@pytest.mark.parametrize("seed", range(6))
def test_ten_classes_that_come_a_little_more_or_less_often_than_elsewhere_are_no_other_mix(seed: int) -> None:
    odds, y = labelled(seed, spread=2.5)
    labels = np.where(y == 2, 8, y)
    usual = odds.mean(axis=0) * np.random.default_rng(seed).uniform(0.8, 1.25, 10)
    chances, _ = moved_rows(odds, labels, [(2, 8)], odds.mean(axis=0))
    others, _ = moved_rows(odds, labels, [(2, 8)], usual / usual.sum())
    assert others.tolist() == chances.tolist()
