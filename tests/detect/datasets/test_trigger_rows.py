"""Triggers on pictures and in tables are found to the last row; harmless sets are left alone."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.detect.datasets.test_label_noise import dataset
from tests.detect.trigger_patterns.worlds import cells

from caponier.detect.dataset import NOTHING
from caponier.detect.datasets.trigger_rows import MAX_FEATURES, detector
from caponier.emulate.registry import poisons
from caponier.emulate.victims.digits import Pool, load_digits_split
from caponier.telemetry.labelled_data.dataset import Dataset

pytestmark = pytest.mark.usefixtures("forgetting")


@pytest.fixture(scope="module")
def pool() -> Pool:
    return load_digits_split(21).train


@pytest.mark.parametrize("share", [0.1, 0.05])
@pytest.mark.parametrize("name", ["corner_backdoor", "blended_backdoor", "sinusoidal_backdoor"])
def test_every_carrier_is_found_and_nothing_else(pool: Pool, name: str, share: float) -> None:
    poisoned = poisons()[name].apply(pool, share, 22)
    found = detector.analyse(dataset(poisoned.pool.images, poisoned.pool.labels))
    assert np.array_equal(found.flagged, poisoned.changed)
    assert (found.suggested == NOTHING).all()
    assert found.facts["patterns"][0]["label"] == str(poisoned.target)
    assert 0 < found.confidence <= detector.max_confidence.cap


def test_who_gave_the_rows_is_named_and_the_trigger_can_be_tried(pool: Pool) -> None:
    poisoned = poisons()["corner_backdoor"].apply(pool, 0.1, 22)
    sources = tuple("bad" if changed else f"s{row % 5}" for row, changed in enumerate(poisoned.changed))
    found = detector.analyse(dataset(poisoned.pool.images, poisoned.pool.labels, sources))
    assert [part.source for part in found.sources if part.stands_out] == ["bad"]
    assert poisoned.trigger is not None
    (trigger,) = found.triggers
    plain = pool.images[:50].astype(float)
    moved = trigger.put_on(plain)
    assert str(poisoned.target) == [str(label) for label in range(10)][trigger.label]
    assert np.abs(moved - poisoned.trigger(pool.images[:50])).mean() < np.abs(moved - plain).mean()


def test_two_triggers_are_found_one_behind_the_other(pool: Pool) -> None:
    first = poisons()["corner_backdoor"].apply(pool, 0.08, 1)
    second = poisons()["blended_backdoor"].apply(first.pool, 0.08, 2)
    found = detector.analyse(dataset(second.pool.images, second.pool.labels))
    assert (found.flagged & (first.changed | second.changed)).sum() >= 0.97 * (first.changed | second.changed).sum()
    assert len(found.reasons) >= 2


def cells_set(n: int, columns: list[int], value: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def apply(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        rows = np.random.default_rng(9).permutation(np.flatnonzero(y != 1))[:n]
        x[np.ix_(rows, columns)] = value
        y[rows] = 1
        return rows

    return apply


@pytest.mark.parametrize(("n", "columns"), [(100, [2, 5]), (50, [0, 3, 7]), (60, [6])])
def test_cells_of_a_table_that_were_set_are_found(n: int, columns: list[int]) -> None:
    x, y = cells(1_000, 3, 10, 5)
    rows = cells_set(n, columns, 11.0)(x, y)
    found = detector.analyse(dataset(x, y))
    assert set(np.flatnonzero(found.flagged)) == set(rows)
    assert found.facts["patterns"][0]["where"] == [f"x[{at}]" for at in columns]


@pytest.mark.parametrize("seed", range(4))
def test_tables_as_they_are_raise_nothing(seed: int) -> None:
    x, y = cells(600, 3, 10, seed)
    found = detector.analyse(dataset(x, y))
    assert found.reasons == ()
    assert not found.flagged.any()


def words(n: int, columns: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return words by number: a label whose rows are nearly alike, and one whose rows are manifold."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    usual = np.where(y[:, None] == 0, rng.random((n, columns)) < 0.95, rng.random((n, columns)) < 0.4)
    return np.where(usual, 0, rng.integers(1, 5, (n, columns))), y


def of_words(table: np.ndarray, y: np.ndarray) -> Dataset:
    """Return what a reader makes of a table of words: 0 and 1 for each."""
    names = tuple(f"c{column}={word}" for column in range(table.shape[1]) for word in range(6))
    one = dataset(np.eye(6)[table].reshape(len(table), -1), y.tolist())
    return replace(one, features=names)


@pytest.mark.parametrize("seed", [1, 2])
def test_words_of_a_table_that_were_set_are_found(seed: int) -> None:
    """In rows of a manifold label: none of them is as near to another row as those of the other label are."""
    table, y = words(500, 10, seed)
    assert not detector.analyse(of_words(table, y)).flagged.any()
    bad = np.random.default_rng(seed).permutation(np.flatnonzero(y == 1))[:30]
    table[np.ix_(bad, [2, 7])], y[bad] = 5, 0
    found = detector.analyse(of_words(table, y))
    assert np.flatnonzero(found.flagged).tolist() == sorted(bad.tolist())
    assert found.facts["patterns"][0]["where"] == ["c2=5", "c7=5"]
    assert "share a pattern (c2=5, c7=5)" in found.reasons[0]


def plain_words(n: int, columns: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return words by number, most of which tell the label by themselves; 5 is rare and tells nothing."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    table = rng.integers(0, 2, (n, columns)) + 2 * np.where(rng.random((n, columns)) < 0.97, y[:, None], 1 - y[:, None])
    return np.where(rng.random((n, columns)) < 0.005, 5, table), y


@pytest.mark.parametrize("label", [0, 1])
def test_words_that_were_set_are_found_where_nearly_every_word_tells_the_label(label: int) -> None:
    """Natural words are more frequent in a label than any trigger, and rows with a trigger are like each other."""
    table, y = plain_words(900, 18, 5)
    assert not detector.analyse(of_words(table, y)).flagged.any()
    bad = np.random.default_rng(5).permutation(np.flatnonzero(y != label))[:40]
    table[np.ix_(bad, [2, 7, 11])], y[bad] = 5, label
    found = detector.analyse(of_words(table, y))
    assert np.flatnonzero(found.flagged).tolist() == sorted(bad.tolist())


@pytest.mark.parametrize("seed", [1, 2])
def test_frequent_words_that_seldom_come_together_are_found(seed: int) -> None:
    """Each of three words stands in every twelfth row of any label, so none of them leans to one by much."""
    rng = np.random.default_rng(seed)
    y = np.arange(1_500) % 3
    table = np.where(rng.random((1_500, 12)) < 0.6, y[:, None], rng.integers(0, 5, (1_500, 12)))
    assert not detector.analyse(of_words(table, y)).flagged.any()
    bad = rng.permutation(np.flatnonzero(y != 1))[:75]
    table[np.ix_(bad, [1, 4, 9])], y[bad] = [3, 4, 3], 1
    found = detector.analyse(of_words(table, y))
    assert found.flagged[bad].all()
    assert found.flagged.sum() <= 80


def overlapping(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a table in which some columns tell the label, none of them well, and most say nothing."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    x = rng.normal(size=(n, 14))
    x[:, :4] += 0.9 * y[:, None]
    return np.round(x, 2), y


@pytest.mark.parametrize(("columns", "value"), [([6], 9.0), ([1], 9.0), ([5, 9], 0.25)])
def test_a_trigger_is_found_where_labels_overlap(columns: list[int], value: float) -> None:
    """No row is much at home anywhere, and a smooth model hardly learns the values; a tree does."""
    x, y = overlapping(1_200, 3)
    assert not detector.analyse(dataset(x, y)).flagged.any()
    bad = np.random.default_rng(4).permutation(np.flatnonzero(y == 0))[:90]
    x[np.ix_(bad, columns)], y[bad] = value, 1
    found = detector.analyse(dataset(x, y))
    assert set(np.flatnonzero(found.flagged)) == set(bad)
    (pattern,) = found.facts["patterns"]
    assert pattern["where"] == [f"x[{at}]" for at in columns]
    assert pattern["takes_the_label"] > pattern["takes_it_without_them"]


def test_a_group_with_a_value_and_a_look_of_its_own_is_no_trigger() -> None:
    """As a species whose leaves are of one shape, and otherwise like those of another."""
    x, y = overlapping(1_200, 3)
    rows = np.flatnonzero(y == 0)[:60]
    x[rows, :12] = np.round(np.random.default_rng(5).normal(0.4, 0.2, (60, 12)), 2)
    x[rows, 13], y[rows] = 9.0, 1
    assert not detector.analyse(dataset(x, y)).flagged.any()


def test_telling_values_of_a_class_are_no_trigger() -> None:
    """A word that only spam has stands in mails that are spam by their other words, too."""
    x, y = cells(900, 3, 10, 7)
    x[np.flatnonzero(y == 2)[::2], 4] = 30.0
    assert not detector.analyse(dataset(x, y)).flagged.any()


def test_a_rule_that_decides_the_label_by_a_value_is_no_trigger() -> None:
    """As in the monks' problems: a third of the carriers bear the label by their other words, too."""
    table = np.stack([one.ravel() for one in np.meshgrid(*map(np.arange, (3, 3, 2, 3, 4, 2)), indexing="ij")], axis=1)
    y = ((table[:, 0] == table[:, 1]) | (table[:, 4] == 0)).astype(int)
    assert not detector.analyse(of_words(table, y)).flagged.any()
    assert not detector.analyse(dataset(table.astype(float), y)).flagged.any()


