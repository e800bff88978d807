import re
from pathlib import Path

import numpy as np
import pytest

from caponier.detect.dataset import NOTHING
from caponier.detect.datasets.label_noise import MIN_EXAMPLES, detector
from caponier.emulate.images import Images, Labels
from caponier.emulate.poison import flip, others
from caponier.emulate.registry import harmless_sets, poisons
from caponier.emulate.victims.digits import Pool, load_digits_split
from caponier.telemetry.labelled_data.dataset import Dataset, encode_labels

pytestmark = pytest.mark.usefixtures("forgetting")


def dataset(x: Images, labels: Labels | list[str], sources: tuple[str, ...] | None = None) -> Dataset:
    y, classes, values = encode_labels(list(labels))
    ids = tuple(f"r{row}" for row in range(len(y)))
    return Dataset(
        Path("set.npz"), "0" * 64, "npz", np.asarray(x, float), y, classes, ids, sources, {}, (), "y", values
    )


def shuffled(one: Dataset, seed: int) -> tuple[Dataset, np.ndarray]:
    order = np.random.default_rng(seed).permutation(len(one))
    return one.rows(order), order


def blobs(n: int, classes: int, seed: int, spread: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    centres = rng.normal(0, 3, (classes, 6))
    return centres[y] + rng.normal(0, spread, (n, 6)), y


@pytest.fixture(scope="module")
def pool() -> Pool:
    return load_digits_split(21).train


@pytest.mark.parametrize("share", [0.10, 0.20])
@pytest.mark.parametrize("kind", ["uniform_flips", "pair_flips"])
def test_flips_are_found_and_little_else(pool: Pool, kind: str, share: float) -> None:
    poisoned = poisons()[kind].apply(pool, share, 21)
    found = detector.analyse(dataset(poisoned.pool.images, poisoned.pool.labels))
    hits = found.flagged & poisoned.changed
    assert hits.sum() >= 0.75 * poisoned.changed.sum()
    assert hits.sum() >= 0.80 * found.flagged.sum()
    assert (found.suggested[hits] == poisoned.truth[hits]).mean() > 0.9
    assert found.reasons
    assert found.confidence <= detector.max_confidence.cap


def test_a_targeted_poison_is_named(pool: Pool) -> None:
    poisoned = poisons()["targeted_flips"].apply(pool, 0.03, 21)
    assert poisoned.aim is not None
    found = detector.analyse(dataset(poisoned.pool.images, poisoned.pool.labels))
    given, suggested = poisoned.aim[1], poisoned.aim[0]
    assert any(re.search(f"labelled '{given}' .*'{suggested}'", reason) for reason in found.reasons)


@pytest.mark.parametrize("seed", [1, 3])
def test_half_a_class_that_was_flipped_to_another_is_found(seed: int) -> None:
    poisoned = poisons()["targeted_flips"].apply(load_digits_split(seed).train, 0.1, seed)
    found = detector.analyse(dataset(poisoned.pool.images, poisoned.pool.labels))
    assert found.reasons
    assert found.flagged[poisoned.changed].mean() >= 0.6
    assert poisoned.changed[found.flagged].mean() >= 0.9


@pytest.mark.parametrize("name", ["noisy_digits", "rare_styles"])
def test_hard_images_with_right_labels_raise_nothing(pool: Pool, name: str) -> None:
    harder = harmless_sets()[name].apply(pool, 21)
    found = detector.analyse(dataset(harder.images, harder.labels))
    assert found.flagged.mean() <= 0.02
    assert found.reasons == ()
    assert found.confidence == 0


def test_one_bad_source_is_named_and_the_others_are_not(pool: Pool) -> None:
    rng = np.random.default_rng(21)
    sources = rng.integers(0, 8, len(pool))
    rows = np.flatnonzero(sources == 5)[::3]
    poisoned = flip(pool, rows, others(pool.labels[rows], rng))
    found = detector.analyse(dataset(pool.images, poisoned.pool.labels, tuple(f"s{n}" for n in sources)))
    assert [part.source for part in found.sources if part.stands_out] == ["s5"]
    assert sum(part.rows for part in found.sources) == len(pool)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_source_that_hides_a_backdoor_among_flips_is_judged_for_both(pool: Pool, seed: int) -> None:
    mine = np.sort(np.random.default_rng(seed).permutation(len(pool))[: len(pool) // 4])
    images, labels = pool.images.copy(), pool.labels.copy()
    flips = poisons()["uniform_flips"].apply(Pool(images[mine], labels[mine]), 0.4, seed)
    labels[mine] = flips.pool.labels
    rest, flipped = mine[~flips.changed], mine[flips.changed]
    hidden = poisons()["corner_backdoor"].apply(Pool(images[rest], labels[rest]), 0.5, seed)
    images[rest], labels[rest] = hidden.pool.images, hidden.pool.labels
    sources = np.array([f"team-{row % 4}" for row in range(len(pool))], object)
    sources[mine] = "vendor"
    found = detector.analyse(dataset(images, labels, tuple(sources.tolist())))
    assert [share.source for share in found.sources if share.stands_out] == ["vendor"]
    assert found.flagged[flipped].mean() >= 0.85
    assert found.flagged[rest[hidden.changed]].mean() >= 0.85
    untouched = np.setdiff1d(np.flatnonzero(found.flagged), np.concatenate([flipped, rest[hidden.changed]]))
    assert len(untouched) <= 0.1 * found.flagged.sum()


def overlapping(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A table of two classes of which every fifth label nobody could tell."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    return x, (rng.random(n) < 1 / (1 + np.exp(-2.2 * x @ [1.0, -1.0, 0.5, 0.5, 0.0]))).astype(int)


@pytest.mark.parametrize("seed", range(3))
def test_a_noisy_table_as_it_is_raises_nothing(seed: int) -> None:
    x, y = overlapping(1_200, seed)
    found = detector.analyse(dataset(x, y))
    assert found.flagged.mean() <= 0.03
    assert found.reasons == ()


@pytest.mark.parametrize("seed", range(3))
def test_one_contractor_who_moves_labels_in_a_noisy_table_is_named_with_his_rows(seed: int) -> None:
    x, y = overlapping(1_500, seed)
    rng = np.random.default_rng(seed)
    sources = rng.choice(10, 1_500, p=[0.08] * 3 + [0.28] + [0.08] * 6)
    rows = rng.permutation(np.flatnonzero((sources == 3) & (y == 1)))[:120]
    y[rows] = 0
    found = detector.analyse(dataset(x, y, tuple(f"c{source}" for source in sources)))
    assert [part.source for part in found.sources if part.stands_out] == ["c3"]
    assert np.isin(np.flatnonzero(found.flagged), rows).mean() >= 0.8
    assert (found.suggested[found.flagged] == 1).mean() >= 0.9


def faults_of_machines(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of four classes, most of the first; many of the others are faults so mild that they look like it."""
    rng = np.random.default_rng(seed)
    y = rng.choice(4, n, p=[0.55, 0.15, 0.15, 0.15])
    x = rng.normal(size=(n, 6))
    x[np.arange(n), y] += np.where(y > 0, rng.gamma(2.0, 2.0, n), 0.0)
    return x, y


def test_what_overlaps_where_one_contractor_moves_labels_is_not_held_against_the_others() -> None:
    x, y = faults_of_machines(700, 1)
    rng = np.random.default_rng(1)
    sources, labels = rng.integers(9, size=700), y.copy()
    moved = rng.permutation(np.flatnonzero(y == 0))[:56]
    labels[moved], sources[moved] = 1, 9
    sources[rng.permutation(np.setdiff1d(np.arange(700), moved))[:14]] = 9
    found = detector.analyse(dataset(x, labels, tuple(f"s{source}" for source in sources)))
    assert [part.source for part in found.sources if part.stands_out] == ["s9"]
    assert found.flagged[moved].mean() >= 0.9
    assert (labels != y)[found.flagged].mean() >= 0.9


def hardly_told(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A table of which every fourth label surprises, seven in ten are of one class, and who gave each row."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    y = (rng.random(n) < 1 / (1 + np.exp(1.0 - x @ [1.0, -1.0, 0.5, 0.5, 0.0]))).astype(int)
    return x, y, rng.choice(10, n, p=[0.08] * 3 + [0.28] + [0.08] * 6)


@pytest.mark.parametrize("seed", range(2))
def test_who_moves_labels_is_named_where_no_label_can_be_judged_by_itself(seed: int) -> None:
    x, y, sources = hardly_told(1_200, seed)
    rows = np.random.default_rng(seed).permutation(np.flatnonzero((sources == 3) & (y == 0)))[:100]
    y[rows] = 1
    found = detector.analyse(dataset(x, y, tuple(f"c{source}" for source in sources)))
    assert [part.source for part in found.sources if part.stands_out] == ["c3"]
    assert "hardly tell the labels" in found.silent[0]
    assert np.isnan(found.scores[sources != 3]).all()
    assert np.isin(np.flatnonzero(found.flagged), rows).mean() >= 0.7
    assert not detector.analyse(dataset(x, y)).flagged.any(), "nobody says who gave which"


def test_labels_that_cannot_be_told_are_counted_and_the_whole_source_is_to_be_reviewed() -> None:
    x, y, sources = hardly_told(1_200, 1)
    rows = np.random.default_rng(1).permutation(np.flatnonzero((sources == 3) & (y == 0)))[:100]
    y[rows] = 1
    found = detector.analyse(dataset(x, y, tuple(f"c{source}" for source in sources)))
    (part,) = [part for part in found.sources if part.stands_out]
    assert part.moved == pytest.approx(len(rows), rel=0.3)
    assert part.untold == pytest.approx(len(rows) - found.flagged[rows].sum(), abs=25)
    assert part.advice in found.reasons
    assert f"about {part.untold:.0f} of these cannot be told from right ones" in part.advice
    assert all(not one.advice for one in found.sources if not one.stands_out)
    assert [one["moved"] for one in found.facts["by_source"] if "moved" in one] == [round(part.moved)]


@pytest.mark.parametrize("seed", range(2))
def test_nobody_is_named_in_such_a_table_for_what_it_is_or_for_another_mix(seed: int) -> None:
    x, y, sources = hardly_told(1_200, seed)
    rare = (sources != 3) | (y == 1) | (np.random.default_rng(seed).random(1_200) < 0.4)
    for rows in (np.ones(1_200, bool), rare):
        found = detector.analyse(dataset(x[rows], y[rows], tuple(f"c{source}" for source in sources[rows])))
        assert not found.flagged.any()
        assert found.reasons == ()


def test_the_order_of_the_rows_changes_nothing() -> None:
    x, y = blobs(240, 3, 5)
    y[:20] = (y[:20] + 1) % 3
    one = dataset(x, y)
    other, order = shuffled(one, 9)
    first, second = detector.analyse(one), detector.analyse(other)
    assert first.flagged.any()
    assert np.array_equal(first.flagged[order], second.flagged)
    assert np.array_equal(first.scores[order], second.scores)
    assert np.array_equal(first.suggested[order], second.suggested)
    assert first.facts == second.facts


def test_a_table_with_mixed_scales_is_judged_by_ranks() -> None:
    x, y = blobs(400, 3, 7)
    x = np.exp(x * np.array([1e-3, 1.0, 0.1, 2.0, 1.5, 0.01])) * 10.0 ** np.array([6, -3, 0, 2, -6, 3])
    wrong = np.random.default_rng(7).permutation(400)[:40]
    noisy = y.copy()
    noisy[wrong] = (y[wrong] + 1) % 3
    found = detector.analyse(dataset(x, noisy))
    assert found.flagged[wrong].mean() >= 0.75
    assert found.flagged.sum() <= 1.25 * found.flagged[wrong].sum()


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (["a"] * 200, "only one class"),
        ([str(n) for n in range(200)], "no class has"),
        (["a"] * 190 + ["b"] * 10, "only one class has"),
    ],
)
def test_it_says_when_it_cannot_speak(labels: list[str], reason: str) -> None:
    x, _ = blobs(200, 2, 3)
    found = detector.analyse(dataset(x, labels))
    assert reason in found.silent[0]
    assert not found.flagged.any()
    assert np.isnan(found.scores).all()
    assert not found.reasons


def test_labels_that_the_features_do_not_tell_are_not_judged() -> None:
    rng = np.random.default_rng(0)
    found = detector.analyse(dataset(rng.normal(size=(300, 4)), rng.integers(0, 3, 300)))
    assert "hardly tell the labels" in found.silent[0]
    assert not found.flagged.any()


def test_a_class_that_is_too_small_is_left_out_and_listed() -> None:
    x, y = blobs(200, 2, 3)
    labels = [f"c{label}" for label in y]
    labels[:5] = ["rare"] * 5
    found = detector.analyse(dataset(x, labels))
    assert found.silent == (f"class 'rare': 5 rows, and {MIN_EXAMPLES} are needed",)
    assert np.isnan(found.scores[:5]).all()
    assert np.isfinite(found.scores[5:]).all()
    assert (found.suggested[:5] == NOTHING).all()


def test_copies_of_a_wrong_row_do_not_vouch_for_each_other() -> None:
    x, y = blobs(300, 3, 11)
    x[:9], y = x[0], y.copy()
    y[:9] = (y[0] + 1) % 3
    found = detector.analyse(dataset(x, y))
    assert found.flagged[:9].all()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_rare_class_that_overlaps_with_another_does_not_leave_all_others_unweighed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1, 2, 3], [400, 300, 200, 18])
    x = rng.normal(0, 1.0, (len(y), 5)) + np.array([0, 1.6, 3.2, 1.6])[y][:, None] * np.array([1, 0.4, 0, 0, 0])
    found = detector.analyse(dataset(x, y))
    assert found.flagged.mean() <= 0.03
    assert found.reasons == ()
