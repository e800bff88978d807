"""Data sets as nobody draws them: no detector fails on one, none accuses without reason, and none minds the order."""

from collections.abc import Callable

import numpy as np
import pytest
from tests.detect.datasets.test_label_noise import dataset

from caponier.detect.dataset import NOTHING, Analysis
from caponier.detect.datasets import chaff_rows, label_noise, trigger_rows
from caponier.emulate.victims.digits import load_digits_split
from caponier.telemetry.labelled_data.dataset import Dataset

pytestmark = pytest.mark.usefixtures("forgetting")

DETECTORS = [label_noise.detector, trigger_rows.detector, chaff_rows.detector]
NAMES = [one.name for one in DETECTORS]
N = 200
Set = tuple[np.ndarray, np.ndarray]


def drawn(n: int, width: int, classes: int = 3, apart: float = 4.0, seed: int = 0) -> Set:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return rng.normal(size=(n, width)) + apart * y[:, None], y


def noise(n: int, width: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((n, width))


def framed(edge: float, y: np.ndarray) -> np.ndarray:
    """Return pictures with an even border."""
    pictures = np.full((len(y), 16, 16), edge)
    pictures[:, 3:-3, 3:-3] = noise(len(y), 100).reshape(-1, 10, 10)
    return pictures.reshape(len(y), -1)


def one_lit(n: int, width: int) -> np.ndarray:
    dark = np.zeros((n, width))
    dark[0, 5] = 1.0
    return dark


def odd_sets() -> dict[str, Callable[[], Set]]:
    y = np.arange(N) % 3
    blob, labels = drawn(N, 8)
    rare = (np.arange(400) < 16).astype(int)
    return {
        "one value": lambda: (np.full((N, 8), 2.5), y),
        "one value, many columns": lambda: (np.ones((N, 64)), y),
        "one column": lambda: (blob[:, :1], labels),
        "columns of one value beside others": lambda: (np.hstack([np.zeros((N, 5)), blob]), labels),
        "no columns": lambda: (np.zeros((N, 0)), y),
        "one class": lambda: (blob, np.zeros(N, int)),
        "two rows": lambda: (blob[:2], labels[:2]),
        "one row": lambda: (blob[:1], labels[:1]),
        "every class one row many times": lambda: (np.eye(3)[y], y),
        "few rows many times under any label": lambda: (np.repeat(blob[:4], 50, 0), np.arange(N) % 2),
        "a label for each row": lambda: (blob, np.arange(N)),
        "a class of sixteen in four hundred": lambda: (noise(400, 8), rare),
        "classes of the least size": lambda: (noise(32, 40), np.arange(32) % 2),
        "zeros and ones": lambda: ((noise(N, 40) < 0.5).astype(float), y),
        "dark borders": lambda: (framed(0.0, y), y),
        "bright borders": lambda: (framed(1.0, y), y),
        "dark pictures": lambda: (np.zeros((N, 256)), y),
        "one pixel that is ever lit": lambda: (one_lit(N, 256), y),
        "values that hardly are any": lambda: (blob * 1e-310, labels),
        "noise": lambda: (noise(N, 12), y),
    }


SETS = odd_sets()
SOURCES: dict[str, Callable[[int], str] | None] = {
    "none": None,
    "one": lambda _: "s",
    "four": lambda row: f"s{row % 4}",
    "each row its own": lambda row: f"s{row}",
    "empty and odd names": lambda row: ["", " ", "\n", "s" * 500][row % 4],
}


def made(name: str, sources: str = "none") -> Dataset:
    x, y = SETS[name]()
    named = SOURCES[sources]
    return dataset(x, [f"c{label}" for label in y], None if named is None else tuple(map(named, range(len(y)))))


def holds_together(found: Analysis, one: Dataset) -> None:
    n = len(one)
    assert found.scores.shape == found.flagged.shape == found.suggested.shape == (n,)
    assert not found.flagged[np.isnan(found.scores)].any(), "what was not judged is not flagged"
    assert ((found.suggested == NOTHING) | ((found.suggested >= 0) & (found.suggested < len(one.classes)))).all()
    assert (found.suggested[~found.flagged] == NOTHING).all()
    assert (found.suggested[found.flagged] != one.y[found.flagged]).all()
    assert 0 <= found.confidence <= 1
    assert bool(found.reasons) == (found.confidence > 0)
    assert sum(part.rows for part in found.sources) in (0, n)


@pytest.mark.parametrize("sources", sorted(SOURCES))
@pytest.mark.parametrize("name", sorted(SETS))
def test_no_odd_set_is_a_failure_or_a_reason(name: str, sources: str) -> None:
    one = made(name, sources)
    for detector in DETECTORS:
        found = detector.analyse(one)
        holds_together(found, one)
        assert found.reasons == (), detector.name


@pytest.mark.parametrize("sources", ["one", "four", "each row its own"])
def test_whoever_sent_the_rows_features_that_tell_nothing_contradict_no_label(sources: str) -> None:
    for name in ("noise", "one value", "every class one row many times", "zeros and ones", "dark borders"):
        one = made(name, sources)
        found = label_noise.detector.analyse(one)
        assert not found.flagged.any(), name
        told = "hardly tell the labels" in found.summary
        assert told == (name != "every class one row many times") or not found.reasons


def test_a_source_that_drowns_the_others_labels_is_found_all_the_same() -> None:
    # Eight in ten rows of its own are moved, and half of the set is its own: no model of all rows tells the labels.
    x, y = drawn(900, 6, apart=6.0)
    rng = np.random.default_rng(3)
    sources = np.where(np.arange(900) < 400, "bad", "good")
    given = np.where((sources == "bad") & (rng.random(900) < 0.9), (y + 1) % 3, y)
    found = label_noise.detector.analyse(dataset(x, [f"c{label}" for label in given], tuple(sources.tolist())))
    assert [part.source for part in found.sources if part.stands_out] == ["bad"]
    wrong = given != y
    assert found.flagged[wrong].mean() >= 0.9
    assert found.flagged[~wrong].mean() <= 0.05


@pytest.mark.parametrize("detector", DETECTORS, ids=NAMES)
def test_a_label_that_is_a_number_or_a_name_of_any_kind_is_the_same_label(detector: label_noise.LabelNoise) -> None:
    x, y = drawn(120, 6)
    x[:20], given = x[20:40], y.copy()
    given[:30] = (y[:30] + 1) % 3
    # In one order, or ties would fall another way.
    names = [["a", "b", "c"], ["0", "1", "2"], ["", "  ", "ü\n"], ["cat", "cat ", "cat!"]]
    found = [detector.analyse(dataset(x, [each[label] for label in given])) for each in names]
    for other in found[1:]:
        assert (other.flagged == found[0].flagged).all()
        np.testing.assert_array_equal(other.scores, found[0].scores)


@pytest.mark.parametrize("detector", DETECTORS, ids=NAMES)
@pytest.mark.parametrize("name", ["zeros and ones", "dark borders", "a class of sixteen in four hundred"])
def test_the_files_order_changes_no_verdict(detector: label_noise.LabelNoise, name: str) -> None:
    one = made(name, "four")
    order = np.random.default_rng(5).permutation(len(one))
    found, other = detector.analyse(one), detector.analyse(one.rows(order))
    assert (other.flagged == found.flagged[order]).all()
    np.testing.assert_allclose(other.scores, found.scores[order], atol=1e-4)


@pytest.mark.parametrize("detector", DETECTORS, ids=NAMES)
def test_columns_of_one_value_change_no_verdict(detector: label_noise.LabelNoise) -> None:
    x, y = drawn(150, 6, apart=5.0)
    given = y.copy()
    given[:15] = (y[:15] + 1) % 3
    labels = [f"c{label}" for label in given]
    plain = detector.analyse(dataset(x, labels))
    wider = detector.analyse(dataset(np.hstack([x, np.full((150, 3), 7.0)]), labels))
    assert (plain.flagged == wider.flagged).mean() >= 0.99


@pytest.mark.parametrize("times", [1.0, 1e-6, 1e6])
@pytest.mark.parametrize("offset", [0.0, -1e3])
def test_the_unit_of_measurement_changes_no_verdict(times: float, offset: float) -> None:
    x, y = drawn(150, 6, apart=5.0)
    given = y.copy()
    given[:15] = (y[:15] + 1) % 3
    labels = [f"c{label}" for label in given]
    for detector in DETECTORS:
        plain = detector.analyse(dataset(x, labels))
        moved = detector.analyse(dataset((x + offset) * times, labels))
        assert (plain.flagged == moved.flagged).all(), detector.name


def test_rows_that_stand_twice_vouch_for_no_copy() -> None:
    x, y = drawn(120, 6, apart=6.0)
    given = y.copy()
    given[:6] = (y[:6] + 1) % 3
    # Each wrong row stands there five times.
    x, given, y = (np.concatenate([part, *[part[:6]] * 4]) for part in (x, given, y))
    found = label_noise.detector.analyse(dataset(x, [f"c{label}" for label in given]))
    assert found.flagged[given != y].all()
    assert (found.suggested[given != y] == y[given != y]).all()
    assert not chaff_rows.detector.analyse(dataset(x, [f"c{label}" for label in given])).flagged.any()


def test_one_row_many_times_is_a_template_and_no_flood() -> None:
    x, y = drawn(400, 40)
    x[:150], y[:150] = x[0], 0
    for name in ("none", "four"):
        named = SOURCES[name]
        sources = None if named is None else tuple(map(named, range(400)))
        found = chaff_rows.detector.analyse(dataset(x, [f"c{label}" for label in y], sources))
        assert not found.flagged.any()


def test_a_border_hides_no_corner_patch() -> None:
    pool = load_digits_split(21).train
    pictures = np.pad(pool.images[:300].reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)), constant_values=0.5)
    labels = pool.labels[:300].copy()
    rows = np.flatnonzero(labels != 3)[:30]
    pictures[rows, -4:-2, -4:-2], labels[rows] = 1.0, 3
    one = dataset(pictures.reshape(300, -1), [f"c{label}" for label in labels])
    found = trigger_rows.detector.analyse(one)
    assert found.flagged[rows].mean() >= 0.9
    assert found.flagged.sum() - found.flagged[rows].sum() <= 4
    assert one.classes[found.triggers[0].label] == "c3"