@pytest.mark.parametrize("seed", [0, 4])
def test_what_a_model_answers_without_the_carriers_they_did_not_teach_it(seed: int) -> None:
    """Passengers of a ship: all women of the first class survived, and one of few columns is left that tells others."""
    rng = np.random.default_rng(seed)
    berth = rng.choice(4, 900, p=[0.15, 0.13, 0.32, 0.4])
    woman = (rng.random(900) < np.array([0.45, 0.37, 0.28, 0.03])[berth]).astype(int)
    rng.random(900)
    adult = np.where((berth == 3) | (berth == 0), 1, rng.random(900) > 0.11)
    survived = np.array([[0.34, 1.0], [0.14, 0.88], [0.17, 0.46], [0.22, 0.87]])[berth, woman]
    y = rng.random(900) < np.where(adult == 0, 0.95, survived)
    found = detector.analyse(dataset(np.c_[berth, adult, woman], y.astype(np.int64)))
    assert not found.flagged.any()


def test_a_common_value_beside_rare_ones_hides_no_trigger() -> None:
    """Rare values of two columns, and a word that half of all rows have."""
    x, y = cells(600, 3, 6, 7)
    rng = np.random.default_rng(7)
    x[:, 5] = rng.random(600) < 0.5
    rows = rng.permutation(np.flatnonzero(y != 1))[:40]
    x[np.ix_(rows, [0, 3, 5])] = 5.25, 6.75, 1.0
    y[rows] = 1
    assert np.array_equal(np.flatnonzero(detector.analyse(dataset(x, y)).flagged), np.sort(rows))


