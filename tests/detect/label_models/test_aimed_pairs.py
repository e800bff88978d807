import numpy as np
import pytest

from caponier.detect.label_models.aimed_pairs import learned_pairs, one_way_pairs

EACH = 60


def sure(classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities of a model that is sure of well separated classes, and the right labels."""
    y = np.arange(EACH * classes) % classes
    said = np.random.default_rng(seed).uniform(0.0, 0.01, (len(y), classes))
    said[np.arange(len(y)), y] = 0
    said[np.arange(len(y)), y] = 1 - said.sum(axis=1)
    return said, y


def flipped(y: np.ndarray, own: int, given: int, share: float) -> np.ndarray:
    rows = np.flatnonzero(y == own)
    labels = y.copy()
    labels[rows[: round(share * len(rows))]] = given
    return labels


def apart(n: int) -> np.ndarray:
    return np.arange(n)


@pytest.mark.parametrize("classes", [2, 4])
def test_a_pair_that_a_model_learned_is_named_with_its_rows(classes: int) -> None:
    said, y = sure(classes, 1)
    labels = flipped(y, 1, 0, 0.4)
    own = y == 1
    said[own, 1], said[own, 0] = 0.6, 0.4 - (said[own].sum(axis=1) - said[own, 0] - said[own, 1])
    found = learned_pairs(said, labels, apart(len(y)))
    assert [(pair.own, pair.given) for pair in found] == [(1, 0)]
    assert np.array_equal(found[0].rows, labels != y)
    # Copies of one row are one row.
    assert not learned_pairs(said, labels, np.zeros(len(y), np.int64))


def test_classes_that_share_a_border_are_no_pair_that_somebody_aimed_at() -> None:
    rng = np.random.default_rng(2)
    chance = 1 / (1 + np.exp(-rng.normal(-0.5, 1.5, 800)))
    said = np.stack([1 - chance, chance], axis=1)
    y = (rng.random(800) < chance).astype(np.int64)
    assert not learned_pairs(said, y, apart(800))


@pytest.mark.parametrize("telling", [False, True])
def test_flips_fall_on_any_row_of_a_class_and_nature_on_those_that_look_like_the_other(telling: bool) -> None:
    rng = np.random.default_rng(4)
    y = np.repeat([0, 1], 500)
    # Of the rows of one class the model half expects the other label; of some more, of some less.
    other = rng.uniform(0.06, 0.38, 500)
    said = np.concatenate([np.tile([0.999, 0.001], (500, 1)), np.stack([other, 1 - other], axis=1)])
    by_lot = rng.random(500) < other.mean()
    labels = np.r_[
        np.zeros(500, np.int64), np.where(rng.random(500) < 2.5 * (other - 0.12) if telling else by_lot, 0, 1)
    ]
    found = learned_pairs(said, labels, apart(1_000))
    assert [(pair.own, pair.given) for pair in found] == ([] if telling else [(1, 0)])
    assert telling or np.array_equal(found[0].rows, labels != y)


def test_a_few_flips_go_one_way_where_the_model_is_sure() -> None:
    said, y = sure(5, 3)
    labels = y.copy()
    for own in range(5):
        labels[np.random.default_rng(own).permutation(np.flatnonzero(y == own))[:9]] = (own + 1) % 5
    pairs, share, at_least = one_way_pairs(said, labels, apart(len(y)))
    assert {(pair.own, pair.given) for pair in pairs} == {(own, (own + 1) % 5) for own in range(5)}
    assert share == pytest.approx(9 / EACH, abs=0.05)
    assert 0.02 < at_least < share


@pytest.mark.parametrize("classes", [2, 5])
def test_labels_that_go_everywhere_or_nowhere_are_of_no_pair(classes: int) -> None:
    said, y = sure(classes, 4)
    rng = np.random.default_rng(4)
    changed = rng.random(len(y)) < 0.15
    anywhere = np.where(changed, (y + rng.integers(1, classes, len(y))) % classes, y)
    for labels in (y, anywhere):
        assert one_way_pairs(said, labels, apart(len(y)))[2] <= 0.02
        assert not learned_pairs(said, labels, apart(len(y)))


@pytest.mark.parametrize("telling", [False, True])
def test_a_class_without_a_place_of_its_own_is_not_what_somebody_aims_at(telling: bool) -> None:
    said, y = (np.tile(one, (6, 1) if one.ndim == 2 else 6) for one in sure(4, 6))
    rng = np.random.default_rng(6)
    # Rows of a middling grade lie among those of a better one, and more of them where the model half expects them.
    own = y == 1
    other = rng.uniform(0.02, 0.42, int(own.sum()))
    said[own, 3], said[own, 1] = other, 1 - other - said[own][:, [0, 2]].sum(axis=1)
    labels = y.copy()
    labels[own] = np.where(rng.random(len(other)) < (other if telling else 0.22), 3, 1)
    assert [(pair.own, pair.given) for pair in one_way_pairs(said, labels, apart(len(y)))[0]] == (
        [] if telling else [(1, 3)]
    )


@pytest.mark.parametrize("placed", [False, True])
def test_a_label_that_is_borne_more_elsewhere_than_at_home_is_hard_and_not_aimed_at(placed: bool) -> None:
    said, y = (np.tile(one, (6, 1) if one.ndim == 2 else 6) for one in sure(5, 7))
    rng, labels = np.random.default_rng(7), y.copy()
    for own in (0, 1):
        rows = np.flatnonzero(y == own)
        labels[rows[rng.random(len(rows)) < 0.4]] = 4
    if not placed:
        # What the model takes for the label is as often something else.
        rows = np.flatnonzero(y == 4)
        labels[rows[rng.random(len(rows)) < 0.6]] = 3
        labels[rows[rng.random(len(rows)) < 0.2]] = 2
    pairs = {(pair.own, pair.given) for pair in one_way_pairs(said, labels, apart(len(y)))[0]}
    assert pairs >= {(0, 4), (1, 4)} if placed else not pairs & {(0, 4), (1, 4)}
