from types import SimpleNamespace
from typing import cast

import numpy as np

from caponier.emulate.feedback_source import PHOTOS, SILENT, photographed, spoken
from caponier.emulate.victims.digits import DigitsSplit


def test_a_share_of_labels_is_spoken(rng: np.random.Generator) -> None:
    said = spoken(np.full(4_000, 3), 0.25, rng)
    assert set(said.tolist()) == {SILENT, 3}
    assert 0.2 < (said == 3).mean() < 0.3


def test_all_or_nothing_can_be_spoken(rng: np.random.Generator) -> None:
    assert (spoken(np.arange(10), 1.0, rng) == np.arange(10)).all()
    assert (spoken(np.arange(10), 0.0, rng) == SILENT).all()


def test_at_a_share_of_nothing_not_even_the_lowest_draw_speaks() -> None:
    lowest = SimpleNamespace(random=np.zeros)
    assert (spoken(np.arange(10), 0.0, cast(np.random.Generator, lowest)) == SILENT).all()


def test_photos_show_what_they_are_said_to(split: DigitsSplit, rng: np.random.Generator) -> None:
    turn = photographed(split.test, rng)
    assert turn.images.shape == (PHOTOS, 64)
    assert turn.asked
    nearest = np.linalg.norm(turn.images[:, None] - split.test.images[None], axis=2).argmin(axis=1)
    assert (split.test.labels[nearest] == turn.truth).mean() >= 0.75
