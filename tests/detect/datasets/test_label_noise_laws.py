"""Laws of label noise on data sets that are small, lopsided, repeated, constant, or written in an odd way."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.dataset import NOTHING, Analysis
from caponier.detect.datasets.label_noise import MIN_EXAMPLES, detector
from caponier.telemetry.labelled_data.dataset import Dataset, check_ids, encode_labels

pytestmark = pytest.mark.usefixtures("forgetting")

WRONG = 8


def dataset(x: np.ndarray, labels: list[str], sources: list[str] | None = None) -> Dataset:
    y, classes, values = encode_labels(labels)
    ids = tuple(f"row {row}" for row in range(len(y)))
    named = None if sources is None else tuple(sources)
    return Dataset(Path("x.npz"), "0" * 64, "npz", np.asarray(x, float), y, classes, ids, named, {}, (), "y", values)


def blobs(n: int = 120, classes: int = 3, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    y = np.arange(n) % classes
    return 5 * np.eye(classes, 4)[y] + np.random.default_rng(seed).normal(0, 0.6, (n, 4)), y


def flipped() -> tuple[np.ndarray, list[str], np.ndarray]:
    """Features, labels of which the first eight are wrong, and the right ones."""
    x, y = blobs()
    given_ = y.copy()
    given_[:WRONG] = (y[:WRONG] + 1) % 3
    return x, [f"class {label}" for label in given_], y


@pytest.fixture(scope="module")
def found() -> Analysis:
    x, labels, _ = flipped()
    return detector.analyse(dataset(x, labels))


def is_consistent(one: Dataset, analysis: Analysis) -> None:
    assert len(analysis.flagged) == len(analysis.suggested) == len(analysis.scores) == len(one)
    assert (analysis.suggested[~analysis.flagged] == NOTHING).all()
    assert (analysis.suggested[analysis.flagged] != one.y[analysis.flagged]).all()
    assert (analysis.suggested[analysis.flagged] >= 0).all()
    assert np.isfinite(analysis.scores[analysis.flagged]).all()


def test_wrong_labels_are_found_and_the_right_ones_suggested(found: Analysis) -> None:
    x, labels, truth = flipped()
    is_consistent(dataset(x, labels), found)
    hits = np.flatnonzero(found.flagged)
    assert set(range(WRONG)) <= set(hits)
    assert len(hits) <= WRONG + 2
    assert (found.suggested[:WRONG] == truth[:WRONG]).all()


@pytest.mark.parametrize(
    "names", [["10", "9", "-1"], ["True", "False", "None"], ["nan", "inf", "0"], ["\u00e9", "e\u0301", "e"]]
)
def test_what_classes_are_called_changes_nothing(names: list[str], found: Analysis) -> None:
    x, labels, _ = flipped()
    renamed = [names[int(label[-1])] for label in labels]
    other = detector.analyse(dataset(x, renamed))
    np.testing.assert_array_equal(other.flagged, found.flagged)


@pytest.mark.parametrize("constant", [0.0, 1e300, -3.5])
def test_columns_that_say_nothing_are_no_error(constant: float) -> None:
    x, labels, _ = flipped()
    one = dataset(np.concatenate([x, np.full((len(x), 3), min(constant, 1e6))], axis=1), labels)
    analysis = detector.analyse(one)
    is_consistent(one, analysis)
    assert analysis.flagged[:WRONG].sum() >= WRONG - 2


def test_a_table_of_constants_alone_is_not_judged() -> None:
    analysis = detector.analyse(dataset(np.ones((90, 3)), [f"{n % 3}" for n in range(90)]))
    assert not analysis.flagged.any()
    assert analysis.silent


def test_every_row_twice_is_judged_as_once_at_least() -> None:
    """A copy must not vouch for its twin, so a wrong label that was copied is still found."""
    x, labels, _ = flipped()
    one = dataset(np.concatenate([x, x]), labels + labels)
    analysis = detector.analyse(one)
    is_consistent(one, analysis)
    assert analysis.flagged[:WRONG].sum() >= WRONG - 1
    np.testing.assert_array_equal(analysis.flagged[: len(x)], analysis.flagged[len(x) :])


def test_the_same_rows_with_two_labels_are_told_or_left_but_never_an_error() -> None:
    x, y = blobs(60)
    one = dataset(np.concatenate([x, x]), [f"{n}" for n in y] + [f"{(n + 1) % 3}" for n in y])
    is_consistent(one, detector.analyse(one))


@pytest.mark.parametrize("rare", [1, MIN_EXAMPLES - 1])
def test_a_class_below_the_least_size_is_never_flagged_nor_suggested(rare: int) -> None:
    x, labels, _ = flipped()
    more = np.random.default_rng(1).normal(20, 0.1, (rare, 4))
    one = dataset(np.concatenate([x, more]), [*labels, *["rare"] * rare])
    analysis = detector.analyse(one)
    is_consistent(one, analysis)
    assert not analysis.flagged[len(x) :].any()
    assert one.classes.index("rare") not in set(analysis.suggested[analysis.flagged].tolist())
    assert any("rare" in silent for silent in analysis.silent)


@pytest.mark.parametrize("classes", [1, 2])
def test_few_classes_are_judged_or_said_to_be_too_few(classes: int) -> None:
    x, y = blobs(80, classes)
    given_ = y.copy()
    given_[:5] = (y[:5] + 1) % classes
    one = dataset(x, [f"{label}" for label in given_])
    analysis = detector.analyse(one)
    is_consistent(one, analysis)
    assert analysis.flagged[:5].all() == (classes == 2)
    assert bool(analysis.silent) == (classes == 1)


@pytest.mark.parametrize("name", ["", "a", "\u0000", "x" * 1_000, "nan"])
def test_a_contributor_stands_out_whatever_its_name(name: str) -> None:
    x, y = blobs(200, 2)
    given_ = y.copy()
    given_[:24] = 1 - y[:24]
    sources = [name if row < 30 else f"other {row % 4}" for row in range(200)]
    analysis = detector.analyse(dataset(x, [f"{label}" for label in given_], sources))
    loud = [part for part in analysis.sources if part.stands_out]
    assert [part.rows for part in loud] == [30]
    assert sum(part.rows for part in analysis.sources) == 200
    assert sum(part.flagged for part in analysis.sources) == int(analysis.flagged.sum())


@given(st.lists(st.sampled_from(["a", "b", "", "a" * 2_000, "c"]), max_size=12))
def test_of_ids_that_repeat_the_first_row_keeps_it(ids: list[str]) -> None:
    faults = check_ids(ids)
    kept = [name for row, name in enumerate(ids) if row not in faults]
    assert len(kept) == len(set(kept))
    assert set(kept) == {name for name in ids if name and len(name) <= 1_024}
    assert all(ids.index(name) == row for row, name in enumerate(ids) if row not in faults)


labels_ = (
    st.integers(-3, 20) | st.text(max_size=3) | st.booleans() | st.sampled_from(["nan", "inf", "-inf", "1e5", "01"])
)


@given(st.lists(labels_, min_size=1, max_size=12), st.randoms())
@settings(max_examples=300)
def test_numbers_of_classes_do_not_depend_on_the_order_of_rows(labels: list[object], random: object) -> None:
    y, classes, values = encode_labels(labels)
    assert [classes[number] for number in y] == [str(label) for label in labels]
    assert [str(value) for value in values] == list(classes)
    assert len(set(classes)) == len(classes)
    mixed = list(labels)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert encode_labels(mixed)[1] == classes
