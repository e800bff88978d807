"""Pictures of which some differ from the rest: by a trigger too weak to move a small model, or by honest use."""

import numpy as np
import pytest
from tests.detect.datasets.test_label_noise import dataset

from caponier.detect.datasets.trigger_rows import STRONGER, detector
from caponier.emulate.victims.digits import load_digits_split

SIDE = 8
Rows = np.ndarray


def pictures(seed: int) -> tuple[Rows, Rows]:
    pool = load_digits_split(seed).train
    x = np.asarray(pool.images, np.float64)
    return (x / x.max()).reshape(-1, SIDE, SIDE), np.asarray(pool.labels)


def wave(waves: float, height: float) -> Rows:
    return height * np.sin(2 * np.pi * (waves * np.arange(SIDE) / SIDE + 0.7))


@pytest.mark.parametrize(("waves", "height"), [(3, 0.3), (5, 0.4)])
def test_a_weak_wave_on_rows_with_right_labels_is_asked_about_twice_as_strong(waves: int, height: float) -> None:
    x, y = pictures(21)
    own = np.flatnonzero(y == y.dtype.type("2"))
    carriers = np.sort(np.random.default_rng(21).permutation(own)[: len(own) // 2])
    x[carriers] = np.clip(x[carriers] + wave(waves, height), 0, 1)
    found = detector.analyse(dataset(x.reshape(len(x), -1), y))
    assert np.flatnonzero(found.flagged).tolist() == carriers.tolist()
    (group,) = found.facts["patterns"]
    assert (group["label"], group["times_as_strong"]) == ("2", STRONGER)
    assert "2 times as strongly as they have it" in found.reasons[0]


def part(kind: str, x: Rows, rows: Rows, rng: np.random.Generator) -> Rows:
    """Return pictures (n, side, side) of which some rows are of another season, camera or source."""
    down, right = np.mgrid[:SIDE, :SIDE] / (SIDE - 1)
    changed = x.copy()
    if kind == "season":
        changed[rows] = x[rows] * (1 - 0.3 * down) + 0.25 * right * down
    elif kind == "camera":
        changed[rows] = x[rows] + 0.12 * rng.normal(size=(SIDE, SIDE))
    elif kind == "watermark":
        changed[rows, -3:-1, 1:3] = 1
    elif kind == "border":
        changed[rows, 0] = changed[rows, -1] = 0.8
    else:
        changed[rows] = x[rows] + wave(3.3, 0.12)[:, None]
    return np.clip(changed, 0, 1)


@pytest.mark.parametrize("kind", ["season", "camera", "watermark", "border", "stripes"])
def test_a_part_that_one_class_has_several_times_as_often_is_no_trigger(kind: str) -> None:
    x, y = pictures(23)
    rng = np.random.default_rng(23)
    rows = rng.random(len(y)) < np.where(y == y[0], 0.32, 0.1)
    changed = part(kind, x, rows, rng)
    assert not detector.analyse(dataset(changed.reshape(len(x), -1), y)).flagged.any()
