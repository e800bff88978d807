import numpy as np
import pytest

from caponier.detect.label_models.usual_errors import not_overlap, said_once, wrong_share


def overlapping(n: int, seed: int, width: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    chance = 1 / (1 + np.exp(-rng.normal(0, width, n)))
    return np.stack([1 - chance, chance], axis=1), (rng.random(n) < chance).astype(np.int64)


def answered(said: np.ndarray, y: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, float]:
    wrong, at_least = wrong_share(said, y, counts)
    assert 0 <= at_least <= wrong <= 1
    return not_overlap(said, y, counts, wrong, at_least), wrong


def test_what_classes_that_overlap_contradict_is_usual() -> None:
    said, y = overlapping(2_000, 1, 2.0)
    contradicted = said.argmax(axis=1) != y
    assert 0.1 < contradicted.mean() < 0.3
    assert (contradicted & answered(said, y, np.ones(2_000, bool))[0]).mean() <= 0.04


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_labels_that_were_changed_contradict_everywhere_alike(share: float) -> None:
    said, y = overlapping(2_000, 2, 40.0)
    changed = np.random.default_rng(2).random(2_000) < share
    labels = np.where(changed, 1 - y, y)
    likely, wrong = answered(said, labels, np.ones(2_000, bool))
    assert (changed & likely).sum() >= 0.85 * changed.sum()
    assert wrong == pytest.approx(float(changed.mean()), abs=0.02)


def test_who_is_blamed_does_not_say_what_is_usual() -> None:
    said, y = overlapping(2_000, 3, 2.0)
    blamed = np.arange(2_000) < 300
    labels = np.where(blamed, 1 - y, y)
    kept, wrong = answered(said, labels, ~blamed)
    contradicted = (said.argmax(axis=1) != labels) & ~blamed
    assert (contradicted & kept).mean() <= 0.04
    assert wrong <= 0.02


@pytest.mark.parametrize("classes", [2, 3, 8])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.2])
def test_how_many_labels_are_wrong_is_known_however_much_classes_overlap(classes: int, share: float) -> None:
    rng = np.random.default_rng(classes)
    said = rng.dirichlet(np.full(classes, 0.3), 3_000)
    y = (said.cumsum(axis=1) > rng.random((3_000, 1))).argmax(axis=1)
    changed = rng.random(3_000) < share
    labels = np.where(changed, (y + rng.integers(1, classes, 3_000)) % classes, y)
    assert (said.argmax(axis=1) != labels).mean() >= 0.1, "the classes overlap"
    likely, wrong = answered(said, labels, np.ones(3_000, bool))
    assert wrong == pytest.approx(share, abs=0.03)
    flagged = likely & (said.argmax(axis=1) != labels)
    if share:
        assert (flagged & changed).sum() >= 0.65 * flagged.sum()
        assert (flagged & changed).sum() >= 0.3 * changed.sum()
    else:
        assert flagged.mean() <= 0.03


def test_a_label_that_a_model_half_expects_stays_beside_one_that_it_rules_out() -> None:
    # All rows look alike but for what else they may be; a twentieth has a label that is ruled out.
    said = np.tile([[0.6, 0.39, 0.01]], (2_000, 1))
    y = np.where(np.arange(2_000) % 5 < 3, 0, 1)
    y[::20] = 2
    said, y = np.tile(said, (2, 1)), np.concatenate([y, y])
    likely, _ = answered(said, y, np.ones(4_000, bool))
    assert likely[y == 2].all()
    assert not likely[y == 1].any()


@pytest.mark.parametrize("lucky", [0, 1, 2])
def test_a_step_that_bears_few_by_chance_does_not_stop_the_count(lucky: int) -> None:
    unlikely = np.linspace(0.02, 0.2, 900)
    said = np.stack([1 - unlikely, unlikely], axis=1)
    # Every tenth label is wrong, but of the first rows, or of others of the less likely half, only a third of those.
    wrong, step = np.arange(900) % 10 == 3, slice(90 * lucky, 90 * lucky + 90)
    wrong[step] = np.arange(90) % 30 == 3
    share, at_least = wrong_share(said, wrong.astype(np.int64), np.ones(900, bool))
    assert share == pytest.approx(0.087, abs=0.015)
    assert at_least > 0.04


def test_labels_that_are_borne_ever_more_often_are_overlap_from_where_they_rise() -> None:
    unlikely = np.linspace(0.0, 0.5, 2_000)
    y = (np.random.default_rng(6).random(2_000) < unlikely).astype(np.int64)
    share, at_least = wrong_share(np.stack([1 - unlikely, unlikely], axis=1), y, np.ones(2_000, bool))
    assert share < 0.08 < y.mean() / 3
    assert at_least < 0.05


def test_few_rows_and_rows_that_all_agree_are_answered() -> None:
    said, y = overlapping(7, 4, 2.0)
    assert answered(said, y, np.ones(7, bool))[0].shape == (7,)
    sure = np.tile([[0.1, 0.9]], (50, 1))
    likely, wrong = answered(sure, np.ones(50, np.int64), np.ones(50, bool))
    assert likely.shape == (50,)
    assert wrong <= 0.05


def test_a_dozen_different_rows_say_nothing_of_wrong_labels() -> None:
    rng = np.random.default_rng(5)
    twins = rng.integers(12, size=2_000)
    said = np.stack([np.full(2_000, 0.1) + twins / 1e4, np.full(2_000, 0.9) - twins / 1e4], axis=1)
    y = (rng.random(2_000) < 0.85).astype(np.int64)
    assert wrong_share(said, y, np.ones(2_000, bool))[1] > 0.02
    assert wrong_share(said, y, np.ones(2_000, bool), twins) == (0.0, 0.0)


def test_equal_rows_of_one_label_count_once_and_others_as_often_as_they_stand_there() -> None:
    twins, y = np.array([0, 0, 0, 1, 2, 2, 2]), np.array([1, 1, 1, 0, 0, 1, 0])
    assert said_once(twins, y).tolist() == [True, False, False, True, True, True, True]
    assert said_once(np.arange(3), np.array([0, 0, 1])).all()
