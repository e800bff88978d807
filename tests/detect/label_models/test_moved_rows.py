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
    chances, own = moved_rows(odds, labels, [(2, 8), (3, 8), (7, 8)])
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
    chances, own = moved_rows(odds, labels, [(2, 8)])
    flagged = chances >= 0.75
    assert flagged[y == 2].any()
    assert set(labels[flagged].tolist()) == {8}
    assert set(own[flagged].tolist()) == {2}


def test_whose_labels_are_all_as_others_would_give_them_moved_none() -> None:
    odds, y = labelled(9)
    chances, _ = moved_rows(odds, y, [])
    assert (chances >= 0.75).sum() == 0