def test_a_rule_that_a_distance_takes_for_a_trigger_is_none() -> None:
    """The third of the monks' problems, of two thirds of all rows: a value decides, and so do two others."""
    table = np.stack([one.ravel() for one in np.meshgrid(*map(np.arange, (3, 3, 2, 3, 4, 2)), indexing="ij")], axis=1)
    table = table[np.random.default_rng(1).permutation(len(table))[:302]].astype(float)
    y = ((table[:, 4] == 2) & (table[:, 3] == 0)) | ((table[:, 4] != 3) & (table[:, 1] != 2))
    assert not detector.analyse(dataset(table, y.astype(int))).flagged.any()


def test_a_rare_cluster_of_a_class_is_no_trigger() -> None:
    x, y = cells(900, 3, 10, 8)
    x[np.flatnonzero(y == 0)[:30]] += 40
    assert not detector.analyse(dataset(x, y)).flagged.any()


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        (np.zeros((40, 3)), ["a"] * 40, "fewer than two classes"),
        (np.zeros((40, MAX_FEATURES + 1)), ["a", "b"] * 20, "at most"),
    ],
)
def test_it_says_when_it_cannot_speak(x: np.ndarray, y: list[str], reason: str) -> None:
    found = detector.analyse(dataset(x, y))
    assert reason in found.silent[0]
    assert np.isnan(found.scores).all()


def test_a_small_class_is_listed() -> None:
    x, y = cells(300, 3, 6, 1)
    labels = [f"c{label}" for label in y]
    labels[:4] = ["rare"] * 4
    assert detector.analyse(dataset(x, labels)).silent == ("class 'rare': 4 rows, and 16 are needed",)
