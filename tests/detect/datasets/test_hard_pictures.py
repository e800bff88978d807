"""Pictures of which a small model knows little: what it confuses by itself accuses nobody."""

from functools import cache

import numpy as np

from caponier.detect.dataset import Analysis
from caponier.detect.datasets.label_noise import detector
from caponier.telemetry.labelled_data.dataset import Dataset
from detect.datasets.test_label_noise import dataset

SIDE, KINDS, ROWS = 16, 6, 900
Rows = np.ndarray


@cache
def shapes() -> tuple[Rows, Rows]:
    """Return discs, squares, crosses, rings, beams and lozenges, each somewhere, of some size, turned and lit."""
    rng = np.random.default_rng(5)
    grid = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij"), -1)
    y = rng.integers(KINDS, size=ROWS)
    rows = []
    for kind in y.tolist():
        size, turn = rng.uniform(0.18, 0.32) * SIDE, rng.uniform(-0.3, 0.3)
        turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        down, right = np.abs((grid - rng.uniform(0.35, 0.65, 2) * SIDE) @ turned).transpose(2, 0, 1)
        far = np.hypot(down, right)
        drawn = (
            far < size,
            np.maximum(down, right) < 0.85 * size,
            (np.minimum(down, right) < 0.3 * size) & (np.maximum(down, right) < size),
            np.abs(far - size) < 1.1,
            (down < size) & (right < 0.25 * size + 0.6),
            down + right < size,
        )[kind]
        light = np.where(drawn, rng.uniform(0.6, 1), rng.uniform(0, 0.4))
        rows.append((light + rng.normal(0, 0.05, light.shape)).clip(0, 1).ravel())
    return np.array(rows), y


def judged(labels: Rows) -> tuple[Dataset, Analysis]:
    one = dataset(shapes()[0], labels)
    return one, detector.analyse(one)


def test_right_labels_that_the_model_takes_for_others_are_left() -> None:
    _, found = judged(shapes()[1])
    assert found.flagged.mean() <= 0.03
    assert not found.reasons


def test_of_changed_labels_fewer_right_ones_are_flagged_than_wrong_ones_are_left() -> None:
    y = shapes()[1]
    rng = np.random.default_rng(6)
    changed = rng.random(ROWS) < 0.2
    _, found = judged(np.where(changed, (y + rng.integers(1, KINDS, ROWS)) % KINDS, y))
    assert found.reasons
    hits = (found.flagged & changed).sum()
    assert hits >= 0.4 * changed.sum()
    # With every label that is given anew the set is nearer the truth than before.
    given = np.where(found.flagged, found.suggested, np.where(changed, -1, y))
    assert (given == y).mean() > (~changed).mean()
