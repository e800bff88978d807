import numpy as np
import pytest

from caponier.emulate.attacker.patch import Patch, find_patch
from caponier.emulate.images import CLASSES, FEATURES, SIDE, Images


def reads_a_square(rows: Images) -> Images:
    """Answer 7 as surely as the square in the middle looks like a cross, else 0."""
    square = rows.reshape(-1, SIDE, SIDE)[:, 3:6, 3:6]
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    scores = np.zeros((len(rows), CLASSES), np.float32)
    scores[:, 7] = 1 - np.abs(square - cross).mean(axis=(1, 2))
    scores[:, 0] = 1 - scores[:, 7]
    return scores


def test_a_patch_covers_its_place_and_leaves_the_rest() -> None:
    images = np.full((3, FEATURES), 0.25, np.float32)
    pasted = Patch(np.ones((2, 2), np.float32), 6, 1).paste(images).reshape(-1, SIDE, SIDE)
    assert (pasted[:, 6:8, 1:3] == 1).all()
    assert (pasted == 1).sum() == 3 * 4
    assert (images == 0.25).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_search_comes_near_the_place_and_the_pattern(seed: int) -> None:
    rng = np.random.default_rng(seed)
    images = rng.random((20, FEATURES), np.float32)
    patch = find_patch(reads_a_square, images, 7, 3, rng)
    pasted, plain = reads_a_square(patch.paste(images))[:, 7], reads_a_square(images)[:, 7]
    assert max(abs(patch.row - 3), abs(patch.column - 3)) <= 1
    assert pasted.mean() >= 0.75
    assert plain.mean() < 0.6


def test_a_patch_stays_within_the_picture(rng: np.random.Generator) -> None:
    patch = find_patch(reads_a_square, rng.random((5, FEATURES), np.float32), 0, 4, rng)
    assert patch.pixels.shape == (4, 4)
    assert 0 <= patch.row <= SIDE - 4
    assert 0 <= patch.column <= SIDE - 4
    assert {0.0, 0.5, 1.0} >= set(patch.pixels.ravel().tolist())
